// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/init_filter.h"

#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <set>

#include "gtest/gtest.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/program.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArch = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kArch = AUDIT_ARCH_AARCH64;
#endif

class InitFilterTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<BpfProgram> program = BpfProgram::Make(InitFilter());
    ASSERT_THAT(program, IsOk());
    program_ = std::make_unique<BpfProgram>(*std::move(program));
  }
  uint32_t Ask(uint32_t number, uint32_t architecture = kArch) {
    CallSample call;
    call.number = number;
    call.architecture = architecture;
    return Evaluate(*program_, call);
  }
  std::unique_ptr<BpfProgram> program_;
};

TEST_F(InitFilterTest, AllowsWhatReapingNeedsAndKillsEverythingElse) {
  const std::set<uint32_t> needed = {__NR_waitid,     __NR_write,        __NR_read,
                                     __NR_close,      __NR_kill,         __NR_getrusage,
                                     __NR_exit_group, __NR_clock_gettime};
  for (uint32_t number = 0; number < 1024; ++number) {
    EXPECT_EQ(Ask(number), needed.count(number) == 1 ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS)
        << number;
  }
}

TEST_F(InitFilterTest, KillsForeignArchitectures) {
  for (const uint32_t architecture : {uint32_t{AUDIT_ARCH_I386}, uint32_t{AUDIT_ARCH_ARM}, 0u}) {
    EXPECT_EQ(Ask(__NR_write, architecture), SECCOMP_RET_KILL_PROCESS);
  }
}

TEST_F(InitFilterTest, KillsTheX32NumbersAndMinusOne) {
  EXPECT_EQ(Ask(0x40000000u | __NR_write), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(Ask(0xffffffffu), SECCOMP_RET_KILL_PROCESS);
}

}  // namespace
}  // namespace cordon
