// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/allow_access.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/addition_cost.h"
#include "policy/compile.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kMounts[] =
    "mounts { bind { source: \"/srv/data\" target: \"/data\" read_only: false executable: false } "
    "bind { source: \"/srv/secret\" target: \"/secret\" read_only: false } "
    "bind { source: \"/usr\" target: \"/usr\" } "
    "bind { source: \"/opt/lib\" target: \"/plain\" } "
    "tmpfs { target: \"/tmp\" size: \"1MiB\" } "
    "file { path: \"/etc/motd\" content: \"x\" } "
    "masked: \"/usr/share\" proc { } dev { } } "
    "landlock { file { path: \"/secret\" access: READ } "
    "file { path: \"/plain\" access: READ } } ";

class AllowAccessTest : public testing::Test {
 protected:
  // What the report then says of a denial, under `policy`.
  v1::Denial Advised(const std::string& object, const std::string& letters,
                     const std::string& more = "", const std::string& profile = "") {
    const auto policy = ParseNormal(absl::StrCat(kStartable, kMounts, more));
    EXPECT_THAT(policy, IsOk());
    const auto plan = CompiledPlan::Make(*policy, facts_);
    EXPECT_THAT(plan, IsOk());
    v1::Denial denial;
    denial.set_layer("apparmor");
    denial.set_operation("open");
    denial.set_object(object);
    denial.set_requested(letters);
    denial.set_profile(profile.empty() ? plan->proto().apparmor().name() : profile);
    AccessAdvice(*policy, facts_, plan->proto(), profiles_).AddTo(&denial);
    if (!denial.allow_with().empty()) {
      // The author's next report of the same access: nothing is missing any more.
      const auto with = WithAddition(*policy, denial.allow_with());
      EXPECT_THAT(with, IsOk());
      const auto wider = CompiledPlan::Make(*with, facts_);
      EXPECT_THAT(wider, IsOk());
      v1::Denial again;
      again.set_object(object);
      again.set_requested(letters);
      again.set_profile(wider->proto().apparmor().name());
      AccessAdvice(*with, facts_, wider->proto(), profiles_).AddTo(&again);
      EXPECT_EQ(again.decided_by(), "") << denial.allow_with();
      EXPECT_EQ(again.allow_with(), "");
    }
    return denial;
  }

  // The same of Landlock, which names rights and no profile.
  v1::Denial AdvisedByLandlock(const std::string& object, const std::string& rights) {
    const auto policy = ParseNormal(absl::StrCat(kStartable, kMounts));
    EXPECT_THAT(policy, IsOk());
    const v1::Denial denial = UnderLandlock(*policy, object, rights);
    if (!denial.allow_with().empty()) {
      const auto with = WithAddition(*policy, denial.allow_with());
      EXPECT_THAT(with, IsOk());
      EXPECT_EQ(UnderLandlock(*with, object, rights).decided_by(), "") << denial.allow_with();
    }
    return denial;
  }

  v1::Denial UnderLandlock(const NormalPolicy& policy, const std::string& object,
                           const std::string& rights) {
    const auto plan = CompiledPlan::Make(policy, facts_);
    EXPECT_THAT(plan, IsOk());
    v1::Denial denial;
    denial.set_layer("landlock");
    denial.set_operation(rights);
    denial.set_object(object);
    AccessAdvice(policy, facts_, plan->proto(), profiles_).AddTo(&denial);
    return denial;
  }

  v1::HostFacts facts_ = FullHost();
  RoofProfiles profiles_{absl::StrCat(kStartable, kMounts)};
};

TEST_F(AllowAccessTest, AFileRuleIsWidened) {
  const v1::Denial denial = Advised("/secret", "w");
  EXPECT_EQ(denial.decided_by(), "landlock.file[1].access");
  EXPECT_EQ(denial.allow_with(), "landlock { file { path: \"/secret\" access: WRITE } }");
}

TEST_F(AllowAccessTest, TheRuleOfAFolderIsNamedByItsOwnPath) {
  const v1::Denial denial = Advised("/plain/a.so", "m");
  EXPECT_EQ(denial.decided_by(), "landlock.file[0].access");
  EXPECT_EQ(denial.allow_with(), "landlock { file { path: \"/plain\" access: EXECUTE } }");
}

TEST_F(AllowAccessTest, ARuleCannotGiveMoreThanItsMount) {
  const v1::Denial denial = Advised("/plain/a.so", "wc");
  EXPECT_EQ(denial.decided_by(), "landlock.file[0].access");
  EXPECT_EQ(denial.allow_with(), "");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("WRITE is more than mounts.bind[1]")));
}

TEST_F(AllowAccessTest, ABindIsRestatedWhole) {
  const v1::Denial denial = Advised("/data/program", "x");
  EXPECT_EQ(denial.decided_by(), "mounts.bind[0]");
  EXPECT_EQ(denial.allow_with(),
            "mounts { bind { source: \"/srv/data\" target: \"/data\" read_only: false "
            "executable: true } }");
  EXPECT_THAT(Advised("/usr/x", "w").allow_with(), HasSubstr("read_only: false"));
}

TEST_F(AllowAccessTest, ATmpfsBecomesExecutable) {
  const v1::Denial denial = Advised("/tmp/a.out", "x");
  EXPECT_EQ(denial.decided_by(), "mounts.tmpfs[0]");
  EXPECT_THAT(denial.allow_with(), HasSubstr("target: \"/tmp\" size: \"1MiB\""));
  EXPECT_THAT(denial.allow_with(), HasSubstr("executable: true"));
}

TEST_F(AllowAccessTest, AFolderIsNamedWithASlash) {
  EXPECT_EQ(Advised("/tmp/folder/", "x").decided_by(), "mounts.tmpfs[0]");
}

TEST_F(AllowAccessTest, WhatNoLineAllowsIsSaid) {
  v1::Denial denial = Advised("/proc/kcore", "r");
  EXPECT_EQ(denial.decided_by(), "mounts.proc");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("/proc")));
  denial = Advised("/usr/share/x", "r");
  EXPECT_EQ(denial.decided_by(), "mounts.masked[0]");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("masked")));
  denial = Advised("/etc/motd", "w");
  EXPECT_EQ(denial.decided_by(), "mounts.file[0]");
  EXPECT_THAT(denial.allow_note(), ElementsAre("no policy gives more of it"));
  denial = Advised("/nowhere/x", "r");
  EXPECT_EQ(denial.decided_by(), "");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("no mount")));
  denial = Advised("capability sys_admin", "");
  EXPECT_THAT(denial.allow_note(), ElementsAre("no policy allows it"));
  denial = Advised("/data/a\\nb", "x");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("escaped")));
  denial = Advised("/tmp/x", "w");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("gives this right")));
  EXPECT_EQ(denial.allow_with(), "");
}

TEST_F(AllowAccessTest, ANetworkThatIsDown) {
  const v1::Denial denial = Advised("network inet stream", "create");
  EXPECT_EQ(denial.decided_by(), "network.mode");
  EXPECT_EQ(denial.allow_with(), "network { mode: LOOPBACK }");
  EXPECT_EQ(Advised("network packet raw", "create").allow_with(), "");
}

TEST_F(AllowAccessTest, AnAdministratorsProfileGetsARuleOfItsOwn) {
  const v1::Denial denial =
      Advised("/data/a b", "rw", "apparmor { profile: \"theirs\" enforcement: REQUIRED }");
  EXPECT_EQ(denial.decided_by(), "apparmor.profile");
  EXPECT_EQ(denial.allow_with(), "");
  EXPECT_THAT(denial.allow_note(),
              ElementsAre("the administrator's profile theirs forbids it",
                          "a rule of it that allows it: \"/data/a\\040b\" rw,"));
  EXPECT_THAT(Advised("/data/d/", "r", "apparmor { profile: \"theirs\" }").allow_note(),
              Contains("a rule of it that allows it: \"/data/d/\" r,"));
  EXPECT_THAT(Advised("/data/p", "mxk", "apparmor { profile: \"theirs\" }").allow_note(),
              Contains("a rule of it that allows it: \"/data/p\" kmix,"));
}

TEST_F(AllowAccessTest, TheOneForEveryJobHasNoRuleOfThePolicys) {
  const v1::Denial denial = Advised("/secret", "w", "", "cordon-job");
  EXPECT_EQ(denial.decided_by(), "apparmor.enforcement");
  EXPECT_EQ(denial.allow_with(), "");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("one profile for every job")));
}

// A job that tries everything does not choose how much is compiled for it.
TEST_F(AllowAccessTest, OnlyTheFirstTextsAreTried) {
  std::string mounts = "mounts { ";
  for (size_t i = 0; i < AccessAdvice::kMostTexts + 2; ++i) {
    absl::StrAppend(&mounts, "bind { source: \"/srv/", i, "\" target: \"/m", i, "\" } ");
  }
  const auto policy = ParseNormal(absl::StrCat(kStartable, mounts, "}"));
  ASSERT_THAT(policy, IsOk());
  const auto plan = CompiledPlan::Make(*policy, facts_);
  ASSERT_THAT(plan, IsOk());
  AccessAdvice advice(*policy, facts_, plan->proto(), profiles_);
  const auto advised = [&](size_t mount, const std::string& name) {
    v1::Denial denial;
    denial.set_object(absl::StrCat("/m", mount, "/", name));
    denial.set_requested("w");
    denial.set_profile(plan->proto().apparmor().name());
    advice.AddTo(&denial);
    return denial;
  };
  for (size_t i = 0; i < AccessAdvice::kMostTexts; ++i) {
    EXPECT_NE(advised(i, "a").allow_with(), "") << i;
  }
  const v1::Denial more = advised(AccessAdvice::kMostTexts, "a");
  EXPECT_EQ(more.allow_with(), "");
  EXPECT_EQ(more.decided_by(), absl::StrCat("mounts.bind[", AccessAdvice::kMostTexts, "]"));
  EXPECT_THAT(more.allow_note(), ElementsAre("other lines are advised already"));
  EXPECT_NE(advised(0, "b").allow_with(), "") << "a text that is known costs nothing";
}

TEST_F(AllowAccessTest, ACeilingForbids) {
  const v1::Denial denial = Advised("/secret", "w", "ceiling: \"roof\"");
  EXPECT_EQ(denial.decided_by(), "landlock.file[1].access");
  EXPECT_EQ(denial.allow_with(), "");
  EXPECT_THAT(denial.allow_note(), Contains(HasSubstr("a ceiling of the policy forbids it")));
}

TEST_F(AllowAccessTest, LandlocksRightsAreThoseOfMountsAndRules) {
  v1::Denial denial = AdvisedByLandlock("/secret/a", "fs.write_file,fs.truncate");
  EXPECT_EQ(denial.decided_by(), "landlock.file[1].access");
  EXPECT_EQ(denial.allow_with(), "landlock { file { path: \"/secret\" access: WRITE } }");
  denial = AdvisedByLandlock("/secret", "fs.make_reg");
  EXPECT_EQ(denial.allow_with(), "landlock { file { path: \"/secret\" access: WRITE } }");
  denial = AdvisedByLandlock("/plain/a.so", "fs.execute");
  EXPECT_EQ(denial.allow_with(), "landlock { file { path: \"/plain\" access: EXECUTE } }");
  denial = AdvisedByLandlock("/data/program", "fs.execute");
  EXPECT_EQ(denial.decided_by(), "mounts.bind[0]");
  EXPECT_THAT(denial.allow_with(), HasSubstr("executable: true"));
}

TEST_F(AllowAccessTest, LandlocksOtherRightsAreExplained) {
  v1::Denial denial = AdvisedByLandlock("/proc/self/comm", "fs.write_file");
  EXPECT_EQ(denial.decided_by(), "mounts.proc");
  EXPECT_THAT(denial.allow_note(), ElementsAre(HasSubstr("/proc")));
  for (const char* rights : {"scope.signal", "ptrace", "fs.change_topology", "fs.of_tomorrow"}) {
    denial = AdvisedByLandlock("process init", rights);
    EXPECT_THAT(denial.allow_note(), ElementsAre("no policy allows it")) << rights;
  }
  denial = AdvisedByLandlock("tcp port 80", "net.connect_tcp");
  EXPECT_EQ(denial.decided_by(), "network.mode");
  EXPECT_EQ(denial.allow_with(), "network { mode: LOOPBACK }");
}

}  // namespace
}  // namespace cordon
