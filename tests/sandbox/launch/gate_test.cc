// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/gate.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "sandbox/program/build.h"
#include "tests/support/host_watch.h"
#include "tests/support/sandbox_parts.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

class GateTest : public testing::Test {
 protected:
  void SetUp() override { CORDON_NEEDS("user namespaces", HaveUserNamespaces()); }
};

TEST_F(GateTest, InitAndTwinAreReadWhileTheyHoldStill) {
  SandboxParts parts;
  ASSERT_THAT(parts.Build({}), IsOk());
  const absl::StatusOr<AtGate> at_gate = parts.Start(parts.good);
  ASSERT_THAT(at_gate, IsOk());
  EXPECT_EQ(at_gate->back.pid, parts.child.pid);
  EXPECT_EQ(at_gate->twin.place.state, 'T');
  EXPECT_EQ(at_gate->twin.standing.at("PPid"), std::to_string(parts.child.pid));
  EXPECT_EQ(at_gate->twin.standing.at("NSpid"), std::to_string(at_gate->twin.pid) + "\t2");
  EXPECT_EQ(at_gate->twin.standing.at("Seccomp_filters"),
            FieldOf(at_gate->back.status, "Seccomp_filters"));
  EXPECT_EQ(at_gate->twin.dead.at("State"), "Z (zombie)");
  EXPECT_EQ(at_gate->twin.dead.at("Seccomp"), "2");
  EXPECT_EQ(at_gate->twin.directory, "/work");
  EXPECT_EQ(at_gate->twin.oom_score_adj, "1000");
  EXPECT_GT(at_gate->reading_ns, 0u);
}

TEST_F(GateTest, TheTwinIsGoneWhenTheGateIsReached) {
  SandboxParts parts;
  ASSERT_THAT(parts.Build({}), IsOk());
  ASSERT_THAT(parts.Start(parts.good), IsOk());
  const std::string init = std::to_string(parts.child.pid);
  EXPECT_EQ(FileText("/proc/" + init + "/task/" + init + "/children"), "");
}

// What the twin used is not the job's.
TEST_F(GateTest, TheTwinIsNotInTheUsageOfTheJob) {
  SandboxParts parts;
  ASSERT_THAT(parts.Build({}), IsOk());
  ASSERT_THAT(parts.Start(parts.good), IsOk());
  const Ran ran = parts.Run({"exit", "0"});
  EXPECT_TRUE(ran.executed);
  EXPECT_EQ(ran.exit_code, 0);
  // A program that does nothing, in microseconds; the twin alone takes more than it.
  EXPECT_LT(ran.system_us + ran.user_us, 1000000u);
}

}  // namespace
}  // namespace cordon
