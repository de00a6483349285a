// SPDX-License-Identifier: Apache-2.0
// For each namespace that clone3(2) makes: its flag is taken out of the call in silence (by the
// linker, --wrap), everything else is as it is. What holds the job to the host's namespace is found
// at the gate, or a step before cannot be made: a namespace of the host is not the child's to
// change.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/process.h"
#include "tests/support/sabotage.h"

namespace cordon {
namespace {

using child::Opcode;

uint64_t taken_out = 0;

}  // namespace

absl::StatusOr<Clone3Result> RealClone3(uint64_t flags,
                                        int cgroup_fd) asm("__real__ZN6cordon6Clone3Emi");
absl::StatusOr<Clone3Result> WrappedClone3(uint64_t flags,
                                           int cgroup_fd) asm("__wrap__ZN6cordon6Clone3Emi");
absl::StatusOr<Clone3Result> WrappedClone3(uint64_t flags, int cgroup_fd) {
  EXPECT_EQ(flags & taken_out, taken_out) << "the launcher does not ask for it at all";
  return RealClone3(flags & ~taken_out, cgroup_fd);
}

namespace {

class CloneFlagsTest : public SabotageBase {
 protected:
  void SetUp() override {
    SabotageBase::SetUp();
    if (IsSkipped() || !IsRoot()) return;
    // Should a step reach the host's namespace after all, it is this process's own.
    ASSERT_EQ(::unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(::sethostname("the-host", 8), 0);
  }
  void TearDown() override {
    taken_out = 0;
    if (IsSkipped() || !IsRoot()) return;
    char name[64] = {};
    ASSERT_EQ(::gethostname(name, sizeof(name) - 1), 0);
    EXPECT_STREQ(name, "the-host");
  }
};

TEST_F(CloneFlagsTest, WithAllOfThemItStarts) {
  EXPECT_THAT(After([](SandboxParts*) {}), IsOk());
}

TEST_F(CloneFlagsTest, IpcIsFoundAtTheGate) {
  taken_out = CLONE_NEWIPC;
  ExpectCaught("namespaces", "a namespace of its own", "ipc:", [](SandboxParts*) {});
}

TEST_F(CloneFlagsTest, WithoutUtsTheHostIsNotRenamed) {
  taken_out = CLONE_NEWUTS;
  ExpectStepFails("SetHostname", [](SandboxParts*) {});
  ExpectCaught("namespaces", "a namespace of its own",
               "uts:", [](SandboxParts* parts) { Remove(parts, Opcode::kSetHostname); });
}

TEST_F(CloneFlagsTest, WithoutPidNoProcIsMounted) {
  taken_out = CLONE_NEWPID;
  ExpectStepFails("MountProc", [](SandboxParts*) {});
}

TEST_F(CloneFlagsTest, WithoutMountNothingIsChanged) {
  taken_out = CLONE_NEWNS;
  const std::string before = MountsOfTest();
  ExpectStepFails("MakeMountsPrivate", [](SandboxParts*) {});
  EXPECT_EQ(MountsOfTest(), before);
}

// A user cannot make the others then, and of root's child the ids cannot be mapped.
TEST_F(CloneFlagsTest, WithoutUserNothingStarts) {
  taken_out = CLONE_NEWUSER;
  for (const bool listens : listens_) {
    const absl::Status status = After([](SandboxParts*) {}, listens);
    EXPECT_THAT(status, HasErrorWith("EPERM"));
    ExpectNothingLeft();
  }
}

TEST_F(CloneFlagsTest, NetIsFoundAtTheGate) {
  taken_out = CLONE_NEWNET;
  ExpectCaught("net", "a namespace of its own", "net:", [](SandboxParts*) {});
}

}  // namespace
}  // namespace cordon
