// SPDX-License-Identifier: Apache-2.0
#include "policy/compile.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

absl::StatusOr<CompiledPlan> Compile(const std::string& text,
                                     const v1::HostFacts& facts = FullHost()) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(absl::StrCat(kStartable, text)));
  return CompiledPlan::Make(policy, facts);
}

v1::JobSpec Job(const std::string& text) {
  v1::JobSpec job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &job)) << text;
  return job;
}

absl::StatusOr<v1::LaunchPlan> Launch(const std::string& policy, const std::string& job) {
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, Compile(policy));
  return CompileLaunch(Job(job), plan);
}

TEST(CompileTest, APlanHasAllLayers) {
  const auto plan = Compile("");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->proto().policy_name(), "test.textproto");
  EXPECT_TRUE(plan->proto().cgroup().enabled());
  EXPECT_TRUE(plan->proto().seccomp().enabled());
  EXPECT_TRUE(plan->proto().net().own_namespace());
  EXPECT_EQ(plan->proto().watch().wall_time_ns(), 10'000'000'000u);
}

TEST(CompileTest, IsAPureFunction) {
  const char* text = "mounts { proc {} dev {} bind { source: \"/usr\" } }";
  EXPECT_EQ(Compile(text)->proto().SerializeAsString(), Compile(text)->proto().SerializeAsString());
}

TEST(CompileTest, CollectsTheErrorsOfAllLayers) {
  v1::HostFacts facts = FullHost();
  facts.set_user_namespaces(false);
  facts.clear_cgroup_controllers();
  facts.clear_seccomp_actions();
  facts.mutable_rlimit_hard()->set_stack(4096);
  const auto plan = Compile("", facts);
  EXPECT_THAT(plan, StatusIs(absl::StatusCode::kFailedPrecondition, ""));
  std::vector<std::string> layers;
  for (const v1::ErrorDetail& detail : DetailsOf(plan.status())) {
    EXPECT_EQ(detail.stage(), "compile");
    layers.push_back(detail.layer());
  }
  EXPECT_THAT(layers, ElementsAre("namespaces", "cgroup", "rlimit", "seccomp"));
}

// Namespaces and mounts do not keep a job from abstract sockets of a network that it shares.
TEST(CompileTest, LandlockThatCannotKeepTheHostsAbstractSocketsAwayIsRefused) {
  const auto on_abi = [](uint32_t abi, absl::string_view seccomp, absl::string_view more) {
    v1::HostFacts facts = FullHost();
    facts.set_landlock_abi(abi);
    return CompiledPlan::Make(*ParseNormal(absl::StrCat("seccomp { ", seccomp, " } ", more)), facts)
        .status();
  };
  const auto allowing = [](absl::string_view rule) {
    return absl::StrCat("allow: [\"stdio\", \"exec\"] rule { ", rule, " action: ALLOW }");
  };
  constexpr char kShared[] = "network { enforcement: OFF } ";
  const std::string local = allowing("calls: \"socket\" when { arg: 0 equals: \"AF_UNIX\" }");
  for (const std::string& rules : {local, allowing("calls: \"socketpair\"")}) {
    const absl::Status refused = on_abi(5, rules, kShared);
    EXPECT_THAT(refused, HasErrorWith("needs Landlock ABI 6, this kernel has ABI 5"));
    EXPECT_EQ(DetailsOf(refused)[0].layer(), "landlock");
    EXPECT_THAT(DetailsOf(refused)[0].hint(), testing::HasSubstr("enforcement: IF_AVAILABLE"));
    EXPECT_THAT(on_abi(6, rules, kShared), IsOk());
    for (const char* weaker : {"IF_AVAILABLE", "OFF"}) {
      EXPECT_THAT(on_abi(5, rules, absl::StrCat(kShared, "landlock { enforcement: ", weaker, " }")),
                  IsOk());
    }
  }
  EXPECT_THAT(on_abi(5, "enforcement: OFF", kShared), HasErrorWith("needs Landlock ABI 6"));
  // Without local sockets the filter holds it, without the host's network the namespace.
  const std::string inet = allowing("calls: \"socket\" when { arg: 0 equals: \"AF_INET\" }");
  EXPECT_THAT(on_abi(5, inet, kShared), IsOk());
  EXPECT_THAT(on_abi(5, local, ""), IsOk());
}

TEST(CompileTest, WithoutACgroupThePlanStillLimitsProcesses) {
  v1::HostFacts facts = FullHost();
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_NONE);
  const auto plan = Compile("cgroup { enforcement: IF_AVAILABLE } limits { processes: 9 }", facts);
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->proto().cgroup().enabled());
  bool limited = false;
  for (const v1::RlimitEntry& entry : plan->proto().rlimit().entry()) {
    limited = limited || (entry.name() == "RLIMIT_NPROC" && entry.hard() == 10);
  }
  EXPECT_TRUE(limited);
}

TEST(CompileLaunchTest, AProgramWithASlashIsUsedAsItIs) {
  const auto launch = Launch("", "argv: \"./a.out\" argv: \"--x\" argv: \"\"");
  ASSERT_THAT(launch, IsOk());
  EXPECT_THAT(launch->argv(), ElementsAre("./a.out", "--x", ""));
  EXPECT_THAT(launch->exec_path(), ElementsAre("./a.out"));
}

TEST(CompileLaunchTest, ABareNameIsLookedForInThePathOfTheJob) {
  const char* policy = "environment { name: \"PATH\" value: \"/usr/bin:/bin\" }";
  EXPECT_THAT(Launch(policy, "argv: \"ls\"")->exec_path(), ElementsAre("/usr/bin/ls", "/bin/ls"));
  EXPECT_THAT(
      Launch(policy, "argv: \"ls\" environment { name: \"PATH\" value: \"/opt\" }")->exec_path(),
      ElementsAre("/opt/ls"));
  EXPECT_THAT(
      Launch(policy, "argv: \"ls\" environment { name: \"PATH\" value: \"/a::/b\" }")->exec_path(),
      ElementsAre("/a/ls", "./ls", "/b/ls"));
}

TEST(CompileLaunchTest, ABareNameWithoutAPathIsRefused) {
  const auto launch = Launch("", "argv: \"ls\"");
  EXPECT_THAT(launch, StatusIs(absl::StatusCode::kInvalidArgument, "\"ls\" is looked for in PATH"));
  EXPECT_EQ(DetailsOf(launch.status())[0].stage(), "compile");
}

TEST(CompileLaunchTest, NothingToRunIsRefused) {
  EXPECT_THAT(Launch("", ""), StatusIs(absl::StatusCode::kInvalidArgument, "no program"));
  EXPECT_THAT(Launch("", "argv: \"\""), StatusIs(absl::StatusCode::kInvalidArgument, "is empty"));
}

TEST(CompileLaunchTest, TheJobsVariablesReplaceThoseOfThePolicy) {
  const auto launch =
      Launch("environment { name: \"A\" value: \"1\" } environment { name: \"B\" value: \"2\" }",
             "argv: \"/x\" environment { name: \"B\" value: \"=3\" } environment { name: \"C\" }");
  ASSERT_THAT(launch, IsOk());
  EXPECT_THAT(launch->environment(), ElementsAre("A=1", "B==3", "C="));
}

TEST(CompileLaunchTest, WhatIsAskedOfTheSupervisorIsInThePlan) {
  const auto launch = Launch("", "argv: '/p' timeline: '20ms' cancel { grace: '3s' }");
  ASSERT_THAT(launch, IsOk());
  EXPECT_EQ(launch->timeline_interval_ns(), 20'000'000u);
  EXPECT_EQ(launch->cancel_grace_ns(), 3'000'000'000u);
}

TEST(CompileLaunchTest, TheJobMayStartElsewhere) {
  EXPECT_EQ(Launch("working_directory: \"/w\"", "argv: \"/x\"")->working_directory(), "/w");
  EXPECT_EQ(Launch("working_directory: \"/w\"", "argv: \"/x\" working_directory: \"/tmp\"")
                ->working_directory(),
            "/tmp");
}

}  // namespace
}  // namespace cordon
