// SPDX-License-Identifier: Apache-2.0
// Limits fall and never rise.
#include "policy/strictness.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/quantity.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::Limits NormalLimits(absl::string_view text) { return NormalizeText(text)->proto().limits(); }

TEST(StrictnessTest, LowersWhatIsWanted) {
  v1::Limits limits = NormalLimits("limits { cpu_time: \"unlimited\" }");
  v1::Limits wanted;
  wanted.set_memory("65536KiB");
  wanted.set_cpu_time("2s");
  wanted.set_processes(1);
  EXPECT_THAT(TightenLimits(wanted, "p", &limits), IsOk());
  EXPECT_EQ(limits.memory(), "64MiB");
  EXPECT_EQ(limits.cpu_time(), "2s");
  EXPECT_EQ(limits.processes(), 1u);
  EXPECT_EQ(limits.wall_time(), "10s");
}

TEST(StrictnessTest, RefusesWhatIsAboveAndNamesBoth) {
  v1::Limits limits = NormalLimits("limits { memory: \"256MiB\" }");
  const v1::Limits before = limits;
  v1::Limits wanted;
  wanted.set_memory("512MiB");
  wanted.set_processes(65);
  wanted.set_output("unlimited");
  wanted.set_wall_time("1s");
  const absl::Status status = TightenLimits(wanted, "judge/cpp", &limits);
  EXPECT_THAT(status,
              HasError("limits.memory: the job asks 512MiB, the policy \"judge/cpp\" allows "
                       "at most 256MiB"));
  EXPECT_THAT(status, HasError("limits.processes: the job asks 65, the policy \"judge/cpp\" allows "
                               "at most 64"));
  EXPECT_THAT(status, HasError("limits.output: the job asks unlimited, the policy \"judge/cpp\" "
                               "allows at most 16MiB"));
  EXPECT_EQ(PrintText(limits), PrintText(before));
}

TEST(StrictnessTest, UnlimitedIsTheTop) {
  v1::Limits limits = NormalLimits("limits { output: \"unlimited\" stack: \"unlimited\" }");
  v1::Limits wanted;
  wanted.set_output("unlimited");
  wanted.set_stack("1TiB");
  EXPECT_THAT(TightenLimits(wanted, "p", &limits), IsOk());
  EXPECT_EQ(limits.output(), "unlimited");
  EXPECT_EQ(limits.stack(), "1TiB");
}

TEST(StrictnessTest, RefusesMalformedZeroAndEnforcement) {
  v1::Limits limits = NormalLimits("limits {}");
  v1::Limits wanted;
  wanted.set_memory("lots");
  wanted.set_processes(0);
  wanted.set_wall_time("unlimited");
  wanted.set_enforcement(v1::OFF);
  const absl::Status status = TightenLimits(wanted, "p", &limits);
  EXPECT_THAT(status, HasErrorWith("limits.memory: \"lots\" does not begin with a digit"));
  EXPECT_THAT(status, HasErrorWith("limits.processes: is 0"));
  EXPECT_THAT(status, HasErrorWith("limits.wall_time: \"unlimited\" is not allowed here"));
  EXPECT_THAT(status, HasErrorWith("limits.enforcement: a job cannot change"));
}

// A partial order: reflexive, antisymmetric on the values, and what was tightened is below.
TEST(StrictnessTest, ComparesLimits) {
  const v1::Limits base = NormalLimits("limits { cpu_time: \"unlimited\" }");
  EXPECT_TRUE(LimitsAtMost(base, base));
  for (const Quantity* quantity : QuantitiesOf(v1::Limits::descriptor())) {
    if (quantity->field == "swap") continue;  // its default is the least value
    v1::Limits lower = base;
    WriteQuantity(&lower, *quantity, quantity->least);
    EXPECT_TRUE(LimitsAtMost(lower, base)) << quantity->field;
    EXPECT_FALSE(LimitsAtMost(base, lower)) << quantity->field;
  }
  EXPECT_FALSE(LimitsAtMost(v1::Limits(), base));
}

}  // namespace
}  // namespace cordon
