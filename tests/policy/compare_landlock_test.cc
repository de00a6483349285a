// SPDX-License-Identifier: Apache-2.0
#include "policy/compare_landlock.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/compile.h"
#include "policy/ideal_host.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMounts[] = R"(mounts {
  bind { source: "/usr" }
  bind { source: "/srv/out" target: "/out" read_only: false executable: false }
  tmpfs { target: "/work" size: "1MiB" executable: true } } )";

v1::Plan PlanOf(const std::string& text) {
  const auto policy = ParseNormal(absl::StrCat(kStartable, text));
  EXPECT_THAT(policy, IsOk());
  if (!policy.ok()) return {};
  const auto plan = CompiledPlan::Make(*policy, IdealHost(NativeArchitecture()));
  EXPECT_THAT(plan, IsOk());
  return plan.ok() ? plan->proto() : v1::Plan();
}

v1::Plan WithRules(const std::string& rules) {
  return PlanOf(absl::StrCat(kMounts, "landlock { ", rules, " }"));
}

std::vector<std::string> Sentences(const v1::Plan& before, const v1::Plan& after) {
  std::vector<std::string> lines;
  for (const Widening& each : FileRulesWidened(before, after)) {
    EXPECT_EQ(each.layer, "landlock");
    lines.push_back(absl::StrCat(each.field, ": ", each.what));
  }
  return lines;
}

TEST(CompareLandlockTest, ARuleThatGoesGivesBackWhatItTook) {
  const v1::Plan plain = WithRules("");
  EXPECT_THAT(Sentences(plain, plain), IsEmpty());
  const v1::Plan read = WithRules("file { path: \"/out\" access: READ }");
  EXPECT_THAT(Sentences(read, plain),
              ElementsAre("mounts.bind[0]: may write to /out, the host's /srv/out"));
  EXPECT_THAT(Sentences(plain, read), IsEmpty());
  const v1::Plan program = WithRules("file { path: \"/usr\" access: READ }");
  EXPECT_THAT(Sentences(program, plain), ElementsAre("mounts.bind[1]: may execute /usr"));
  const v1::Plan memory = WithRules("file { path: \"/work\" access: EXECUTE }");
  EXPECT_THAT(Sentences(memory, plain), ElementsAre("mounts.tmpfs[0]: may write to /work"));
}

TEST(CompareLandlockTest, ARuleBelowARuleIsSeen) {
  const v1::Plan all = WithRules("file { path: \"/out\" access: READ }");
  const v1::Plan part = WithRules(
      "file { path: \"/out\" access: READ } file { path: \"/out/results\" access: WRITE }");
  EXPECT_THAT(Sentences(all, part),
              ElementsAre("landlock.file[1].access: may write to /out/results, the host's "
                          "/srv/out/results"));
  EXPECT_THAT(Sentences(part, all), IsEmpty());
}

// The same files under another name, and only a part of them.
TEST(CompareLandlockTest, FilesAreKnownByTheirPathOnTheHost) {
  const v1::Plan read = WithRules("file { path: \"/out\" access: READ }");
  EXPECT_THAT(Sentences(read, PlanOf("mounts { bind { source: \"/srv/out\" target: \"/x\" "
                                     "read_only: false executable: false } }")),
              ElementsAre("mounts.bind[0]: may write to /x, the host's /srv/out"));
  EXPECT_THAT(Sentences(read, PlanOf("mounts { bind { source: \"/srv/out/a\" target: \"/x\" "
                                     "read_only: false } }")),
              ElementsAre("mounts.bind[0]: may write to /x, the host's /srv/out/a"));
}

// What the mounts did not give before is the mounts' to tell.
TEST(CompareLandlockTest, WideningsOfMountsAreNotToldTwice) {
  const v1::Plan before = PlanOf("mounts { bind { source: \"/data\" executable: false } }");
  const v1::Plan after = PlanOf(
      "mounts { bind { source: \"/data\" read_only: false } "
      "bind { source: \"/other\" } }");
  EXPECT_THAT(Sentences(before, after), IsEmpty());
}

}  // namespace
}  // namespace cordon
