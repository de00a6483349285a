// SPDX-License-Identifier: Apache-2.0
// Chains of `extends:` over a source of profiles in memory.
#include "policy/resolve.h"

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "profiles/embedded.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

// Names without a dot are shipped profiles; others are files of a directory tree.
class MemorySource : public ProfileSource {
 public:
  void Add(const std::string& name, const std::string& text) { texts_[name] = text; }

  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override {
    PolicyBytes bytes;
    bytes.name = std::string(reference);
    if (reference.find('.') != absl::string_view::npos) {
      bytes.name = LexicalJoin(directory, reference);
      bytes.directory = std::string(ParentPath(bytes.name));
    }
    const auto found = texts_.find(bytes.name);
    if (found == texts_.end()) {
      return Error(absl::StatusCode::kNotFound, absl::StrCat("no policy \"", bytes.name, "\""));
    }
    bytes.bytes = found->second;
    bytes.form = FormOfFile(bytes.name);
    return bytes;
  }

 private:
  std::map<std::string, std::string> texts_;
};

class ResolveTest : public testing::Test {
 protected:
  absl::StatusOr<ParsedPolicy> Resolve(absl::string_view reference,
                                       absl::string_view directory = "/p") {
    return ResolvePolicy(reference, directory, source_);
  }
  MemorySource source_;
};

TEST_F(ResolveTest, AllErrorsOfAPolicyAreListedAtOnce) {
  source_.Add(
      "/p/a.textproto",
      "limits { proceses: 3 memory: \"12XB\" } mounts { bind { source: \"x\" target: \"y\" } }");
  const absl::StatusOr<ParsedPolicy> policy = Resolve("a.textproto");
  EXPECT_THAT(policy, HasErrorWith("has no field \"proceses\""));
  EXPECT_THAT(policy, HasErrorWith("limits.memory (/p/a.textproto:1:22)"));
  EXPECT_THAT(policy, HasErrorWith("mounts.bind[0].target"));
  EXPECT_EQ(DetailsOf(policy.status()).size(), 3u);  // a relative source is none
}

TEST_F(ResolveTest, APolicyWithoutABaseIsItself) {
  source_.Add("base/strict", "description: \"d\" limits { memory: \"1GiB\" }");
  const absl::StatusOr<ParsedPolicy> resolved = Resolve("base/strict", "");
  ASSERT_THAT(resolved, IsOk());
  EXPECT_EQ(resolved->name, "base/strict");
  EXPECT_EQ(resolved->policy.description(), "d");
  EXPECT_EQ(resolved->places.Find("limits.memory"), "base/strict:1:27");
}

TEST_F(ResolveTest, BasesComeFirst) {
  source_.Add("base/strict", "limits { memory: \"1GiB\" processes: 1 open_files: 9 }");
  source_.Add("judge/cpp", "extends: \"base/strict\"\nlimits { processes: 2 open_files: 8 }");
  source_.Add("/p/my.textproto", "extends: \"judge/cpp\"\n\nlimits { open_files: 7 }");
  const absl::StatusOr<ParsedPolicy> resolved = Resolve("my.textproto");
  ASSERT_THAT(resolved, IsOk());
  EXPECT_EQ(resolved->name, "/p/my.textproto");
  EXPECT_EQ(PrintText(resolved->policy.limits()),
            "memory: \"1GiB\"\nprocesses: 2\nopen_files: 7\n");
  EXPECT_EQ(resolved->policy.extends(), "");
  EXPECT_EQ(resolved->places.Find("limits.memory"), "base/strict:1:10");
  EXPECT_EQ(resolved->places.Find("limits.processes"), "judge/cpp:2:10");
  EXPECT_EQ(resolved->places.Find("limits.open_files"), "/p/my.textproto:3:10");
}

TEST_F(ResolveTest, FormsMixInAChain) {
  source_.Add("/p/base.json", "{\"limits\":{\"processes\":3}}");
  source_.Add("/p/my.textproto", "extends: \"./base.json\" limits { memory: \"1GiB\" }");
  const absl::StatusOr<ParsedPolicy> resolved = Resolve("my.textproto");
  ASSERT_THAT(resolved, IsOk());
  EXPECT_EQ(resolved->policy.limits().processes(), 3u);
}

TEST_F(ResolveTest, RelativeSourcesAreThoseOfTheirFile) {
  source_.Add("/q/base.textproto",
              "mounts { bind { source: \"data\" } bind { source: \"/usr\" } }");
  source_.Add(
      "/p/my.textproto",
      "extends: \"../q/base.textproto\" mounts { bind { source: \"../x/./y\" target: \"/y\" } }");
  const absl::StatusOr<ParsedPolicy> resolved = Resolve("my.textproto");
  ASSERT_THAT(resolved, IsOk());
  const v1::Mounts& mounts = resolved->policy.mounts();
  EXPECT_EQ(mounts.bind(0).source(), "/q/data");
  EXPECT_EQ(mounts.bind(1).source(), "/usr");
  EXPECT_EQ(mounts.bind(2).source(), "/x/y");
}

TEST_F(ResolveTest, AShippedProfileHasNoRelativeSources) {
  source_.Add("bad", "mounts { bind { source: \"data\" } }");
  EXPECT_THAT(Resolve("bad", ""),
              HasError("mounts.bind[0].source (bad:1:17): \"data\" is relative, "
                       "and this policy is in no directory"));
}

// POL-14
TEST_F(ResolveTest, RefusesCirclesWithTheWholeChain) {
  source_.Add("a", "extends: \"b\"");
  source_.Add("b", "extends: \"c\"");
  source_.Add("c", "limits {}\nextends: \"a\"");
  EXPECT_THAT(Resolve("a"), HasError("extends (c:2:1): policies extend each other in a circle: "
                                     "a -> b -> c -> a"));
  source_.Add("self", "extends: \"self\"");
  EXPECT_THAT(Resolve("self"), HasErrorWith("self -> self"));
}

TEST_F(ResolveTest, RefusesChainsThatAreTooLong) {
  for (int i = 0; i < 20; ++i) {
    source_.Add(absl::StrCat("p", i),
                i == 0 ? "limits {}" : absl::StrCat("extends: \"p", i - 1, "\""));
  }
  EXPECT_THAT(Resolve("p7"), IsOk());
  EXPECT_THAT(Resolve("p8"), HasErrorWith("extends (p1:1:1): a chain of more than 8 policies; at "
                                          "most 8 are allowed: p8 -> p7"));
  EXPECT_THAT(Resolve("p19"), HasErrorWith("a chain of more than 8 policies"));
}

TEST_F(ResolveTest, AMissingBaseNamesTheLineThatAskedForIt) {
  source_.Add("a", "limits {}\nextends: \"nope\"");
  const absl::StatusOr<ParsedPolicy> resolved = Resolve("a");
  EXPECT_THAT(resolved, HasError("extends (a:2:1): no policy \"nope\""));
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(DetailsOf(resolved.status())[0].stage(), "resolve");
  EXPECT_THAT(Resolve("nope"), HasError("no policy \"nope\""));
}

TEST_F(ResolveTest, ABaseWithErrorsReportsItsOwnPlaces) {
  source_.Add("base", "limits {\n x: 1 }");
  source_.Add("a", "extends: \"base\"");
  EXPECT_THAT(Resolve("a"), HasError("limits (base:2:2): has no field \"x\""));
}

TEST_F(ResolveTest, ViolationsAfterTheMergeNameTheFileThatWroteThem) {
  source_.Add("base", "mounts { tmpfs { target: \"/t\"\n size: \"0\" } bind { source: \"/t2\" } }");
  source_.Add("a", "extends: \"base\" mounts { file { path: \"/t2/x\" } }");
  const absl::StatusOr<ParsedPolicy> resolved = Resolve("a");
  ASSERT_THAT(resolved, IsOk());
  EXPECT_THAT(ValidatePolicy(*resolved), HasErrorWith("mounts.tmpfs[0].size (base:2:2)"));
  EXPECT_THAT(ValidatePolicy(*resolved), HasErrorWith("mounts.file[0].path (a:1:33)"));
}

// The shipped profiles must be valid as they are, each one, with all their bases.
TEST_F(ResolveTest, EveryShippedProfileIsValid) {
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    source_.Add(std::string(profile.name), std::string(profile.text));
  }
  ASSERT_FALSE(EmbeddedProfiles().empty());
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const absl::StatusOr<ParsedPolicy> resolved = Resolve(profile.name, "");
    ASSERT_THAT(resolved, IsOk()) << profile.name;
    EXPECT_THAT(NormalPolicy::Make(*resolved), IsOk()) << profile.name;
    EXPECT_NE(resolved->policy.description(), "") << profile.name;
  }
}

}  // namespace
}  // namespace cordon
