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
    // Their default is the least value.
    if (quantity->field == "swap" || quantity->field == "extra_time") continue;
    v1::Limits lower = base;
    WriteQuantity(&lower, *quantity, quantity->least);
    EXPECT_TRUE(LimitsAtMost(lower, base)) << quantity->field;
    EXPECT_FALSE(LimitsAtMost(base, lower)) << quantity->field;
  }
  EXPECT_FALSE(LimitsAtMost(v1::Limits(), base));
}

constexpr char kKilledAt1KiB[] = "limits { stdout_size: \"1KiB\" stderr_size: \"1KiB\" }";
constexpr char kCutAt1KiB[] =
    "limits { stdout_size: \"1KiB\" stdout_action: TRUNCATE stderr_size: \"1KiB\" }";

TEST(StrictnessTest, AJobThatIsEndedWhenAStreamIsFullCannotAskToGoOn) {
  v1::Limits limits = NormalLimits(kKilledAt1KiB);
  v1::Limits wanted;
  wanted.set_stdout_action(v1::Limits::TRUNCATE);
  wanted.set_stderr_action(v1::Limits::KILL);
  const absl::Status status = TightenLimits(wanted, "p", &limits);
  EXPECT_THAT(status, HasErrorWith("limits.stdout_action: the job asks TRUNCATE, the policy \"p\" "
                                   "ends a job whose stream is full"));
  EXPECT_EQ(limits.stdout_action(), v1::Limits::KILL);
  EXPECT_FALSE(LimitsAtMost(NormalLimits(kCutAt1KiB), NormalLimits(kKilledAt1KiB)));
}

TEST(StrictnessTest, AStreamThatIsCutMayEndTheJobInstead) {
  v1::Limits limits = NormalLimits(kCutAt1KiB);
  v1::Limits wanted;
  wanted.set_stdout_action(v1::Limits::KILL);
  EXPECT_THAT(TightenLimits(wanted, "p", &limits), IsOk());
  EXPECT_EQ(limits.stdout_action(), v1::Limits::KILL);
  EXPECT_TRUE(LimitsAtMost(NormalLimits(kKilledAt1KiB), NormalLimits(kCutAt1KiB)));
}

// A stream without a limit never ended the job.
TEST(StrictnessTest, AStreamWithoutALimitMayBeCut) {
  v1::Limits limits = NormalLimits("limits {}");
  v1::Limits wanted;
  wanted.set_stderr_size("1KiB");
  wanted.set_stderr_action(v1::Limits::TRUNCATE);
  EXPECT_THAT(TightenLimits(wanted, "p", &limits), IsOk());
  EXPECT_EQ(limits.stderr_action(), v1::Limits::TRUNCATE);
  EXPECT_EQ(limits.stderr_size(), "1KiB");
  EXPECT_TRUE(LimitsAtMost(limits, NormalLimits("limits {}")));
}

}  // namespace
}  // namespace cordon
