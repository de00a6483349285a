// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/syscall_table.h"

#include <sys/syscall.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

uint32_t Number(absl::string_view name, Architecture architecture) {
  const auto number = FindSyscall(name, architecture);
  return number.ok() && number->has_value() ? **number : UINT32_MAX;
}

TEST(SyscallTableTest, KnowsTheNumbersOfTheHeaders) {
#if defined(__x86_64__)
  const Architecture native = Architecture::kX86_64;
#else
  const Architecture native = Architecture::kAarch64;
#endif
  EXPECT_EQ(Number("read", native), SYS_read);
  EXPECT_EQ(Number("openat", native), SYS_openat);
  EXPECT_EQ(Number("clone3", native), SYS_clone3);
  EXPECT_EQ(Number("futex_waitv", native), SYS_futex_waitv);
}

TEST(SyscallTableTest, ArchitecturesHaveTheirOwnNumbers) {
  EXPECT_EQ(Number("openat", Architecture::kX86_64), 257u);
  EXPECT_EQ(Number("openat", Architecture::kAarch64), 56u);
}

TEST(SyscallTableTest, KnowsCallsThatAreYoungerThanTheLibrary) {
  EXPECT_EQ(Number("fchmodat2", Architecture::kX86_64), 452u);
  EXPECT_EQ(Number("fchmodat2", Architecture::kAarch64), 452u);
  EXPECT_EQ(Number("open_tree_attr", Architecture::kX86_64), 467u);
  EXPECT_EQ(Number("uretprobe", Architecture::kX86_64), 335u);
}

TEST(SyscallTableTest, ACallOfAnotherArchitectureHasNoNumberAndIsNoError) {
  const auto fork = FindSyscall("fork", Architecture::kAarch64);
  ASSERT_THAT(fork, IsOk());
  EXPECT_FALSE(fork->has_value());
  const auto uretprobe = FindSyscall("uretprobe", Architecture::kAarch64);
  ASSERT_THAT(uretprobe, IsOk());
  EXPECT_FALSE(uretprobe->has_value());
}

TEST(SyscallTableTest, AnUnknownNameIsAnErrorWithTheNearestOne) {
  EXPECT_THAT(FindSyscall("opneat", Architecture::kX86_64),
              HasError("\"opneat\" is not a system call; hint: did you mean \"openat\"?"));
  EXPECT_THAT(FindSyscall("", Architecture::kX86_64),
              StatusIs(absl::StatusCode::kInvalidArgument, "not a system call"));
  EXPECT_THAT(FindSyscall("futex_wat", Architecture::kX86_64), HasErrorWith("futex_wait"));
}

TEST(SyscallTableTest, NamesAndNumbersAreInverse) {
  for (Architecture architecture : {Architecture::kX86_64, Architecture::kAarch64}) {
    const std::vector<std::string> names = SyscallNames(architecture);
    EXPECT_GT(names.size(), 300u);
    for (const std::string& name : names) {
      EXPECT_EQ(SyscallName(Number(name, architecture), architecture), name);
    }
  }
  EXPECT_EQ(SyscallName(1000, Architecture::kX86_64), "");
  EXPECT_EQ(SyscallName(UINT32_MAX, Architecture::kX86_64), "");
}

TEST(SyscallTableTest, ArchitecturesByName) {
  EXPECT_EQ(*ParseArchitecture("x86_64"), Architecture::kX86_64);
  EXPECT_EQ(*ParseArchitecture("aarch64"), Architecture::kAarch64);
  EXPECT_THAT(ParseArchitecture("riscv64"),
              StatusIs(absl::StatusCode::kFailedPrecondition, "riscv64"));
  EXPECT_EQ(AuditArchitecture(Architecture::kX86_64), uint32_t{AUDIT_ARCH_X86_64});
  EXPECT_EQ(AuditArchitecture(Architecture::kAarch64), uint32_t{AUDIT_ARCH_AARCH64});
  EXPECT_EQ(ArchitectureName(NativeArchitecture()),
            NativeArchitecture() == Architecture::kX86_64 ? "x86_64" : "aarch64");
}

}  // namespace
}  // namespace cordon
