// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/syscall_table.h"

#include <seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
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

// libseccomp's table was made by other people from other sources.
TEST(SyscallTableTest, AgreesWithTheLibraryOnEveryNumber) {
  int compared = 0;
  for (Architecture architecture : {Architecture::kX86_64, Architecture::kAarch64}) {
    const uint32_t token =
        architecture == Architecture::kX86_64 ? SCMP_ARCH_X86_64 : SCMP_ARCH_AARCH64;
    for (uint32_t number = 0; number < FirstUnknownNumber(architecture); ++number) {
      char* name = seccomp_syscall_resolve_num_arch(token, static_cast<int>(number));
      if (name == nullptr) continue;
      EXPECT_EQ(SyscallName(number, architecture), name) << ArchitectureName(architecture);
      EXPECT_EQ(Number(name, architecture), number) << ArchitectureName(architecture);
      std::free(name);
      ++compared;
    }
  }
  EXPECT_GT(compared, 600);
}

TEST(SyscallTableTest, ItsKernelIsStatedAndCallsAboveItAreUnknown) {
  EXPECT_EQ(TableKernel(), "7.3");
  EXPECT_EQ(FirstUnknownNumber(Architecture::kX86_64), 473u);
  EXPECT_EQ(FirstUnknownNumber(Architecture::kAarch64), 473u);
  EXPECT_EQ(SyscallName(472, Architecture::kX86_64), "fchroot");
  EXPECT_EQ(SyscallName(473, Architecture::kX86_64), "");
}

TEST(SyscallTableTest, ArchitecturesHaveTheirOwnNumbers) {
  EXPECT_EQ(Number("openat", Architecture::kX86_64), 257u);
  EXPECT_EQ(Number("openat", Architecture::kAarch64), 56u);
}

TEST(SyscallTableTest, KnowsCallsThatAreYoungerThanTheLibrary) {
  EXPECT_EQ(Number("fchmodat2", Architecture::kX86_64), 452u);
  EXPECT_EQ(Number("fchmodat2", Architecture::kAarch64), 452u);
  EXPECT_EQ(Number("statmount", Architecture::kX86_64), 457u);
  EXPECT_EQ(Number("mseal", Architecture::kX86_64), 462u);
  EXPECT_EQ(Number("mseal", Architecture::kAarch64), 462u);
  EXPECT_EQ(Number("setxattrat", Architecture::kAarch64), 463u);
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

TEST(SyscallTableTest, CallsOf32BitMachinesAreNotCalls) {
  for (absl::string_view name : {"socketcall", "mmap2", "futex_time64", "_llseek", "umount"}) {
    EXPECT_THAT(FindSyscall(name, Architecture::kX86_64), HasErrorWith("is not a system call"))
        << name;
  }
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

// "i32": a signed integer of 32 bits; u unsigned, f F descriptors, p a pointer.
std::string Type(absl::string_view call, uint32_t argument,
                 Architecture architecture = Architecture::kX86_64) {
  const auto type = FindArgument(call, argument, architecture);
  EXPECT_THAT(type, IsOk()) << call;
  if (!type.ok()) return "";
  switch (type->kind) {
    case ArgumentType::Kind::kPointer:
      return absl::StrCat("p", type->bits);
    case ArgumentType::Kind::kDescriptor:
      return absl::StrCat(type->is_signed ? "f" : "F", type->bits);
    case ArgumentType::Kind::kInteger:
      break;
  }
  return absl::StrCat(type->is_signed ? "i" : "u", type->bits);
}

TEST(ArgumentTest, TypesAreThoseThatTheKernelReads) {
  EXPECT_EQ(Type("ioctl", 0), "F32");
  EXPECT_EQ(Type("ioctl", 1), "u32");
  EXPECT_EQ(Type("ioctl", 2), "u64");
  EXPECT_EQ(Type("prctl", 0), "i32");
  EXPECT_EQ(Type("prctl", 1), "u64");
  EXPECT_EQ(Type("personality", 0), "u32");
  EXPECT_EQ(Type("socket", 0), "i32");
  EXPECT_EQ(Type("kill", 1), "i32");
  EXPECT_EQ(Type("openat", 0), "f32");
  EXPECT_EQ(Type("openat", 1), "p64");
  EXPECT_EQ(Type("openat", 3), "u16");
  EXPECT_EQ(Type("mknodat", 2), "u16");
  EXPECT_EQ(Type("lseek", 1), "i64");
  EXPECT_EQ(Type("read", 2), "u64");
  EXPECT_EQ(Type("unshare", 0), "u64");
  EXPECT_EQ(Type("mseal", 1), "u64");
  EXPECT_EQ(Type("landlock_add_rule", 1), "u32");
  EXPECT_EQ(Type("futex_waitv", 1), "u32");
}

TEST(ArgumentTest, WhatThePrototypeDoesNotShow) {
  EXPECT_EQ(Type("clone", 0), "u32") << "the kernel drops the upper half";
  EXPECT_EQ(Type("mmap", 3), "u64");
  EXPECT_EQ(Type("mmap", 4), "F32") << "as here, and of readv";
  EXPECT_EQ(Type("readv", 0), "F32");
  EXPECT_EQ(Type("accept4", 0), "f32") << "its prototype names no parameter";
  EXPECT_EQ(Type("close_range", 1), "u32") << "a bound, not a descriptor";
  EXPECT_EQ(Type("ptrace", 1), "i32");
}

TEST(ArgumentTest, ArchitecturesMayDisagree) {
  EXPECT_EQ(Type("clone", 3, Architecture::kX86_64), "p64");
  EXPECT_EQ(Type("clone", 3, Architecture::kAarch64), "u64");
  EXPECT_EQ(Type("clone", 4, Architecture::kX86_64), "u64");
  EXPECT_EQ(Type("clone", 4, Architecture::kAarch64), "p64");
}

TEST(ArgumentTest, AnArgumentThatDoesNotExistIsAnError) {
  constexpr Architecture kArch = Architecture::kX86_64;
  EXPECT_THAT(FindArgument("socket", 3, kArch),
              HasError("socket has no argument 3; hint: it has 3, counted from 0"));
  EXPECT_THAT(FindArgument("pause", 0, kArch),
              HasError("pause has no argument 0; hint: it has none"));
  EXPECT_THAT(FindArgument("pause", UINT32_MAX, kArch), HasErrorWith("has no argument"));
  EXPECT_THAT(FindArgument("fork", 0, Architecture::kAarch64),
              HasError("aarch64 has no call fork"));
  EXPECT_THAT(FindArgument("scoket", 0, kArch), HasErrorWith("did you mean \"socket\"?"));
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
