// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/syscall_groups.h"

#include <sys/resource.h>

#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "policy/bpf/condition.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/rules.h"
#include "policy/bpf/syscall_table.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr Architecture kArch = Architecture::kX86_64;

std::vector<absl::string_view> Calls(const GroupEntry& entry) {
  return absl::StrSplit(entry.calls, ' ', absl::SkipEmpty());
}

// What a policy that allows these groups and nothing else answers.
class Allowing {
 public:
  explicit Allowing(const std::vector<std::string>& groups) {
    v1::Seccomp policy;
    for (const std::string& group : groups) policy.add_allow(group);
    const auto rules = BuildRules(policy, kArch);
    EXPECT_THAT(rules, IsOk());
    if (rules.ok()) rules_ = *rules;
  }

  bool Allows(absl::string_view name, std::initializer_list<uint64_t> args) const {
    CallSample call;
    call.number = FindSyscall(name, kArch).value().value();
    call.architecture = AuditArchitecture(kArch);
    std::copy(args.begin(), args.end(), call.args.begin());
    return MeaningOf(rules_, kArch, call) == SECCOMP_RET_ALLOW;
  }

 private:
  v1::SeccompRules rules_;
};

TEST(SyscallGroupsTest, EveryEntryNamesRealCallsWithSoundConditionsAndAReason) {
  for (const SyscallGroup& group : SyscallGroups()) {
    EXPECT_FALSE(group.summary.empty()) << group.name;
    EXPECT_FALSE(group.entries.empty() && group.includes.empty()) << group.name;
    for (absl::string_view part : group.includes) EXPECT_THAT(FindGroup(part), IsOk());
    for (const GroupEntry& entry : group.entries) {
      EXPECT_GT(entry.reason.size(), 4u) << entry.calls;
      const auto conditions = ParseConditions(entry.when);
      ASSERT_THAT(conditions, IsOk()) << entry.when;
      EXPECT_FALSE(Calls(entry).empty());
      for (absl::string_view call : Calls(entry)) {
        for (Architecture architecture : {Architecture::kX86_64, Architecture::kAarch64}) {
          const auto number = FindSyscall(call, architecture);
          ASSERT_THAT(number, IsOk());
          for (const v1::Condition& condition : *conditions) {
            if (!number->has_value()) continue;
            EXPECT_THAT(LowerCondition(call, condition, architecture), IsOk())
                << call << ": " << entry.when;
          }
        }
      }
    }
  }
}

TEST(SyscallGroupsTest, NamesAreUnique) {
  std::set<absl::string_view> names;
  for (const SyscallGroup& group : SyscallGroups()) EXPECT_TRUE(names.insert(group.name).second);
}

TEST(SyscallGroupsTest, DangersComeLastAndShareNothingWithPromises) {
  bool danger_seen = false;
  std::set<absl::string_view> promised;
  for (const SyscallGroup& group : SyscallGroups()) {
    EXPECT_TRUE(group.danger || !danger_seen) << group.name;
    danger_seen = danger_seen || group.danger;
    for (const GroupEntry& entry : group.entries) {
      for (absl::string_view call : Calls(entry)) {
        if (!group.danger) promised.insert(call);
        // clone is in both, told apart by its flags.
        EXPECT_FALSE(group.danger && call != "clone" && promised.count(call) != 0) << call;
      }
    }
  }
}

TEST(SyscallGroupsTest, AllPromisesTogetherGoWithAllDangersKilled) {
  v1::Seccomp policy;
  for (const SyscallGroup& group : SyscallGroups()) {
    (group.danger ? policy.add_kill() : policy.add_allow())
        ->assign(group.name.data(), group.name.size());
  }
  EXPECT_THAT(BuildRules(policy, Architecture::kX86_64), IsOk());
  EXPECT_THAT(BuildRules(policy, Architecture::kAarch64), IsOk());
}

TEST(SyscallGroupsTest, AnUnknownGroupIsAnErrorWithTheNearestOne) {
  EXPECT_THAT(FindGroup("stdoi"),
              HasError("\"stdoi\" is not a group of system calls; hint: did you mean \"stdio\"?"));
}

TEST(SyscallGroupsTest, ReadingPathsOpensNothingForWriting) {
  const Allowing policy({"rpath"});
  constexpr uint64_t kWrite = 1;
  constexpr uint64_t kReadWrite = 2;
  constexpr uint64_t kCreate = 0x40;
  constexpr uint64_t kTruncate = 0x200;
  constexpr uint64_t kTmpfile = 0x410000;
  for (uint64_t harmless : {0x0u, 0x80000u, 0x10000u, 0x210000u}) {
    EXPECT_TRUE(policy.Allows("openat", {0, 0, harmless, 0}));
  }
  for (uint64_t writing : {kWrite, kReadWrite, uint64_t{3}, kCreate, kTruncate, kTmpfile,
                           kWrite | uint64_t{1} << 32}) {
    EXPECT_FALSE(policy.Allows("openat", {0, 0, writing, 0})) << writing;
    EXPECT_FALSE(policy.Allows("open", {0, writing, 0})) << writing;
  }
  // Garbage in bits that the kernel does not read changes nothing.
  EXPECT_TRUE(policy.Allows("openat", {0, 0, uint64_t{1} << 32, 0}));
  // The flags of openat2 are in memory.
  EXPECT_FALSE(policy.Allows("openat2", {}));
}

TEST(SyscallGroupsTest, WritingExistingFilesCreatesNone) {
  const Allowing policy({"rpath", "wpath"});
  EXPECT_TRUE(policy.Allows("openat", {0, 0, 2, 0}));
  EXPECT_TRUE(policy.Allows("openat", {0, 0, 0x201, 0}));
  EXPECT_FALSE(policy.Allows("openat", {0, 0, 0x41, 0644}));
  EXPECT_FALSE(policy.Allows("creat", {0, 0644}));
}

TEST(SyscallGroupsTest, NoGroupLetsSetIdBitsBeBorn) {
  std::vector<std::string> promises;
  for (const SyscallGroup& group : SyscallGroups()) {
    if (!group.danger) promises.emplace_back(group.name);
  }
  const Allowing policy(promises);
  for (uint64_t mode : {04755u, 02755u, 06755u}) {
    EXPECT_FALSE(policy.Allows("openat", {0, 0, 0x41, mode}));
    EXPECT_FALSE(policy.Allows("open", {0, 0x41, mode}));
    EXPECT_FALSE(policy.Allows("openat", {0, 0, 0x410002, mode}));
    EXPECT_FALSE(policy.Allows("creat", {0, mode}));
    EXPECT_FALSE(policy.Allows("chmod", {0, mode}));
    EXPECT_FALSE(policy.Allows("fchmod", {0, mode}));
    EXPECT_FALSE(policy.Allows("fchmodat", {0, 0, mode}));
    EXPECT_FALSE(policy.Allows("fchmodat2", {0, 0, mode, 0}));
    EXPECT_FALSE(policy.Allows("mknodat", {0, 0, mode, 0}));
  }
  EXPECT_TRUE(policy.Allows("openat", {0, 0, 0x41, 0644}));
  EXPECT_TRUE(policy.Allows("chmod", {0, 0755}));
}

// A job that could lower it to 0 could start the program of kernel.core_pattern by crashing.
TEST(SyscallGroupsTest, NoGroupSetsTheLimitOfCoreDumps) {
  const Allowing policy({"self", "limits"});
  constexpr uint64_t kNew = 0x7fff00000000;
  for (uint64_t resource = 0; resource < RLIM_NLIMITS; ++resource) {
    const bool core = resource == RLIMIT_CORE;
    EXPECT_EQ(policy.Allows("setrlimit", {resource, kNew}), !core) << resource;
    EXPECT_EQ(policy.Allows("prlimit64", {0, resource, kNew, 0}), !core) << resource;
    EXPECT_TRUE(policy.Allows("prlimit64", {0, resource, 0, kNew})) << resource;
    EXPECT_FALSE(policy.Allows("prlimit64", {1, resource, kNew, 0})) << resource;
  }
}

TEST(SyscallGroupsTest, NoPromiseMakesNamespaces) {
  std::vector<std::string> promises;
  for (const SyscallGroup& group : SyscallGroups()) {
    if (!group.danger) promises.emplace_back(group.name);
  }
  const Allowing policy(promises);
  for (uint64_t flag :
       {0x20000u, 0x2000000u, 0x4000000u, 0x8000000u, 0x10000000u, 0x20000000u, 0x40000000u}) {
    EXPECT_FALSE(policy.Allows("clone", {flag | 17})) << flag;
    EXPECT_FALSE(policy.Allows("clone", {flag | 0x10f00 | uint64_t{1} << 40})) << flag;
  }
  EXPECT_TRUE(policy.Allows("clone", {17}));
  EXPECT_TRUE(policy.Allows("clone", {0x3d0f00}));
  EXPECT_FALSE(policy.Allows("clone3", {}));
  EXPECT_FALSE(policy.Allows("unshare", {}));
}

TEST(SyscallGroupsTest, ThreadsAreNoProcesses) {
  const Allowing policy({"thread"});
  EXPECT_TRUE(policy.Allows("clone", {0x3d0f00}));
  EXPECT_FALSE(policy.Allows("clone", {17}));
  EXPECT_FALSE(policy.Allows("fork", {}));
}

TEST(SyscallGroupsTest, TerminalsCannotBeTypedInto) {
  const Allowing policy({"stdio", "tty"});
  EXPECT_TRUE(policy.Allows("ioctl", {0, 0x5401}));
  EXPECT_FALSE(policy.Allows("ioctl", {0, 0x5412}));
  EXPECT_FALSE(policy.Allows("ioctl", {0, 0x5412 | uint64_t{1} << 32}));
  EXPECT_FALSE(policy.Allows("ioctl", {0, 0x541c}));
}

TEST(SyscallGroupsTest, SocketsAreOfTheFamiliesThatAreNamed) {
  const Allowing local({"unix"});
  EXPECT_TRUE(local.Allows("socket", {1, 1, 0}));
  EXPECT_TRUE(local.Allows("socketpair", {1, 2, 0}));
  const Allowing inet({"inet"});
  EXPECT_TRUE(inet.Allows("socket", {2, 0x80801, 6}));
  EXPECT_TRUE(inet.Allows("socket", {10, 2, 17}));
  EXPECT_FALSE(inet.Allows("socket", {2, 3, 1})) << "raw";
  EXPECT_FALSE(inet.Allows("socket", {2, 2, 1})) << "ping";
  EXPECT_FALSE(inet.Allows("setsockopt", {3, 1, 26})) << "a filter of its own";
  EXPECT_FALSE(inet.Allows("setsockopt", {3, 6, 31})) << "TCP_ULP";
  EXPECT_FALSE(inet.Allows("sendmsg", {3, 0, 1})) << "out of band";
  for (uint64_t family = 0; family < 64; ++family) {
    EXPECT_EQ(local.Allows("socket", {family, 1, 0}), family == 1) << family;
    EXPECT_EQ(inet.Allows("socket", {family, 1, 0}), family == 2 || family == 10) << family;
  }
}

TEST(SyscallGroupsTest, HintsAboutReadingEvictNothing) {
  const Allowing policy({"rpath"});
  EXPECT_TRUE(policy.Allows("fadvise64", {3, 0, 0, 2})) << "sequential";
  EXPECT_FALSE(policy.Allows("fadvise64", {3, 0, 0, 4})) << "out of the host's cache";
}

TEST(SyscallGroupsTest, OwnStateIsReadAndOthersAreLeftAlone) {
  const Allowing policy({"self", "stdio", "memory", "sched"});
  EXPECT_TRUE(policy.Allows("prlimit64", {0, 7, 0, 0x1000}));
  EXPECT_FALSE(policy.Allows("prlimit64", {0, 7, 0x1000, 0}));
  EXPECT_FALSE(policy.Allows("prlimit64", {5, 7, 0, 0x1000}));
  EXPECT_TRUE(policy.Allows("prctl", {15}));
  for (uint64_t option : {4u, 22u, 24u, 26u, 28u, 35u, 47u, 53u, 57u, 59u, 62u}) {
    EXPECT_FALSE(policy.Allows("prctl", {option})) << option;
  }
  EXPECT_TRUE(policy.Allows("personality", {0xffffffff}));
  EXPECT_TRUE(policy.Allows("personality", {UINT64_MAX}));
  EXPECT_FALSE(policy.Allows("personality", {0x40000}));
  EXPECT_FALSE(policy.Allows("fcntl", {3, 1024})) << "leases";
  EXPECT_FALSE(policy.Allows("fcntl", {3, 8})) << "signal owners";
  EXPECT_FALSE(policy.Allows("pipe2", {0, 0x80})) << "notification pipes";
  EXPECT_FALSE(policy.Allows("mmap", {0, 0, 0, 0x40022})) << "huge pages";
  EXPECT_TRUE(policy.Allows("madvise", {0, 0, 4})) << "what an allocator gives back";
  EXPECT_FALSE(policy.Allows("madvise", {0, 0, 12})) << "page merging";
  EXPECT_FALSE(policy.Allows("madvise", {0, 0, 20})) << "cold";
  EXPECT_FALSE(policy.Allows("madvise", {0, 0, 21})) << "out of the host's cache";
  EXPECT_FALSE(policy.Allows("madvise", {0, 0, 100})) << "poisoning";
  EXPECT_FALSE(policy.Allows("setpriority", {2})) << "of every process of the user";
  EXPECT_FALSE(policy.Allows("arch_prctl", {0x1012})) << "cpuid faulting";
}

}  // namespace
}  // namespace cordon
