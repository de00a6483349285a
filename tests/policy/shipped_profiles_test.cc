// SPDX-License-Identifier: Apache-2.0
// What every shipped profile must hold, whatever else it says: it compiles on every kind of host,
// and its filter keeps the promises that profiles/README.md makes.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/program.h"
#include "policy/compile.h"
#include "policy/uapi/uapi.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr Architecture kArch = Architecture::kX86_64;

// The plan of a profile on a host that can everything. Compiled once: it takes a while unoptimised.
const v1::Plan& PlanOf(const std::string& profile) {
  static auto* const plans = new std::map<std::string, v1::Plan>;
  const auto found = plans->find(profile);
  if (found != plans->end()) return found->second;
  v1::Plan& result = (*plans)[profile];
  const auto policy = Shipped(profile);
  EXPECT_THAT(policy, IsOk()) << profile;
  if (!policy.ok()) return result;
  const auto plan = CompiledPlan::Make(*policy, FullHost());
  EXPECT_THAT(plan, IsOk()) << profile;
  if (plan.ok()) result = plan->proto();
  return result;
}

class Filter {
 public:
  explicit Filter(const std::string& profile) : bytes_(PlanOf(profile).seccomp().filter()) {}

  uint32_t Answer(absl::string_view name, std::initializer_list<uint64_t> args = {}) const {
    CallSample call;
    call.number = FindSyscall(name, kArch).value().value();
    call.architecture = AuditArchitecture(kArch);
    std::copy(args.begin(), args.end(), call.args.begin());
    const auto program = BpfProgram::Make(bytes_);
    return program.ok() ? Evaluate(*program, call) : SECCOMP_RET_ALLOW;
  }
  bool Allows(absl::string_view name, std::initializer_list<uint64_t> args = {}) const {
    return Answer(name, args) == SECCOMP_RET_ALLOW;
  }
  // The kernel asks the supervisor, which kills (policy/DESIGN.md 47). No profile has a rule with
  // NOTIFY, which has the same answer.
  bool Kills(absl::string_view name, std::initializer_list<uint64_t> args = {}) const {
    return Answer(name, args) == SECCOMP_RET_USER_NOTIF;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class EveryProfileTest : public testing::TestWithParam<std::string> {};

std::vector<std::string> ProfileNames() {
  std::vector<std::string> names;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) names.emplace_back(profile.name);
  return names;
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '/' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryProfileTest, testing::ValuesIn(ProfileNames()), TestName);

TEST_P(EveryProfileTest, CompilesOnEveryKindOfHost) {
  const auto policy = Shipped(GetParam());
  ASSERT_THAT(policy, IsOk());
  EXPECT_THAT(CompiledPlan::Make(*policy, V1Host()), IsOk());
  EXPECT_GT(PlanOf(GetParam()).seccomp().filter().size(), 0u);
}

TEST_P(EveryProfileTest, EnforcesEveryLayer) {
  const v1::Plan& proto = PlanOf(GetParam());
  EXPECT_EQ(proto.cgroup().enforcement(), v1::REQUIRED);
  EXPECT_EQ(proto.rlimit().enforcement(), v1::REQUIRED);
  EXPECT_EQ(proto.caps().enforcement(), v1::REQUIRED);
  EXPECT_EQ(proto.seccomp().enforcement(), v1::REQUIRED);
  EXPECT_EQ(proto.net().enforcement(), v1::REQUIRED);
  EXPECT_TRUE(proto.net().own_namespace());
  // Everything that it holds is held by another layer too, so a kernel without it still serves.
  EXPECT_EQ(proto.landlock().enforcement(), v1::IF_AVAILABLE);
  EXPECT_EQ(proto.apparmor().enforcement(), v1::IF_AVAILABLE);
  EXPECT_EQ(proto.apparmor().source(), v1::AppArmorPlan::COMPILED);
  EXPECT_TRUE(proto.landlock().enabled());
  EXPECT_NE(proto.landlock().handled_net(), 0u);
  EXPECT_EQ(proto.cgroup().swap_max_bytes(), 0u);
}

TEST_P(EveryProfileTest, BindsNothingOfTheHostWritable) {
  const auto policy = Shipped(GetParam());
  ASSERT_THAT(policy, IsOk());
  for (const v1::Bind& bind : policy->proto().mounts().bind()) {
    EXPECT_TRUE(bind.read_only()) << bind.source();
    for (absl::string_view secret : {"/home", "/root", "/var", "/run", "/etc/ssl", "/etc/ssh"}) {
      EXPECT_FALSE(absl::StartsWith(bind.source(), secret)) << bind.source();
    }
    EXPECT_NE(bind.source(), "/etc");
  }
  uint64_t memory = 0;
  const v1::Plan& plan = PlanOf(GetParam());
  for (const v1::MountEntry& entry : plan.mount().entry()) memory += entry.size_bytes();
  EXPECT_LE(memory, plan.cgroup().memory_max_bytes())
      << "a job that fills its files must meet ENOSPC before the memory limit";
}

TEST_P(EveryProfileTest, OffersNothingOfTheDangerousCalls) {
  const Filter filter(GetParam());
  for (const char* call : {"ptrace",
                           "process_vm_readv",
                           "process_vm_writev",
                           "mount",
                           "umount2",
                           "pivot_root",
                           "chroot",
                           "open_tree",
                           "move_mount",
                           "fsopen",
                           "fsmount",
                           "mount_setattr",
                           "setns",
                           "unshare",
                           "keyctl",
                           "add_key",
                           "request_key",
                           "bpf",
                           "perf_event_open",
                           "userfaultfd",
                           "kexec_load",
                           "init_module",
                           "finit_module",
                           "delete_module",
                           "io_uring_setup",
                           "io_uring_enter",
                           "io_uring_register",
                           "open_by_handle_at",
                           "reboot",
                           "swapon",
                           "acct",
                           "settimeofday",
                           "clock_settime",
                           "sethostname",
                           "iopl",
                           "ioperm",
                           "modify_ldt",
                           "pidfd_getfd",
                           "kcmp",
                           "process_madvise",
                           "seccomp",
                           "quotactl",
                           "syslog",
                           "fanotify_init",
                           "memfd_secret",
                           "clone3",
                           "openat2",
                           "mknod",
                           "mknodat",
                           "setgroups",
                           "statmount",
                           "open_tree_attr",
                           "personality"}) {
    EXPECT_FALSE(filter.Allows(call, {5, 5, 5, 5, 5, 5})) << call;
  }
  EXPECT_EQ(filter.Answer("io_uring_setup"), SECCOMP_RET_ERRNO | 38u) << "probed by libraries";
  EXPECT_EQ(filter.Answer("clone3"), SECCOMP_RET_ERRNO | 38u) << "libc falls back on this alone";
}

TEST_P(EveryProfileTest, MakesNoNamespacesAndNoSocketsWithAnAddressOutside) {
  const Filter filter(GetParam());
  for (uint64_t flag = 1; flag < uint64_t{1} << 32; flag <<= 1) {
    if ((flag & 0x7e020000) == 0) continue;
    EXPECT_FALSE(filter.Allows("clone", {flag | 17})) << flag;
  }
  for (uint64_t family = 0; family < 256; ++family) {
    if (family == 1) continue;
    for (uint64_t type : {1u, 2u, 3u, 5u, 10u}) {
      EXPECT_FALSE(filter.Allows("socket", {family, type, 0})) << family;
      EXPECT_FALSE(filter.Allows("socket", {family | uint64_t{1} << 32, type, 0})) << family;
    }
    EXPECT_FALSE(filter.Allows("socketpair", {family, 1, 0})) << family;
  }
}

// What the rules mean for a call, whatever its arguments are: no rule on it lets any of them pass,
// and the ones that matter are asked for by value too.
void ExpectDeniedForAllArguments(const std::string& profile, absl::string_view name) {
  const v1::SeccompRules& rules = PlanOf(profile).seccomp().rules();
  CallSample call;
  call.architecture = AuditArchitecture(kArch);
  call.number = FindSyscall(name, kArch).value().value();
  for (const v1::SyscallRule& rule : rules.rule()) {
    if (rule.number() != call.number) continue;
    EXPECT_NE(rule.action().action(), v1::Seccomp::ALLOW) << profile << " " << name;
    EXPECT_NE(rule.action().action(), v1::Seccomp::LOG) << profile << " " << name;
  }
  for (uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0x7fffffff}, UINT64_MAX}) {
    call.args.fill(value);
    EXPECT_THAT(
        MeaningOf(rules, kArch, call),
        testing::AnyOf(SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO | 1u, SECCOMP_RET_ERRNO | 38u))
        << profile << " " << name;
  }
}

TEST_P(EveryProfileTest, MeansToDenyTheToolsOfKernelExploitsForAllArguments) {
  for (const char* name :
       {"io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key",
        "userfaultfd", "bpf", "perf_event_open", "statmount", "listmount", "listns", "fchroot",
        "open_tree_attr", "lsm_set_self_attr", "map_shadow_stack", "file_setattr", "setxattrat"}) {
    ExpectDeniedForAllArguments(GetParam(), name);
  }
}

// AF_VSOCK reaches the hypervisor, AF_ALG the kernel's ciphers, and neither is in a network
// namespace. Every family but AF_UNIX is refused, with garbage above its 32 bits and in any type.
TEST_P(EveryProfileTest, MeansToDenyAllFamiliesOfSocketsButOne) {
  const v1::SeccompRules& rules = PlanOf(GetParam()).seccomp().rules();
  for (const char* name : {"socket", "socketpair"}) {
    CallSample call;
    call.architecture = AuditArchitecture(kArch);
    call.number = FindSyscall(name, kArch).value().value();
    for (uint64_t family = 0; family < 1024; ++family) {
      if (family == 1) continue;
      for (uint64_t garbage : {uint64_t{0}, uint64_t{1} << 32, uint64_t{0xffffffff} << 32}) {
        for (uint64_t type : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{5}, UINT64_MAX}) {
          call.args = {family | garbage, type, 0, 0, 0, 0};
          const uint32_t answer = MeaningOf(rules, kArch, call);
          EXPECT_NE(answer, SECCOMP_RET_ALLOW) << name << " " << family << " " << type;
          EXPECT_NE(answer, SECCOMP_RET_LOG) << name << " " << family << " " << type;
        }
      }
    }
  }
}

TEST_P(EveryProfileTest, AnswersCallsYoungerThanTheTableWithEnosys) {
  const v1::Plan& plan = PlanOf(GetParam());
  const auto program = BpfProgram::Make(plan.seccomp().filter());
  ASSERT_THAT(program, IsOk());
  CallSample call;
  call.architecture = AuditArchitecture(kArch);
  for (call.number = FirstUnknownNumber(kArch); call.number < 2048; ++call.number) {
    const bool x32 = call.number >= uapi::kX32OldFirst && call.number <= uapi::kX32OldLast;
    const uint32_t wanted = x32 ? SECCOMP_RET_KILL_PROCESS : kReturnNoSuchCall;
    EXPECT_EQ(MeaningOf(plan.seccomp().rules(), kArch, call), wanted) << call.number;
    EXPECT_EQ(Evaluate(*program, call), wanted) << call.number;
  }
}

TEST_P(EveryProfileTest, GivesNoSetIdBitsAndNoTypingIntoTerminals) {
  const Filter filter(GetParam());
  for (uint64_t mode : {uint64_t{04755}, uint64_t{02755}}) {
    EXPECT_FALSE(filter.Allows("chmod", {0, mode}));
    EXPECT_FALSE(filter.Allows("fchmodat", {0, 0, mode}));
    EXPECT_FALSE(filter.Allows("openat", {0, 0, 0x41, mode}));
  }
  for (uint64_t command : {0x5412u, 0x541cu, 0x540eu, 0x5423u}) {
    EXPECT_FALSE(filter.Allows("ioctl", {0, command}));
    EXPECT_FALSE(filter.Allows("ioctl", {0, command | uint64_t{1} << 63}));
  }
}

TEST_P(EveryProfileTest, LetsAProgramStartComputeAndEnd) {
  const Filter filter(GetParam());
  for (const char* call :
       {"execve", "brk",       "mmap",       "munmap",          "mprotect",        "read",
        "write",  "close",     "newfstatat", "exit_group",      "rt_sigaction",    "rt_sigprocmask",
        "futex",  "getrandom", "rseq",       "set_robust_list", "set_tid_address", "clock_gettime",
        "lseek",  "pread64",   "getpid"}) {
    EXPECT_TRUE(filter.Allows(call)) << call;
  }
  EXPECT_TRUE(filter.Allows("arch_prctl", {0x1002}));
  EXPECT_TRUE(filter.Allows("openat", {0xffffff9c, 0, 0x80000, 0}));
  EXPECT_TRUE(filter.Allows("prlimit64", {0, 3, 0, 0x7ffe0000}));
}

TEST_P(EveryProfileTest, SaysWhatItIsFor) {
  const auto policy = Shipped(GetParam());
  ASSERT_THAT(policy, IsOk());
  EXPECT_FALSE(policy->proto().description().empty());
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    if (profile.name != GetParam()) continue;
    EXPECT_TRUE(absl::StrContains(profile.text, "# Promises:"));
    EXPECT_TRUE(absl::StrContains(profile.text, "Costs:"));
  }
}

class TightenedProfileTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Shipped, TightenedProfileTest,
                         testing::Values("base/strict", "judge/java", "ci/cmake"), TestName);

// A policy that allows one group less must not allow any call that it did not allow before.
TEST_P(TightenedProfileTest, DroppingAGroupNeverAllowsMore) {
  const auto policy = Shipped(GetParam());
  ASSERT_THAT(policy, IsOk());
  const Filter full(GetParam());
  const auto wide = BpfProgram::Make(full.bytes());
  ASSERT_THAT(wide, IsOk());
  const v1::Seccomp& seccomp = policy->proto().seccomp();
  for (int dropped = 0; dropped < seccomp.allow_size(); ++dropped) {
    ParsedPolicy tighter = policy->parsed();
    auto* allow = tighter.policy.mutable_seccomp()->mutable_allow();
    if (allow->Get(dropped) == "stdio" || allow->Get(dropped) == "exec") continue;
    allow->DeleteSubrange(dropped, 1);
    const auto normal = NormalPolicy::Make(tighter);
    ASSERT_THAT(normal, IsOk());
    const auto plan = CompiledPlan::Make(*normal, FullHost());
    ASSERT_THAT(plan, IsOk());
    const auto narrow = BpfProgram::Make(plan->proto().seccomp().filter());
    ASSERT_THAT(narrow, IsOk());
    CallSample call;
    call.architecture = AuditArchitecture(kArch);
    for (call.number = 0; call.number < 500; ++call.number) {
      for (uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{0x5401},
                             uint64_t{0x10f00}, UINT64_MAX}) {
        call.args.fill(value);
        if (Evaluate(*narrow, call) == SECCOMP_RET_ALLOW) {
          EXPECT_EQ(Evaluate(*wide, call), SECCOMP_RET_ALLOW) << call.number << " " << value;
        }
      }
    }
  }
}

class JudgeProfileTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Shipped, JudgeProfileTest,
                         testing::Values("base/strict", "base/compute", "judge/c", "judge/cpp",
                                         "judge/rust", "judge/go", "judge/python", "judge/java"),
                         TestName);

TEST_P(JudgeProfileTest, KillsForWhatNoSubmissionDoes) {
  const Filter filter(GetParam());
  for (const char* call : {"ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "kexec_load",
                           "init_module", "perf_event_open", "userfaultfd", "pivot_root"}) {
    EXPECT_TRUE(filter.Kills(call)) << call;
  }
  EXPECT_TRUE(filter.Kills("clone", {0x10000000 | 17}));
}

TEST_P(JudgeProfileTest, ASocketKillsOrIsRefused) {
  const Filter filter(GetParam());
  EXPECT_EQ(filter.Answer("socket", {1, 1, 0}), SECCOMP_RET_ERRNO | 13u);
  // The class library of Java probes for both families when it starts.
  EXPECT_EQ(filter.Kills("socket", {2, 1, 0}), GetParam() != "judge/java");
}

TEST(ShippedProfilesTest, BuildersAnswerProbesInsteadOfKilling) {
  for (const char* profile : {"base/build", "compile/c", "compile/cpp", "compile/java",
                              "compile/rust", "compile/go", "ci/cmake"}) {
    const Filter filter(profile);
    for (const char* call : {"ptrace", "mount", "unshare", "setns", "perf_event_open", "chroot"}) {
      EXPECT_EQ(filter.Answer(call), SECCOMP_RET_ERRNO | 1u) << profile << " " << call;
    }
    EXPECT_TRUE(filter.Allows("clone", {0x4111}));
    EXPECT_TRUE(filter.Allows("vfork"));
  }
}

TEST(ShippedProfilesTest, OneProcessMeansOne) {
  const Filter filter("base/strict");
  EXPECT_FALSE(filter.Allows("clone", {17}));
  EXPECT_FALSE(filter.Allows("clone", {0x3d0f00}));
  EXPECT_FALSE(filter.Allows("fork"));
  EXPECT_FALSE(filter.Allows("vfork"));
}

TEST(ShippedProfilesTest, TheNamesOfTheTreeAreAllThere) {
  EXPECT_THAT(
      ProfileNames(),
      testing::ElementsAre("base/build", "base/compute", "base/strict", "ci/cmake", "compile/c",
                           "compile/cpp", "compile/go", "compile/java", "compile/rust", "judge/c",
                           "judge/cpp", "judge/go", "judge/java", "judge/python", "judge/rust"));
}

}  // namespace
}  // namespace cordon
