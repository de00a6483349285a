// SPDX-License-Identifier: Apache-2.0
// Lints about system calls. Most rows ask whether some call passes; the filter's meaning answers
// for every value of every argument. A comparison of bits that the kernel does not read, the cause
// of CVE-2019-10063, cannot be written in this language: arguments are compared in their own width.
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/bpf/rules.h"
#include "policy/lint/context.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

constexpr size_t kNamesShown = 4;
// Leaving out one rule after the other is quadratic; policies written by people have fewer.
constexpr int kMostRulesCompared = 64;

struct Passing {
  std::vector<std::string> names;
  std::string example;
};

std::string PassingText(const Passing& passing) {
  const bool plain = passing.example == absl::StrCat(passing.names[0], "()");
  if (passing.names.size() == 1) {
    return absl::StrCat("lets ", plain ? passing.names[0] : passing.example, " pass");
  }
  const size_t shown = std::min(passing.names.size(), kNamesShown);
  std::string text = absl::StrCat(
      "lets ", absl::StrJoin(passing.names.begin(),
                             passing.names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < passing.names.size()) {
    absl::StrAppend(&text, " and ", passing.names.size() - shown, " more");
  }
  absl::StrAppend(&text, " pass");
  if (!plain) absl::StrAppend(&text, ", for instance ", passing.example);
  return text;
}

// Indices of merged lists are nobody's lines: the name of a group says more.
std::string GroupOf(const v1::Seccomp& seccomp, const std::string& field) {
  for (int i = 0; i < seccomp.allow_size(); ++i) {
    if (field != IndexedField("seccomp.allow", static_cast<size_t>(i))) continue;
    return absl::StrCat("(", EscapeForPeople(seccomp.allow(i)), ") ");
  }
  return "";
}

// A finding for each field that lets one of the calls pass.
void AnyPasses(const Lint& lint, const LintContext& context, LintSink* sink) {
  if (context.filter == nullptr) return;
  std::map<std::string, Passing> by_field;
  for (const CallQuestion& question : lint.questions) {
    for (absl::string_view call : absl::StrSplit(question.calls, ' ', absl::SkipEmpty())) {
      const auto passing = context.filter->FirstPassing(call, question.when);
      if (!passing.ok()) return sink->Fail(passing.status());
      if (!passing->has_value()) continue;
      Passing& found = by_field[context.filter->DecidedBy(**passing)];
      if (found.names.empty()) {
        found.example = ShortCallText(**passing, context.filter->architecture());
      }
      if (std::find(found.names.begin(), found.names.end(), call) == found.names.end()) {
        found.names.emplace_back(call);
      }
    }
  }
  for (const auto& [field, passing] : by_field) {
    sink->Add(field,
              absl::StrCat(GroupOf(context.policy().seccomp(), field), PassingText(passing)));
  }
}

// One finding when all of the questions are answered with yes: any argument will do.
void AllPass(const Lint& lint, const LintContext& context, LintSink* sink) {
  if (context.filter == nullptr) return;
  std::string field;
  for (const CallQuestion& question : lint.questions) {
    const auto passing = context.filter->FirstPassing(question.calls, question.when);
    if (!passing.ok()) return sink->Fail(passing.status());
    if (!passing->has_value()) return;
    field = context.filter->DecidedBy(**passing);
  }
  sink->Add(field, absl::StrCat("lets ", lint.questions[0].calls, " pass whatever is asked of it"));
}

void Clone3Answer(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.filter == nullptr) return;
  const auto clone = context.filter->FirstPassing("clone", "");
  if (!clone.ok()) return sink->Fail(clone.status());
  const auto answer = context.filter->AnswerToZeros("clone3");
  if (!answer.ok()) return sink->Fail(answer.status());
  if (!clone->has_value() || !answer->has_value() || AnswerPasses(**answer)) return;
  const auto enosys = static_cast<uint32_t>(ErrnoValue("ENOSYS"));
  if (**answer == (SECCOMP_RET_ERRNO | enosys)) return;
  for (const v1::SyscallRule& rule : context.plan.seccomp().rules().rule()) {
    if (rule.call() != "clone3") continue;
    if (rule.action().action() == v1::Seccomp::NOTIFY && rule.action().errno_value() == enosys) {
      return;
    }
    return sink->Add(rule.field(), "answers clone3 with something other than ENOSYS");
  }
}

// Sockets of the network in a namespace where nothing is up.
void InetWithoutNetwork(const Lint& lint, const LintContext& context, LintSink* sink) {
  if (!context.plan.net().own_namespace() || context.plan.net().loopback_up()) return;
  AnyPasses(lint, context, sink);
}

void HostAbstractSockets(const Lint& lint, const LintContext& context, LintSink* sink) {
  if (!context.plan.net().own_namespace()) AnyPasses(lint, context, sink);
}

// Where the job may execute what it writes anyway, files in memory add nothing.
void MemoryFiles(const Lint& lint, const LintContext& context, LintSink* sink) {
  const auto& entries = context.plan.mount().entry();
  const bool executes = std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return (entry.kind() == v1::MountEntry::BIND || entry.kind() == v1::MountEntry::TMPFS) &&
           !entry.read_only() && !entry.no_exec();
  });
  if (!executes) AnyPasses(lint, context, sink);
}

void DefaultAllows(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.filter == nullptr) return;
  const v1::Seccomp::Action action = context.policy().seccomp().default_action();
  if (action != v1::Seccomp::ALLOW && action != v1::Seccomp::LOG) return;
  sink->Add("seccomp.default_action",
            absl::StrCat("is ", v1::Seccomp::Action_Name(action),
                         ": every call that is not named passes, those of kernels to come too"));
}

void DefaultErrno(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Seccomp& seccomp = context.policy().seccomp();
  if (context.filter == nullptr || seccomp.default_action() != v1::Seccomp::ERRNO) return;
  if (seccomp.default_errno() == "ENOSYS") return;
  sink->Add("seccomp.default_errno", absl::StrCat("is ", seccomp.default_errno()));
}

void NothingKills(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.filter == nullptr) return;
  const v1::SeccompRules& rules = context.plan.seccomp().rules();
  const auto kills = [](const v1::SeccompAction& action) {
    return action.action() == v1::Seccomp::KILL;
  };
  if (kills(rules.default_action())) return;
  if (std::any_of(rules.rule().begin(), rules.rule().end(),
                  [&](const v1::SyscallRule& rule) { return kills(rule.action()); })) {
    return;
  }
  sink->Add("seccomp.kill", "names no group, and no rule kills: no call is ever a violation");
}

void LogsOnly(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Seccomp& seccomp = context.policy().seccomp();
  for (int i = 0; context.filter != nullptr && i < seccomp.rule_size(); ++i) {
    if (seccomp.rule(i).action() != v1::Seccomp::LOG) continue;
    sink->Add(IndexedField("seccomp.rule", static_cast<size_t>(i)),
              absl::StrCat("lets ", EscapeForPeople(seccomp.rule(i).calls(0)),
                           " pass and writes it to the kernel's log"));
  }
}

void RuleWithoutEffect(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Seccomp& seccomp = context.policy().seccomp();
  if (context.filter == nullptr || seccomp.rule_size() > kMostRulesCompared) return;
  for (int i = 0; i < seccomp.rule_size(); ++i) {
    v1::Seccomp without = seccomp;
    without.mutable_rule()->DeleteSubrange(i, 1);
    const auto rules = BuildRules(without, context.filter->architecture());
    // What cannot be compiled without the rule needs it.
    if (!rules.ok()) continue;
    const auto same = context.filter->SameMeaning(*rules);
    if (!same.ok()) return sink->Fail(same.status());
    if (!*same) continue;
    sink->Add(IndexedField("seccomp.rule", static_cast<size_t>(i)),
              absl::StrCat("decides about ", EscapeForPeople(seccomp.rule(i).calls(0)),
                           seccomp.rule(i).calls_size() > 1 ? " and others" : "",
                           " as the rest of the policy does"));
  }
}

constexpr CallQuestion kCloneNamespaces[] = {
    {"clone", "0 & CLONE_NEWUSER = CLONE_NEWUSER"},    {"clone", "0 & CLONE_NEWNS = CLONE_NEWNS"},
    {"clone", "0 & CLONE_NEWPID = CLONE_NEWPID"},      {"clone", "0 & CLONE_NEWNET = CLONE_NEWNET"},
    {"clone", "0 & CLONE_NEWIPC = CLONE_NEWIPC"},      {"clone", "0 & CLONE_NEWUTS = CLONE_NEWUTS"},
    {"clone", "0 & CLONE_NEWCGROUP = CLONE_NEWCGROUP"}};
constexpr CallQuestion kClone3[] = {{"clone3", ""}};
constexpr CallQuestion kUnshare[] = {{"unshare setns", ""}};
constexpr CallQuestion kMounts[] = {
    {"mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick "
     "mount_setattr",
     ""}};
constexpr CallQuestion kHandles[] = {{"open_by_handle_at", ""}};
constexpr CallQuestion kTiocsti[] = {{"ioctl", "1 = TIOCSTI"}};
constexpr CallQuestion kTioclinux[] = {{"ioctl", "1 = TIOCLINUX"}};
// Requests that no list of wanted ones would hold.
constexpr CallQuestion kAnyIoctl[] = {
    {"ioctl", "1 = 0x1"}, {"ioctl", "1 = 0x7e57c0de"}, {"ioctl", "1 = 0xfedcba98"}};

constexpr CallQuestion kSetId[] = {
    {"chmod fchmod creat mknod", "1 & S_ISUID = S_ISUID"},
    {"chmod fchmod creat mknod", "1 & S_ISGID = S_ISGID"},
    {"fchmodat fchmodat2 mknodat", "2 & S_ISUID = S_ISUID"},
    {"fchmodat fchmodat2 mknodat", "2 & S_ISGID = S_ISGID"},
    {"open", "1 & O_CREAT = O_CREAT, 2 & S_ISUID = S_ISUID"},
    {"open", "1 & O_CREAT = O_CREAT, 2 & S_ISGID = S_ISGID"},
    {"open", "1 & __O_TMPFILE = __O_TMPFILE, 2 & S_ISUID = S_ISUID"},
    {"open", "1 & __O_TMPFILE = __O_TMPFILE, 2 & S_ISGID = S_ISGID"},
    {"openat", "2 & O_CREAT = O_CREAT, 3 & S_ISUID = S_ISUID"},
    {"openat", "2 & O_CREAT = O_CREAT, 3 & S_ISGID = S_ISGID"},
    {"openat", "2 & __O_TMPFILE = __O_TMPFILE, 3 & S_ISUID = S_ISUID"},
    {"openat", "2 & __O_TMPFILE = __O_TMPFILE, 3 & S_ISGID = S_ISGID"}};

constexpr CallQuestion kOpenat2[] = {{"openat2", ""}};
constexpr CallQuestion kTrace[] = {
    {"ptrace process_vm_readv process_vm_writev pidfd_getfd process_madvise kcmp", ""}};
constexpr CallQuestion kKeys[] = {{"add_key request_key keyctl", ""}};
constexpr CallQuestion kBpf[] = {{"bpf", ""}};
constexpr CallQuestion kPerf[] = {{"perf_event_open", ""}};
constexpr CallQuestion kUserfaultfd[] = {{"userfaultfd", ""}};
constexpr CallQuestion kIoUring[] = {{"io_uring_setup io_uring_enter io_uring_register", ""}};
constexpr CallQuestion kAdmin[] = {
    {"kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff acct "
     "quotactl syslog iopl ioperm settimeofday clock_settime adjtimex clock_adjtime sethostname "
     "setdomainname fanotify_init modify_ldt",
     ""}};
constexpr CallQuestion kVsock[] = {{"socket socketpair", "0 = AF_VSOCK"}};
constexpr CallQuestion kAlg[] = {{"socket socketpair", "0 = AF_ALG"}};
constexpr CallQuestion kNetlink[] = {{"socket socketpair", "0 = AF_NETLINK"}};
constexpr CallQuestion kPacket[] = {{"socket socketpair", "0 = AF_PACKET"}};
// Every other family but AF_UNSPEC, AF_UNIX, AF_INET and AF_INET6.
constexpr CallQuestion kRareFamily[] = {
    {"socket",
     "0 in 3 4 5 6 7 8 9 11 12 13 14 15 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 "
     "37 39 41 42 43 44 45 46 47 48"}};
constexpr CallQuestion kInet[] = {{"socket", "0 in AF_INET AF_INET6"}};
constexpr CallQuestion kUnix[] = {{"socket", "0 = AF_UNIX"}};
// The highest bit stays out: 0xffffffff only asks.
constexpr CallQuestion kPersonality[] = {
    {"personality", "0 & 0x80000000|ADDR_NO_RANDOMIZE = ADDR_NO_RANDOMIZE"},
    {"personality", "0 & 0x80000000|READ_IMPLIES_EXEC = READ_IMPLIES_EXEC"},
    {"personality", "0 & 0x80000000|MMAP_PAGE_ZERO = MMAP_PAGE_ZERO"}};
constexpr CallQuestion kWriteExecute[] = {
    {"mmap mprotect pkey_mprotect", "2 & PROT_WRITE|PROT_EXEC = PROT_WRITE|PROT_EXEC"}};

constexpr CallQuestion kCoreLimit[] = {{"setrlimit", "0 = RLIMIT_CORE"},
                                       {"prlimit64", "1 = RLIMIT_CORE, 2 != 0"}};

constexpr CallQuestion kMemoryFiles[] = {{"memfd_create", "1 & MFD_NOEXEC_SEAL = 0"}};

constexpr Lint kLints[] = {
    {"clone-namespaces", v1::DANGER,
     "a new user namespace opens most of the kernel's attack surface to the job (CVE-2022-0185, "
     "CVE-2023-32233 both begin with one)",
     "allow the group \"proc\" or \"thread\", or a rule whose masked_equals wants all CLONE_NEW "
     "flags to be 0",
     AnyPasses, kCloneNamespaces},
    {"clone3-allowed", v1::DANGER,
     "the flags of clone3 lie in memory, where no filter sees them, so it makes the namespaces "
     "that clone may not (CVE-2021-41133)",
     "leave clone3 out: it answers ENOSYS then, and the C library falls back to clone", AnyPasses,
     kClone3},
    {"clone3-answer", v1::WARNING,
     "the C library falls back from clone3 to clone for ENOSYS alone, so threads and processes "
     "cannot be started (clone(2), glibc 2.34)",
     "leave clone3 out of the rules and of `kill`", Clone3Answer},
    {"unshare-setns", v1::DANGER,
     "the job may make or join namespaces after all that was set up for it (CVE-2022-0185, "
     "CVE-2022-0492)",
     "leave both calls out, or put the group \"namespace\" into `kill`", AnyPasses, kUnshare},
    {"mount-calls", v1::DANGER,
     "mounting changes what every path means; a sandbox that forgot the newer calls was escaped "
     "with them (CVE-2021-41133), and fsconfig had an escalation of its own (CVE-2022-0185)",
     "leave these calls out, or put the group \"mount\" into `kill`; mounts belong in `mounts`",
     AnyPasses, kMounts},
    {"open-by-handle", v1::DANGER,
     "it opens files by number, around every mount of the sandbox (open_by_handle_at(2))",
     "leave the call out", AnyPasses, kHandles},
    {"ioctl-tiocsti", v1::DANGER,
     "TIOCSTI types into the terminal of whoever started the job (CVE-2017-5226, CVE-2019-10063)",
     "allow ioctl for the requests that the job needs, with any_of; the groups \"stdio\" and "
     "\"tty\" do",
     AnyPasses, kTiocsti},
    {"ioctl-tioclinux", v1::DANGER,
     "TIOCLINUX pastes into the console of the host and so types commands there (CVE-2023-28100)",
     "allow ioctl for the requests that the job needs, with any_of; the groups \"stdio\" and "
     "\"tty\" do",
     AnyPasses, kTioclinux},
    {"ioctl-any", v1::WARNING,
     "each driver and file system has requests of its own behind this one call (ioctl(2))",
     "allow ioctl for the requests that the job needs, with any_of", AllPass, kAnyIoctl},
    {"set-id-bits", v1::WARNING,
     "a file with a set-id bit in a writable bind makes others run it with the job's id on the "
     "host (chmod(2); RestrictSUIDSGID= in systemd.exec(5) lists the same calls)",
     "allow the groups \"cpath\" and \"fattr\", which look at the mode", AnyPasses, kSetId},
    {"openat2-unseen", v1::WARNING,
     "the flags and the mode of openat2 lie in memory, so it does what open and openat may not "
     "(openat2(2))",
     "leave openat2 out: programs fall back to openat for ENOSYS", AnyPasses, kOpenat2},
    {"trace-others", v1::WARNING,
     "one process of the job may rewrite another, and ptrace had escalations of its own "
     "(CVE-2019-13272)",
     "leave these calls out unless the job is a debugger", AnyPasses, kTrace},
    {"core-limit", v1::WARNING,
     "a job that lowers its RLIMIT_CORE from 1 to 0 and crashes makes the kernel start the program "
     "of kernel.core_pattern, as the host's root (core(5); CVE-2025-4598 is one of such a program)",
     "allow the group \"limits\", or list the resources that are meant with any_of", AnyPasses,
     kCoreLimit},
    {"keyrings", v1::DANGER,
     "keyrings are shared with all that has the same id, and their code had escalations "
     "(keyrings(7), CVE-2016-0728)",
     "leave these calls out, or put the group \"keys\" into `kill`", AnyPasses, kKeys},
    {"bpf", v1::DANGER, "programs in the kernel were the way to root often (CVE-2021-3490)",
     "leave the call out, or put the group \"kernel\" into `kill`", AnyPasses, kBpf},
    {"perf-events", v1::DANGER,
     "it measures the machine, other jobs included, and had escalations (CVE-2013-2094)",
     "leave the call out, or put the group \"kernel\" into `kill`", AnyPasses, kPerf},
    {"userfaultfd", v1::DANGER,
     "it stops the kernel in the middle of a copy, which makes races easy to win, and it once "
     "wrote "
     "to files that could only be read (userfaultfd(2), CVE-2018-18397)",
     "leave the call out, or put the group \"kernel\" into `kill`", AnyPasses, kUserfaultfd},
    {"io-uring", v1::DANGER,
     "its requests are system calls that no filter sees, and it had many escalations "
     "(CVE-2022-29582, CVE-2023-2598)",
     "leave these calls out: libraries take ENOSYS for an answer", AnyPasses, kIoUring},
    {"kernel-administration", v1::DANGER,
     "these calls administer the machine and belong to no job (capabilities(7) names each)",
     "leave them out, or put the group \"kernel\" into `kill`", AnyPasses, kAdmin},
    {"socket-vsock", v1::DANGER,
     "AF_VSOCK reaches the hypervisor past every network namespace, and it had an escalation of "
     "its "
     "own (vsock(7), CVE-2021-26708)",
     "compare the family, argument 0, with those that the job needs", AnyPasses, kVsock},
    {"socket-alg", v1::DANGER,
     "AF_ALG loads and runs the kernel's ciphers, a large and rarely used surface: asking for the "
     "wrong one crashed the kernel (CVE-2016-10147)",
     "compare the family, argument 0, with those that the job needs", AnyPasses, kAlg},
    {"socket-netlink", v1::WARNING,
     "AF_NETLINK is the way to the packet filter and its bugs (netlink(7), CVE-2023-32233)",
     "compare the family, argument 0, with those that the job needs", AnyPasses, kNetlink},
    {"socket-packet", v1::DANGER,
     "AF_PACKET had escalations of its own (packet(7), CVE-2017-7308, CVE-2020-14386)",
     "compare the family, argument 0, with those that the job needs", AnyPasses, kPacket},
    {"socket-family", v1::WARNING,
     "rare families are loaded on demand and little tested (CVE-2010-3904 in RDS, CVE-2021-43267 "
     "in TIPC)",
     "compare the family, argument 0, with AF_UNIX, AF_INET or AF_INET6", AnyPasses, kRareFamily},
    {"inet-without-network", v1::NOTE,
     "the job's own network has nothing up, so such a socket leads nowhere (network_namespaces(7))",
     "leave the group \"inet\" out, or set network.mode to LOOPBACK", InetWithoutNetwork, kInet},
    {"host-abstract-sockets", v1::DANGER,
     "with the host's network come the host's abstract sockets, where daemons listen "
     "(CVE-2020-15257)",
     "leave network.enforcement as it is, or make no AF_UNIX sockets", HostAbstractSockets, kUnix},
    {"personality", v1::WARNING,
     "the job may turn off random addresses, or make all that it reads executable "
     "(personality(2))",
     "allow the group \"self\", which allows asking only", AnyPasses, kPersonality},
    {"write-execute", v1::NOTE,
     "memory that is written and executed turns a bug of the program into foreign code "
     "(mprotect(2)); compilers at run time need it",
     "compare argument 2 with masked_equals, unless the job's code is not trusted anyway",
     AnyPasses, kWriteExecute},
    {"executable-memory-file", v1::NOTE,
     "no place that the job can write to is executable, but a file in memory is (memfd_create(2))",
     "allow memfd_create with MFD_NOEXEC_SEAL only, or leave the group \"tmpfile\" out",
     MemoryFiles, kMemoryFiles},
    {"default-allows", v1::DANGER,
     "a list of what is forbidden is never complete: the newer mount calls were not on others' "
     "(CVE-2021-41133)",
     "set default_action to ERRNO and name groups in `allow`", DefaultAllows},
    {"default-errno", v1::WARNING,
     "programs take ENOSYS for \"use the older call\" and other answers for a failure; EPERM for "
     "unknown calls broke new C libraries in old containers (faccessat2 in glibc 2.33)",
     "set default_errno to ENOSYS, and name the calls that are to fail in other ways",
     DefaultErrno},
    {"nothing-kills", v1::NOTE,
     "an attempt at a forbidden call fails quietly and never becomes SYSCALL_VIOLATION "
     "(seccomp(2))",
     "put the group \"dangerous\" into `kill`", NothingKills},
    {"log-action", v1::NOTE,
     "LOG is ALLOW with a line in the log, which is for finding out what a program needs "
     "(seccomp(2))",
     "decide for ALLOW, ERRNO or KILL; NOTIFY lists calls, too, and lets none pass", LogsOnly},
    {"rule-without-effect", v1::NOTE,
     "without this rule the filter decides every call in the same way: perhaps it was meant to do "
     "more (the decision is exact, see policy/bpf/prove.h)",
     "take it out, or check its calls and conditions", RuleWithoutEffect},
};

}  // namespace

absl::Span<const Lint> CallLints() { return kLints; }

}  // namespace cordon
