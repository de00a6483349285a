// SPDX-License-Identifier: Apache-2.0
// What a job wants copied in and out: grammar, conflicts, and places that its policy has for it.
#include "policy/job_files.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "policy/normalize.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr absl::string_view kPolicy = R"(
mounts {
  bind { source: "/usr" } bind { source: "/srv/x" target: "/work/data" read_only: false }
  tmpfs { target: "/work" size: "1MiB" } tmpfs { target: "/usr/local/tmp" size: "1MiB" }
  proc {} dev { shm_size: "1MiB" } masked: "/work/hidden"
})";

// "field: message" of each error of a job under kPolicy.
std::vector<std::string> Errors(absl::string_view text) {
  v1::JobSpec job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &job)) << text;
  const absl::StatusOr<NormalPolicy> policy = NormalizeText(kPolicy);
  EXPECT_THAT(policy, IsOk());
  std::vector<std::string> found;
  for (const v1::ErrorDetail& each : DetailsOf(ApplyJob(*policy, job).status())) {
    EXPECT_EQ(each.source(), "job");
    found.push_back(absl::StrCat(each.policy_field(), ": ", each.message()));
  }
  return found;
}

TEST(JobFilesTest, FilesGoToWritableFileSystemsOfTheJobAndComeFromThem) {
  EXPECT_THAT(
      Errors(
          R"(copy_in { target: "/work/a/b" file: "/x" } copy_in { target: "/dev/shm/x" text: "t" }
      copy_in { target: "/usr/local/tmp/l" link: "../x" } copy_out { path: "/work" to: "/o" }
      copy_out { path: "/work/a.out" artifact: "a.out" optional: true })"),
      IsEmpty());
}

TEST(JobFilesTest, EveryOtherPlaceIsRefusedAndNamed) {
  const std::pair<const char*, const char*> places[] = {
      {"/", "the root"},
      {"/etc/x", "the root"},
      {"/usr/x", "a read-only bind"},
      {"/work/data/x", "a bind, whose files are the host's"},
      {"/proc/x", "procfs"},
      {"/dev/null", "the devices"},
      {"/work/hidden/x", "a mask"},
      {"/workshop/x", "the root"}};
  for (const auto& [path, what] : places) {
    EXPECT_THAT(Errors(absl::StrCat("copy_in { target: \"", path, "\" text: \"t\" }")),
                ElementsAre(testing::AllOf(HasSubstr("copy_in[0].target: "), HasSubstr(what))));
    EXPECT_THAT(Errors(absl::StrCat("copy_out { path: \"", path, "\" to: \"/o\" }")),
                ElementsAre(testing::AllOf(HasSubstr("copy_out[0].path: "), HasSubstr(what))));
  }
  EXPECT_THAT(Errors(R"(copy_in { target: "/work" text: "t" })"),
              ElementsAre(HasSubstr("is a tmpfs itself")));
  // A folder of artifacts may fill it.
  EXPECT_THAT(Errors(R"(copy_in { target: "/work" artifact: "a:b" })"), IsEmpty());
}

TEST(JobFilesTest, EntriesAreCheckedByThemselves) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"(copy_in { target: "/work/x" })", "copy_in[0]: says not what is copied"},
      {R"(copy_in { target: "/work/x" file: "" })", "copy_in[0].file: is empty"},
      {R"(copy_in { target: "/work/x" link: "" })", "copy_in[0].link: is empty"},
      {R"(copy_in { target: "/work/x" link: "y" mode: "0644" })", "a link has no mode"},
      {R"(copy_in { target: "/work/x" stored: "abc" })", "copy_in[0].stored: \"abc\" is not a SHA"},
      {R"(copy_in { target: "/work/x" artifact: "a" })", "is not JOB:ARTIFACT"},
      {R"(copy_in { target: "/work/x" artifact: "a:b/../c" })", "holds \"..\""},
      {R"(copy_in { target: "/work/x" artifact: "a:../c" })", "is not JOB:ARTIFACT"},
      {R"(copy_in { target: "work/x" text: "t" })",
       "copy_in[0].target: \"work/x\" is not absolute"},
      {R"(copy_in { target: "/work/../etc/x" text: "t" })", "holds \"..\""},
      {R"(copy_in { target: "/work/x\ny" text: "t" })", "control"},
      {R"(copy_in { target: "/work/x" text: "t" } copy_in { target: "/work//x" text: "u" })",
       "copy_in[1].target: \"/work/x\" is the target of another"},
      {R"(copy_in { target: "/work/x" text: "t" } copy_in { target: "/work/x/y/z" text: "u" })",
       "\"/work/x/y/z\" lies below \"/work/x\""},
      {R"(copy_out { path: "/work/x" })", "copy_out[0]: needs one of `to` and `artifact`"},
      {R"(copy_out { path: "/work/x" to: "/o" artifact: "a" })", "needs one of"},
      {R"(copy_out { path: "/work/x" artifact: "../a" })", "copy_out[0].artifact"},
      {R"(copy_out { path: "/work/x" artifact: ".." })", "copy_out[0].artifact"},
      {R"(copy_out { path: "/work/x" artifact: "a" } copy_out { path: "/work/y" artifact: "a" })",
       "copy_out[1].artifact: \"a\" is another entry's"},
      {R"(copy_out { path: "/work/x" to: "/o" max_size: "0" })", "copy_out[0].max_size"},
      {R"(copy_out { path: "/work/x" to: "/o" max_size: "1TiB" })", "copy_out[0].max_size"},
      {R"(copy_out { path: "/work/x" to: "/o" max_files: 0 })", "copy_out[0].max_files"},
      {R"(copy_out { path: "/work/x" to: "/o" max_depth: 1000 })", "copy_out[0].max_depth"}};
  for (const auto& [text, part] : wrong) {
    EXPECT_THAT(Errors(text), testing::Contains(HasSubstr(part))) << text;
  }
}

TEST(JobFilesTest, ModesAreOctalAndLetTheOwnerRead) {
  for (const char* mode : {"0400", "0644", "0755", "0777"}) {
    v1::CopyIn entry;
    entry.set_mode(mode);
    EXPECT_EQ(ModeOf(entry), std::stoul(mode, nullptr, 8));
    EXPECT_THAT(
        Errors(absl::StrCat("copy_in { target: \"/work/x\" text: \"\" mode: \"", mode, "\" }")),
        IsEmpty());
  }
  for (const char* mode : {"0", "644", "0888", "0000", "0377", "4755", "01777", "rwxr", "-644"}) {
    EXPECT_THAT(
        Errors(absl::StrCat("copy_in { target: \"/work/x\" text: \"\" mode: \"", mode, "\" }")),
        ElementsAre(HasSubstr("is not a mode")))
        << mode;
  }
  EXPECT_EQ(ModeOf(v1::CopyIn()), 0644u);
}

TEST(JobFilesTest, LimitsHaveDefaults) {
  v1::CopyOut entry;
  EXPECT_EQ(LimitsOf(entry).size, uint64_t{64} << 20);
  EXPECT_EQ(LimitsOf(entry).files, 1000u);
  EXPECT_EQ(LimitsOf(entry).depth, 32u);
  entry.set_max_size("1KiB");
  entry.set_max_files(3);
  entry.set_max_depth(2);
  EXPECT_EQ(LimitsOf(entry).size, 1024u);
  EXPECT_EQ(LimitsOf(entry).files, 3u);
  EXPECT_EQ(LimitsOf(entry).depth, 2u);
}

TEST(JobFilesTest, NamesOfArtifactsHaveThreeParts) {
  const auto whole = ParseArtifactName("build/x=1:out");
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->job, "build/x=1");
  EXPECT_EQ(whole->name, "out");
  EXPECT_EQ(whole->path, "");
  const auto below = ParseArtifactName("b:out/bin/a:b");
  ASSERT_THAT(below, IsOk());
  EXPECT_EQ(below->name, "out");
  EXPECT_EQ(below->path, "bin/a:b");
  for (const char* text : {"", ":", "a:", ":b", "a:b/", "a:b//c", "a:b/./c", "a:b c", "a"}) {
    EXPECT_FALSE(ParseArtifactName(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cordon
