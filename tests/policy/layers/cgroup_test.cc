// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/cgroup.h"

#include "gmock/gmock.h"
#include "policy/base/units.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

absl::StatusOr<v1::CgroupPlan> Compile(absl::string_view text,
                                       const v1::HostFacts& facts = FullHost()) {
  v1::Plan plan;
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(text));
  CORDON_RETURN_IF_ERROR(CompileCgroup(policy, facts, &plan));
  return plan.cgroup();
}

v1::HostFacts Without(absl::string_view controller, v1::HostFacts facts) {
  google::protobuf::RepeatedPtrField<std::string> left;
  for (const std::string& name : facts.cgroup_controllers()) {
    if (name != controller) *left.Add() = name;
  }
  *facts.mutable_cgroup_controllers() = left;
  return facts;
}

TEST(CgroupTest, TakesTheLimitsOfThePolicy) {
  const auto plan = Compile("limits { memory: \"64MiB\" swap: \"1MiB\" processes: 7 }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->enabled());
  EXPECT_EQ(plan->enforcement(), v1::REQUIRED);
  EXPECT_EQ(plan->memory_max_bytes(), 64u << 20);
  EXPECT_EQ(plan->swap_max_bytes(), 1u << 20);
  EXPECT_EQ(plan->pids_max(), 7u);
  EXPECT_FALSE(plan->has_cpu_quota_us());
  EXPECT_FALSE(plan->has_memory_high_bytes());
}

TEST(CgroupTest, TheLowerOfTwoValuesIsEnforced) {
  const auto lower = Compile(R"(limits { memory: "64MiB" swap: "8MiB" processes: 7 }
                                cgroup { memory_max: "32MiB" swap_max: "4MiB" pids_max: 3 })");
  ASSERT_THAT(lower, IsOk());
  EXPECT_EQ(lower->memory_max_bytes(), 32u << 20);
  EXPECT_EQ(lower->swap_max_bytes(), 4u << 20);
  EXPECT_EQ(lower->pids_max(), 3u);
  const auto higher = Compile(R"(limits { memory: "64MiB" swap: "8MiB" processes: 7 }
                                 cgroup { memory_max: "1GiB" swap_max: "1GiB" pids_max: 99 })");
  ASSERT_THAT(higher, IsOk());
  EXPECT_EQ(higher->memory_max_bytes(), 64u << 20);
  EXPECT_EQ(higher->swap_max_bytes(), 8u << 20);
  EXPECT_EQ(higher->pids_max(), 7u);
}

TEST(CgroupTest, NeedsNoMoreControllersThanThePolicyAsksFor) {
  EXPECT_THAT(Compile("limits { processes: 7 }")->controllers(), ElementsAre("memory", "pids"));
  EXPECT_THAT(Compile("limits { processes: 7 }", V1Host())->controllers(),
              ElementsAre("memory", "pids", "cpuacct"));
  EXPECT_THAT(Compile(R"(cgroup { cpu_max: "0.5" cpu_weight: 50 cpuset_cpus: "0"
                         io { device: "8:0" read_bytes_per_second: "1MiB" } })")
                  ->controllers(),
              ElementsAre("memory", "pids", "cpu", "cpuset", "io"));
}

TEST(CgroupTest, HalfAProcessorIsHalfOfEachPeriod) {
  const auto plan = Compile("cgroup { cpu_max: \"0.5\" }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->cpu_quota_us(), 50'000u);
  EXPECT_EQ(plan->cpu_period_us(), 100'000u);
  EXPECT_EQ(Compile("cgroup { cpu_max: \"2\" }")->cpu_quota_us(), 200'000u);
}

TEST(CgroupTest, DisksKeepTheirOrderAndOnlyTheLimitsThatAreSet) {
  const auto plan = Compile(R"(cgroup {
      io { device: "8:0" read_bytes_per_second: "1MiB" write_operations_per_second: 9 }
      io { device: "8:16" write_bytes_per_second: "2MiB" read_operations_per_second: 5 } })");
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->io_size(), 2);
  EXPECT_EQ(plan->io(0).read_bps(), 1u << 20);
  EXPECT_EQ(plan->io(0).write_iops(), 9u);
  EXPECT_FALSE(plan->io(0).has_write_bps());
  EXPECT_FALSE(plan->io(0).has_read_iops());
  EXPECT_EQ(plan->io(1).write_bps(), 2u << 20);
  EXPECT_EQ(plan->io(1).read_iops(), 5u);
}

TEST(CgroupTest, AMissingControllerIsRefusedNamingItAndTheFieldAndTheReason) {
  v1::HostFacts facts = Without("pids", FullHost());
  facts.set_cgroup_why("pids is not delegated: ask for Delegate=pids");
  const auto plan = Compile("limits { processes: 7 }", facts);
  EXPECT_THAT(plan, StatusIs(absl::StatusCode::kFailedPrecondition, "controller pids"));
  EXPECT_THAT(plan, HasErrorWith("limits.processes (test.textproto:1:10): "));
  EXPECT_THAT(plan, HasErrorWith("hint: pids is not delegated: ask for Delegate=pids"));
  EXPECT_THAT(Compile("limits { processes: 7 }", Without("cpuacct", V1Host())),
              HasErrorWith("limits.cpu_time"));
}

TEST(CgroupTest, AHostWithoutCgroupsIsRefused) {
  v1::HostFacts facts = FullHost();
  facts.clear_cgroup_controllers();
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_NONE);
  EXPECT_THAT(Compile("limits { processes: 7 }", facts),
              StatusIs(absl::StatusCode::kFailedPrecondition, "no control group"));
}

TEST(CgroupTest, IfAvailableSaysWhyItIsNot) {
  v1::HostFacts facts = Without("memory", FullHost());
  const auto plan = Compile("cgroup { enforcement: IF_AVAILABLE }", facts);
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  EXPECT_THAT(plan->unavailable_why(), testing::HasSubstr("memory"));
  EXPECT_TRUE(Compile("cgroup { enforcement: IF_AVAILABLE }")->enabled());
}

TEST(CgroupTest, OffAsksTheHostForNothing) {
  v1::HostFacts facts;
  facts.set_swap_total_bytes(1);
  const auto plan = Compile("cgroup { enforcement: OFF }", facts);
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  EXPECT_EQ(plan->enforcement(), v1::OFF);
}

TEST(CgroupTest, MemoryHighExistsInVersion2Only) {
  EXPECT_EQ(Compile("cgroup { memory_high: \"32MiB\" }")->memory_high_bytes(), 32u << 20);
  EXPECT_THAT(Compile("cgroup { memory_high: \"32MiB\" }", V1Host()),
              HasErrorWith("cgroup.memory_high (test.textproto:1:10): memory_high exists in cgroup "
                           "v2 only"));
}

TEST(CgroupTest, SwapThatNobodyCountsIsRefused) {
  v1::HostFacts facts = FullHost();
  facts.set_swap_accounting(false);
  EXPECT_THAT(Compile("limits { processes: 7 }", facts),
              StatusIs(absl::StatusCode::kFailedPrecondition, "swap"));
  facts.set_swap_total_bytes(0);
  EXPECT_THAT(Compile("limits { processes: 7 }", facts), IsOk());
}

}  // namespace
}  // namespace cordon
