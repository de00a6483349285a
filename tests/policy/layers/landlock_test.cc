// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/landlock.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/compile.h"
#include "policy/uapi/uapi.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kRead = uapi::kLandlockReadFile | uapi::kLandlockReadDir;
// Written down a second time, bit by bit, from the kernel's documentation.
constexpr uint64_t kWriteOfAbi1 =
    1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12;
constexpr uint64_t kWrite = kWriteOfAbi1 | 1 << 13 | 1 << 14;

constexpr char kMounts[] = R"(mounts {
  bind { source: "/usr" }
  bind { source: "/conf" target: "/etc/conf" executable: false }
  bind { source: "/srv/out" target: "/out" read_only: false executable: false }
  tmpfs { target: "/work" size: "1MiB" executable: true }
  bind { source: "/prog" target: "/work/prog" }
  file { path: "/etc/passwd" } file { path: "/run.sh" executable: true }
  symlink { path: "/bin" target: "usr/bin" }
  proc {} dev { device: ["null", "zero"] shm_size: "1MiB" }
  masked: "/usr/games"
} working_directory: "/home/x" )";

v1::HostFacts HostWith(uint32_t abi) {
  v1::HostFacts facts = FullHost();
  facts.set_landlock_abi(abi);
  if (abi == 0) facts.set_landlock_why("boot with it");
  return facts;
}

absl::StatusOr<v1::LandlockPlan> Compile(const std::string& text, uint32_t abi = 7) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(absl::StrCat(kStartable, text)));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompiledPlan::Make(policy, HostWith(abi)));
  return plan.proto().landlock();
}

std::map<std::string, uint64_t> Rules(const v1::LandlockPlan& plan) {
  std::map<std::string, uint64_t> rules;
  for (const v1::LandlockRule& rule : plan.rule()) rules[rule.path()] = rule.access();
  return rules;
}

// With the mounts above; every error of file rules is about the first one.
absl::Status FileRuleError(const std::string& rules, const std::string& mounts = kMounts) {
  return Compile(absl::StrCat(mounts, "landlock { ", rules, " }")).status();
}

TEST(LandlockTest, RulesAreTheMountsAndNothingElse) {
  const auto plan = Compile(kMounts);
  ASSERT_THAT(plan, IsOk());
  const std::map<std::string, uint64_t> expected = {
      {"/", uapi::kLandlockReadDir},
      {"/usr", kRead | uapi::kLandlockExecute},
      {"/etc/conf", kRead},
      {"/out", kRead | kWrite},
      {"/work", kRead | kWrite | uapi::kLandlockExecute},
      {"/work/prog", kRead | uapi::kLandlockExecute},
      {"/etc/passwd", uapi::kLandlockReadFile},
      {"/run.sh", uapi::kLandlockReadFile | uapi::kLandlockExecute},
      {"/proc", kRead},
      {"/dev", kRead},
      {"/dev/shm", kRead | kWrite},
      {"/dev/null", uapi::kLandlockReadFile | uapi::kLandlockWriteFile | uapi::kLandlockIoctlDev},
      {"/dev/zero", uapi::kLandlockReadFile | uapi::kLandlockWriteFile | uapi::kLandlockIoctlDev}};
  EXPECT_EQ(Rules(*plan), expected);
}

TEST(LandlockTest, ParentsComeFirstAndNameTheirField) {
  const auto plan = Compile(
      "mounts { tmpfs { target: \"/w\" size: \"1MiB\" } "
      "bind { source: \"/a\" target: \"/w/a\" } }");
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->rule_size(), 3);
  EXPECT_EQ(plan->rule(1).path(), "/w");
  EXPECT_EQ(plan->rule(1).field(), "mounts.tmpfs[0]");
  EXPECT_EQ(plan->rule(2).path(), "/w/a");
  EXPECT_EQ(plan->rule(2).field(), "mounts.bind[0]");
}

// A rule below a mask would be one for a path that is not there.
TEST(LandlockTest, WhatAMaskHidesHasNoRule) {
  const auto plan = Compile(
      "mounts { bind { source: \"/a\" } bind { source: \"/b\" target: \"/a/b\" } "
      "bind { source: \"/c\" } masked: \"/a\" masked: \"/c\" }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(Rules(*plan), ElementsAre(testing::Key("/"), testing::Key("/a"), testing::Key("/c")));
}

struct AbiCase {
  uint32_t abi;
  uint64_t fs;
  uint64_t net;
  uint64_t scoped;
  std::vector<std::string> missing;
};

TEST(LandlockTest, EachAbiHandlesWhatItHasAndNamesTheRest) {
  const std::string moves = "moves between directories (ABI 2)";
  const std::string truncating = "truncating files (ABI 3)";
  const std::string tcp = "TCP (ABI 4)";
  const std::string ioctls = "ioctls of devices (ABI 5)";
  const std::string scopes = "abstract sockets and signals (ABI 6)";
  const AbiCase cases[] = {
      {1, 0x1fff, 0, 0, {moves, truncating, tcp, ioctls, scopes}},
      {2, 0x3fff, 0, 0, {truncating, tcp, ioctls, scopes}},
      {3, 0x7fff, 0, 0, {tcp, ioctls, scopes}},
      {4, 0x7fff, 3, 0, {ioctls, scopes}},
      {5, 0xffff, 3, 0, {scopes}},
      {6, 0xffff, 3, 3, {}},
      {7, 0xffff, 3, 3, {}},
      // One that is newer than this compiler is used as the newest that it knows.
      {9, 0xffff, 3, 3, {}},
  };
  for (const AbiCase& each : cases) {
    const auto plan = Compile("mounts { bind { source: \"/usr\" } dev {} }", each.abi);
    ASSERT_THAT(plan, IsOk()) << each.abi;
    EXPECT_TRUE(plan->enabled());
    EXPECT_EQ(plan->abi(), std::min(each.abi, 7u));
    EXPECT_EQ(plan->handled_fs(), each.fs) << each.abi;
    EXPECT_EQ(plan->handled_net(), each.net) << each.abi;
    EXPECT_EQ(plan->scoped(), each.scoped) << each.abi;
    EXPECT_THAT(plan->missing(), testing::ElementsAreArray(each.missing)) << each.abi;
    for (const v1::LandlockRule& rule : plan->rule()) {
      EXPECT_EQ(rule.access() & ~plan->handled_fs(), 0u) << each.abi << " " << rule.path();
      EXPECT_NE(rule.access(), 0u) << each.abi << " " << rule.path();
    }
  }
}

TEST(LandlockTest, WritableMountsHaveTheRightsOfTheAbi) {
  const std::string text = "mounts { tmpfs { target: \"/w\" size: \"1MiB\" } }";
  EXPECT_EQ(Rules(*Compile(text, 2))["/w"], kRead | kWriteOfAbi1 | uapi::kLandlockRefer);
  EXPECT_EQ(Rules(*Compile(text, 3))["/w"], kRead | kWrite);
}

TEST(LandlockTest, WithoutLandlockARequiredLayerIsRefused) {
  for (const char* text : {"", "landlock { enforcement: REQUIRED }"}) {
    const auto plan = Compile(text, 0);
    EXPECT_THAT(plan, StatusIs(absl::StatusCode::kFailedPrecondition, "no Landlock"));
    EXPECT_EQ(DetailsOf(plan.status())[0].hint(), "boot with it");
    EXPECT_EQ(DetailsOf(plan.status())[0].layer(), "landlock");
  }
}

TEST(LandlockTest, WithoutLandlockAnOptionalLayerSaysWhy) {
  const auto plan = Compile("landlock { enforcement: IF_AVAILABLE }", 0);
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  EXPECT_EQ(plan->unavailable_why(), "this kernel has no Landlock; boot with it");
  EXPECT_THAT(plan->rule(), IsEmpty());
}

TEST(LandlockTest, OffIsOffOnEveryHost) {
  for (const uint32_t abi : {0u, 2u, 7u}) {
    const auto plan = Compile("landlock { enforcement: OFF }", abi);
    ASSERT_THAT(plan, IsOk());
    EXPECT_FALSE(plan->enabled());
    EXPECT_EQ(plan->enforcement(), v1::OFF);
    EXPECT_THAT(plan->rule(), IsEmpty());
  }
}

// ABI 1 denies every move between directories, which a writable mount means to allow.
TEST(LandlockTest, TheFirstAbiIsNoneWhereSomethingIsWritable) {
  const std::string text = "mounts { tmpfs { target: \"/w\" size: \"1MiB\" } } ";
  EXPECT_THAT(Compile(text, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition, "needs Landlock ABI 2"));
  const auto plan = Compile(absl::StrCat(text, "landlock { enforcement: IF_AVAILABLE }"), 1);
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  EXPECT_THAT(plan->unavailable_why(), testing::HasSubstr("mounts.tmpfs[0] is writable"));
}

TEST(LandlockTest, AJobWithANetworkHasItsTcp) {
  EXPECT_NE(Compile("")->handled_net(), 0u);
  EXPECT_NE(Compile("network { mode: NONE }")->handled_net(), 0u);
  EXPECT_EQ(Compile("network { mode: LOOPBACK }")->handled_net(), 0u);
  EXPECT_EQ(Compile("network { enforcement: OFF }")->handled_net(), 0u);
  EXPECT_THAT(Compile("network { mode: LOOPBACK }", 3)->missing(),
              testing::Not(testing::Contains("TCP (ABI 4)")));
  // Abstract sockets of the host are not what a network is for.
  EXPECT_EQ(Compile("network { enforcement: OFF }")->scoped(), 3u);
}

TEST(LandlockTest, AFileRuleTakesThePlaceOfItsMountsRule) {
  const auto plan = Compile(absl::StrCat(kMounts, R"(landlock {
    file { path: "/out" access: READ } file { path: "/out/a/b" access: WRITE }
    file { path: "/usr" access: READ } file { path: "/usr/bin" access: EXECUTE } })"));
  ASSERT_THAT(plan, IsOk());
  std::map<std::string, uint64_t> rules = Rules(*plan);
  EXPECT_EQ(rules["/out"], kRead);
  EXPECT_EQ(rules["/out/a/b"], kRead | kWrite);
  EXPECT_EQ(rules["/usr"], kRead);
  EXPECT_EQ(rules["/usr/bin"], kRead | uapi::kLandlockExecute);
  EXPECT_EQ(plan->rule_size(), 15);
}

TEST(LandlockTest, AFileRuleCannotGiveMoreThanItsMount) {
  EXPECT_THAT(FileRuleError("file { path: \"/usr\" access: WRITE }"),
              StatusIs(absl::StatusCode::kInvalidArgument, "which is read-only"));
  const absl::Status execute = FileRuleError("file { path: \"/etc/conf\" access: EXECUTE }");
  EXPECT_THAT(execute, StatusIs(absl::StatusCode::kInvalidArgument, "not executable"));
  EXPECT_EQ(DetailsOf(execute)[0].policy_field(), "landlock.file[0].access");
}

TEST(LandlockTest, AFileRuleIsForSomethingThatExists) {
  for (const char* path : {"/nowhere", "/", "/proc/self", "/dev/null", "/etc/passwd", "/home/x"}) {
    EXPECT_THAT(FileRuleError(absl::StrCat("file { path: \"", path, "\" access: READ }")),
                HasErrorWith("lies in no bind and no tmpfs"))
        << path;
  }
  EXPECT_THAT(FileRuleError("file { path: \"/work/later\" access: READ }"),
              HasErrorWith("is empty when the job starts"));
  EXPECT_THAT(FileRuleError("file { path: \"/usr/games/x\" access: READ }"),
              HasErrorWith("is hidden by mounts.masked[0]"));
  EXPECT_THAT(FileRuleError("file { path: \"/usr/games\" access: READ }"),
              HasErrorWith("is hidden by mounts.masked[0]"));
}

// What Landlock cannot express is an error that names the field and what stands in the way.
TEST(LandlockTest, LessBelowMoreIsAnError) {
  const absl::Status own = FileRuleError("file { path: \"/out/in\" access: READ }");
  EXPECT_THAT(own, StatusIs(absl::StatusCode::kInvalidArgument, "lies below \"/out\""));
  EXPECT_THAT(own, HasErrorWith("(mounts.bind[1])"));
  EXPECT_EQ(DetailsOf(own)[0].policy_field(), "landlock.file[0].access");
  EXPECT_THAT(FileRuleError("file { path: \"/out\" access: WRITE } "
                            "file { path: \"/out/in\" access: READ }"),
              HasErrorWith("lies below \"/out\" (landlock.file[0].access)"));
  // The tmpfs above a bind gives what the bind does not; the mounts hold that.
  EXPECT_THAT(FileRuleError("file { path: \"/work/prog\" access: EXECUTE }"), IsOk());
  EXPECT_THAT(FileRuleError("file { path: \"/work/prog\" access: READ }"),
              HasErrorWith("lies below \"/work\""));
}

// Rules belong to files: a second bind of the same ones would give back what the rule takes.
TEST(LandlockTest, AnotherBindOfTheSameFilesIsAnError) {
  const auto with = [](const std::string& source, const std::string& more) {
    return absl::StrCat("mounts { bind { source: \"/srv\" target: \"/a\" read_only: false } ",
                        "bind { source: \"", source, "\" target: \"/b\" ", more, " } }");
  };
  const std::string rule = "file { path: \"/a\" access: READ }";
  for (const char* source : {"/srv", "/srv/in"}) {
    EXPECT_THAT(FileRuleError(rule, with(source, "read_only: false")),
                HasErrorWith("mounts.bind[1] allows more for the same files"))
        << source;
    EXPECT_THAT(FileRuleError(rule, with(source, "executable: false")), IsOk()) << source;
  }
  // Above the bind and beside it there is nothing that a walk from /a meets.
  for (const char* source : {"/srv2", "/sr"}) {
    EXPECT_THAT(FileRuleError(rule, with(source, "read_only: false")), IsOk()) << source;
  }
  const std::string deep =
      "file { path: \"/a\" access: READ } file { path: \"/a/x\" access: READ }";
  EXPECT_THAT(FileRuleError(deep, with("/srv/y", "executable: false")), IsOk());
  EXPECT_THAT(FileRuleError(deep, with("/srv/x/y", "read_only: false")),
              HasErrorWith("same files"));
}

TEST(LandlockTest, OldKernelsCannotKeepFilesFromBeingTruncated) {
  const std::string text =
      "mounts { bind { source: \"/out\" read_only: false } } landlock { file { "
      "path: \"/out\" access: READ } ";
  const auto plan = Compile(absl::StrCat(text, "}"), 2);
  EXPECT_THAT(plan, StatusIs(absl::StatusCode::kFailedPrecondition, "needs Landlock ABI 3"));
  EXPECT_EQ(DetailsOf(plan.status())[0].policy_field(), "landlock.file[0].access");
  EXPECT_THAT(Compile(absl::StrCat(text, "}"), 3), IsOk());
  const auto optional = Compile(absl::StrCat(text, "enforcement: IF_AVAILABLE }"), 2);
  ASSERT_THAT(optional, IsOk());
  EXPECT_TRUE(optional->enabled());
  EXPECT_THAT(optional->missing(), testing::Contains("truncating files (ABI 3)"));
  // Less execution needs nothing new.
  EXPECT_THAT(Compile("mounts { bind { source: \"/usr\" } tmpfs { target: \"/w\" size: \"1MiB\" } }"
                      "landlock { file { path: \"/usr\" access: READ } }",
                      2),
              IsOk());
}

// The mounts report their own errors; rules about them would be noise.
TEST(LandlockTest, BrokenMountsAreReportedOnce) {
  const auto policy = ParseNormal(
      absl::StrCat(kStartable,
                   "mounts { bind { source: \"/usr\" } file { path: \"/f\" } } working_directory: "
                   "\"/f\" landlock { file { path: \"/usr\" access: READ } }"));
  ASSERT_THAT(policy, IsOk());
  const auto plan = CompiledPlan::Make(*policy, FullHost());
  ASSERT_FALSE(plan.ok());
  for (const v1::ErrorDetail& detail : DetailsOf(plan.status())) {
    EXPECT_EQ(detail.layer(), "mount");
  }
}

}  // namespace
}  // namespace cordon
