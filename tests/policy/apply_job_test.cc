// SPDX-License-Identifier: Apache-2.0
// A job under a policy: it tightens limits, and what it widens is said aloud.
#include <google/protobuf/text_format.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/normalize.h"
#include "policy/strictness.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::string_view kPolicy = R"(
limits { memory: "256MiB" cpu_time: "2s" swap: "0" }
environment { name: "PATH" value: "/bin" } environment { name: "LANG" value: "C" }
mounts { bind { source: "/usr" } tmpfs { target: "/tmp" size: "1MiB" } })";

absl::StatusOr<JobPolicy> Apply(absl::string_view job_text, absl::string_view policy = kPolicy) {
  v1::JobSpec job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(job_text), &job));
  const absl::StatusOr<NormalPolicy> normal = NormalizeText(policy, "judge/cpp");
  if (!normal.ok()) return normal.status();
  return ApplyJob(*normal, job);
}

TEST(ApplyJobTest, AnEmptyJobChangesNothing) {
  const absl::StatusOr<JobPolicy> applied = Apply("");
  ASSERT_THAT(applied, IsOk());
  EXPECT_EQ(PrintText(applied->policy.proto()),
            PrintText(NormalizeText(kPolicy, "judge/cpp")->proto()));
  EXPECT_EQ(applied->policy.name(), "judge/cpp");
  EXPECT_THAT(applied->widened, testing::IsEmpty());
}

TEST(ApplyJobTest, LimitsFall) {
  const absl::StatusOr<JobPolicy> applied =
      Apply("limits { memory: \"128MiB\" cpu_time: \"500ms\" processes: 1 swap: \"0\" }");
  ASSERT_THAT(applied, IsOk());
  EXPECT_EQ(applied->policy.proto().limits().memory(), "128MiB");
  EXPECT_EQ(applied->policy.proto().limits().cpu_time(), "500ms");
  EXPECT_EQ(applied->policy.proto().limits().processes(), 1u);
  EXPECT_TRUE(
      LimitsAtMost(applied->policy.proto().limits(), NormalizeText(kPolicy)->proto().limits()));
}

TEST(ApplyJobTest, ProcessorsAreAmongThePolicys) {
  const absl::StatusOr<JobPolicy> any = Apply("cpuset_cpus: \"3,1\"");
  ASSERT_THAT(any, IsOk());
  EXPECT_EQ(any->policy.proto().cgroup().cpuset_cpus(), "1,3");
  constexpr absl::string_view kTwo = "cgroup { cpuset_cpus: \"0-1\" }";
  const absl::StatusOr<JobPolicy> one = Apply("cpuset_cpus: \"1\"", kTwo);
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(one->policy.proto().cgroup().cpuset_cpus(), "1");
  EXPECT_EQ(Apply("", kTwo)->policy.proto().cgroup().cpuset_cpus(), "0-1");
  EXPECT_THAT(
      Apply("cpuset_cpus: \"1-2\"", kTwo),
      HasError("cpuset_cpus (job): the job asks for 1-2, the policy \"judge/cpp\" allows 0-1"));
  EXPECT_THAT(Apply("cpuset_cpus: \"2-1\""),
              HasError("cpuset_cpus (job): \"2-1\" is no CPU number from 0 to 8191 and no range; "
                       "write a list such as \"0-1,3\""));
  EXPECT_THAT(Apply("cpuset_cpus: \"1\"", "cgroup { enforcement: OFF }"),
              HasError("cpuset_cpus (job): the policy \"judge/cpp\" makes no cgroup: nothing would "
                       "hold the job there"));
}

// POL-11
TEST(ApplyJobTest, LimitsDoNotRise) {
  const absl::StatusOr<JobPolicy> applied =
      Apply("limits { memory: \"512MiB\" swap: \"1MiB\" cpu_time: \"unlimited\" }");
  EXPECT_THAT(applied,
              HasError("limits.memory: the job asks 512MiB, the policy \"judge/cpp\" allows "
                       "at most 256MiB"));
  EXPECT_THAT(applied,
              HasError("limits.swap: the job asks 1MiB, the policy \"judge/cpp\" allows at "
                       "most 0"));
  EXPECT_THAT(applied, HasErrorWith("limits.cpu_time: the job asks unlimited"));
}

TEST(ApplyJobTest, AJobCannotAskForNothingOrTurnALayerOff) {
  EXPECT_THAT(Apply("limits { memory: \"0\" }"), HasErrorWith("0 never means unlimited"));
  EXPECT_THAT(Apply("limits { processes: 0 }"), HasErrorWith("limits.processes: is 0"));
  EXPECT_THAT(Apply("limits { wall_time: \"\" }"), HasErrorWith("limits.wall_time"));
  EXPECT_THAT(Apply("limits { enforcement: OFF }"), HasErrorWith("limits.enforcement"));
}

TEST(ApplyJobTest, VariablesReplaceByName) {
  const absl::StatusOr<JobPolicy> applied = Apply(
      "environment { name: \"PATH\" value: \"/x\" } environment { name: \"A\" value: \"b\" }");
  ASSERT_THAT(applied, IsOk());
  const v1::Policy& policy = applied->policy.proto();
  ASSERT_EQ(policy.environment_size(), 3);
  EXPECT_EQ(policy.environment(0).name(), "A");
  EXPECT_EQ(policy.environment(1).name(), "LANG");
  EXPECT_EQ(policy.environment(2).value(), "/x");
}

TEST(ApplyJobTest, BadVariablesAreErrorsOfTheJob) {
  EXPECT_THAT(Apply("environment { name: \"A=B\" }"), HasErrorWith("environment[0].name (job)"));
  EXPECT_THAT(Apply("environment { name: \"A\" } environment { name: \"A\" }"),
              HasErrorWith("environment[1].name (job): \"A\" is set twice"));
  EXPECT_THAT(Apply("environment { name: \"A\" value: \"a\\nb\" }"),
              HasErrorWith("environment[0].value (job): \"a\\nb\" holds a control character"));
}

TEST(ApplyJobTest, TheWorkingDirectoryReplaces) {
  EXPECT_EQ(Apply("working_directory: \"/tmp/\"")->policy.proto().working_directory(), "/tmp");
  EXPECT_THAT(Apply("working_directory: \"tmp\""),
              HasError("working_directory (job): \"tmp\" is not absolute"));
}

TEST(ApplyJobTest, ExtraBindsAreAddedAndListed) {
  const absl::StatusOr<JobPolicy> applied = Apply(R"(
extra_bind { source: "/data\"x" target: "/in" }
extra_bind { source: "/out" read_only: false }
extra_bind { source: "/a" target: "/usr/local" read_only: true optional: true })");
  ASSERT_THAT(applied, IsOk());
  EXPECT_THAT(applied->widened, testing::ElementsAre("bind /data\\\"x -> /in (read-only)",
                                                     "bind /out -> /out (read-write)",
                                                     "bind /a -> /usr/local (read-only)"));
  const v1::Mounts& mounts = applied->policy.proto().mounts();
  ASSERT_EQ(mounts.bind_size(), 4);
  EXPECT_EQ(mounts.bind(0).target(), "/in");
  EXPECT_TRUE(mounts.bind(0).read_only());
  EXPECT_EQ(applied->policy.places().Find("mounts.bind[0].target"), "job");
  EXPECT_FALSE(mounts.bind(1).read_only());
}

TEST(ApplyJobTest, ExtraBindsAreCheckedLikeThoseOfAPolicy) {
  EXPECT_THAT(Apply("extra_bind { source: \"rel\" target: \"/x\" }"),
              HasError("extra_bind[0].source (job): \"rel\" is not absolute"));
  EXPECT_THAT(Apply("extra_bind { source: \"/x\" target: \"x/../y\" }"),
              HasErrorWith("extra_bind[0].target (job)"));
  EXPECT_THAT(Apply("extra_bind { target: \"/x\" }"),
              HasErrorWith("extra_bind[0].source (job): is"));
  EXPECT_THAT(Apply("extra_bind { source: \"/\" target: \"/x\" }"),
              HasErrorWith("cannot be bound"));
  EXPECT_THAT(Apply("extra_bind { source: \"/x\" target: \"/\" }"),
              HasErrorWith("cannot be a target"));
  EXPECT_THAT(Apply("extra_bind { source: \"/x\" target: \"/tmp\" }"),
              HasErrorWith("\"/tmp\" is the target of"));
  EXPECT_THAT(Apply("extra_bind { source: \"/a\\000\" target: \"/x\" }"),
              HasErrorWith("a NUL byte"));
  EXPECT_THAT(Apply("extra_bind { source: \"/x\" target: \"/proc/x\" }", "mounts { proc {} }"),
              HasErrorWith("lies in /proc"));
}

TEST(ApplyJobTest, TheProgramIsBoundReadOnlyAndIsNoWidening) {
  const absl::StatusOr<JobPolicy> applied =
      Apply("program_source: \"/srv/a.out\" program_target: \"/box/a.out\"");
  ASSERT_THAT(applied, IsOk());
  EXPECT_THAT(applied->widened, testing::IsEmpty());
  EXPECT_EQ(PrintText(applied->policy.proto().mounts().bind(0)),
            "source: \"/srv/a.out\"\ntarget: \"/box/a.out\"\nread_only: true\nexecutable: true\n");
  EXPECT_THAT(Apply("program_source: \"/a\" program_target: \"/usr\""),
              HasErrorWith("\"/usr\" is the target of"));
  EXPECT_THAT(Apply("program_source: \"/a\""), HasErrorWith("program_source (job): needs"));
  EXPECT_THAT(Apply("program_target: \"/a\""), HasErrorWith("program_source (job): needs"));
}

TEST(ApplyJobTest, ArgumentsHoldNoNul) {
  EXPECT_THAT(Apply("argv: \"a\\nb\""), IsOk());
  EXPECT_THAT(Apply("argv: \"x\" argv: \"a\\000b\""), HasErrorWith("argv[1] (job)"));
}

TEST(ApplyJobTest, WhatIsAskedOfTheSupervisorIsChecked) {
  EXPECT_THAT(Apply("timeline: '0'"), HasErrorWith("timeline (job): is 0"));
  EXPECT_THAT(Apply("cancel { grace: '1s' signal: 'SIGNAL' }"),
              HasErrorWith("cancel.signal (job): "));
}

}  // namespace
}  // namespace cordon
