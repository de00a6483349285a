// SPDX-License-Identifier: Apache-2.0
// seccomp: the payload's filter is loaded last before exec, so it cannot be read back at the gate.
// The twin loads it too: status(5) counts it, and calls whose answer the filter decides show that
// it is the one of the plan. That it means its rules was proven when it was compiled.
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/bpf/evaluate.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

using Args = std::vector<uint64_t>;

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr int kFaultSignal = 4;  // SIGILL
#else
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr int kFaultSignal = 5;  // SIGTRAP
#endif
constexpr int kExited = 1;  // CLD_EXITED
constexpr int kKilled = 2;  // CLD_KILLED
constexpr int kDumped = 3;  // CLD_DUMPED
constexpr int kSigsys = 31;
constexpr uint64_t kNone = ~uint64_t{0};
constexpr uint64_t kNoPid = 0x7ffffffe;
constexpr size_t kDeniedWanted = 4;
constexpr size_t kAllowedWanted = 2;

struct Call {
  const char* name;
  uint32_t number;
  Args args;
};

// Calls that change nothing whatever the kernel answers, and whose answer without a filter is
// mostly another one than a filter's.
const std::vector<Call>& MostlyDenied() {
  static const auto* const kCalls = new std::vector<Call>{
      {"setns", __NR_setns, {kNone, 0}},                                       // EBADF
      {"ptrace", __NR_ptrace, {3, kNoPid, 0, 0}},                              // ESRCH
      {"unshare", __NR_unshare, {0}},                                          // 0
      {"personality", __NR_personality, {0xffffffff}},                         // the present one
      {"kcmp", __NR_kcmp, {kNoPid, kNoPid, 0, 0, 0}},                          // ESRCH
      {"keyctl", __NR_keyctl, {0xffffffff}},                                   // EOPNOTSUPP
      {"pidfd_getfd", __NR_pidfd_getfd, {kNone, 0, 0}},                        // EBADF
      {"io_uring_setup", __NR_io_uring_setup, {0, 0}},                         // EFAULT
      {"name_to_handle_at", __NR_name_to_handle_at, {kNone, 0, 0, 0, kNone}},  // EINVAL
      {"inotify_add_watch", __NR_inotify_add_watch, {kNone, 0, 0}},            // EINVAL
      {"getsid", __NR_getsid, {kNoPid}},                                       // ESRCH
      {"sched_getscheduler", __NR_sched_getscheduler, {kNoPid}},               // ESRCH
  };
  return *kCalls;
}

const std::vector<Call>& MostlyAllowed() {
  static const auto* const kCalls = new std::vector<Call>{
      {"getpid", __NR_getpid, {}},        {"read", __NR_read, {kNone, 0, 0}},
      {"close", __NR_close, {kNone}},     {"brk", __NR_brk, {0}},
      {"execve", __NR_execve, {0, 0, 0}},
  };
  return *kCalls;
}

// What the filter of the plan answers; nullopt when it is no filter.
std::optional<uint32_t> Decide(const BpfProgram& filter, const Call& call) {
  CallSample sample;
  sample.number = call.number;
  sample.architecture = kArchitecture;
  for (size_t i = 0; i < call.args.size(); ++i) sample.args[i] = call.args[i];
  return Evaluate(filter, sample);
}

bool Refuses(uint32_t answer) { return (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO; }

// Kernel: without a listener, as in the twin, such a call fails with ENOSYS.
bool Asks(uint32_t answer) { return answer == SECCOMP_RET_USER_NOTIF; }

bool Kills(uint32_t answer) {
  const uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD;
}

// The write(2) that a payload makes to wait with (child/listener.cc) passes, whatever number its
// descriptor has. Rules tell one address from another only by whether it is 0.
bool MayWaitInWrite(const v1::SeccompPlan& plan) {
  const absl::StatusOr<BpfProgram> filter = BpfProgram::Make(plan.filter());
  if (!filter.ok()) return false;
  for (uint64_t fd = child::kFdControl; fd < child::kMostInitFds; ++fd) {
    const Call call = {"write", __NR_write, {fd, 0x7fff0000, sizeof(uint64_t)}};
    if (Decide(*filter, call) != SECCOMP_RET_ALLOW) return false;
  }
  return true;
}

struct Chosen {
  std::string name;
  Call call;
  uint32_t answer;
};

// Errors rather than kills: a kill is written to the host's log on every start.
struct Choice {
  std::vector<Chosen> refused;
  std::vector<Chosen> allowed;
  std::vector<Chosen> killed;  // at most one, made last; only when nothing is refused
  bool exits = false;
};

Choice Choose(const v1::SeccompPlan& plan) {
  Choice choice;
  choice.exits = true;
  if (!plan.enabled()) return choice;
  const absl::StatusOr<BpfProgram> filter = BpfProgram::Make(plan.filter());
  if (!filter.ok()) return choice;  // seccomp(2) will refuse it as well
  std::vector<Chosen> asked;
  std::vector<Chosen> kills;
  for (const Call& call : MostlyDenied()) {
    const uint32_t answer = Decide(*filter, call).value_or(0);
    const Chosen chosen = {absl::StrCat("seccomp.", call.name), call, answer};
    if (Refuses(answer) && choice.refused.size() < kDeniedWanted) choice.refused.push_back(chosen);
    if (Asks(answer) && asked.size() < kDeniedWanted) asked.push_back(chosen);
    if (Kills(answer)) kills.push_back(chosen);
  }
  for (const Call& call : MostlyAllowed()) {
    const uint32_t answer = Decide(*filter, call).value_or(0);
    if (answer != SECCOMP_RET_ALLOW || choice.allowed.size() >= kAllowedWanted) continue;
    choice.allowed.push_back({absl::StrCat("seccomp.", call.name), call, answer});
  }
  if (choice.refused.empty()) choice.refused = std::move(asked);
  if (choice.refused.empty() && !kills.empty()) choice.killed.push_back(kills.front());
  choice.exits = Decide(*filter, {"exit_group", __NR_exit_group, {0}}) == SECCOMP_RET_ALLOW;
  return choice;
}

int64_t Wanted(const Chosen& chosen) {
  if (Asks(chosen.answer)) return -ENOSYS;
  return -static_cast<int64_t>(chosen.answer & SECCOMP_RET_DATA);
}

absl::Status CheckEnd(const VerifyInput& input, const Choice& choice) {
  const int code = input.twin.end_code;
  const int status = input.twin.end_status;
  const bool died = code == kKilled || code == kDumped;
  const std::string found = absl::StrCat(died ? "signal " : "exit ", status);
  if (!choice.killed.empty()) {
    if (died && status == kSigsys) return absl::OkStatus();
    return Mismatch("seccomp", absl::StrCat(choice.killed[0].name, " by the twin"),
                    absl::StrCat("signal ", kSigsys), found);
  }
  if (choice.exits ? code == kExited && status == 0 : died && status == kFaultSignal) {
    return absl::OkStatus();
  }
  return Mismatch("seccomp", "end of the twin under its filter",
                  choice.exits ? "exit 0" : absl::StrCat("signal ", kFaultSignal), found);
}

// The twin has one filter more than init, which has those that the supervisor was started under.
// Kernel: since 5.16 the mode is 3 once a filter has killed the process.
absl::Status CheckCount(const VerifyInput& input, bool killed) {
  const std::string mode = FieldOf(input.twin.dead, "Seccomp");
  if (mode != "2" && !(killed && mode == "3"))
    return Mismatch("seccomp", "Seccomp in status of the twin", "2", mode);
  const std::string before = FieldOf(input.back.status, "Seccomp_filters");
  const std::string after = FieldOf(input.twin.dead, "Seccomp_filters");
  uint32_t had = 0;
  if (!absl::SimpleAtoi(before, &had) || after != absl::StrCat(had + 1)) {
    return Mismatch("seccomp", "Seccomp_filters in status of the twin",
                    absl::StrCat("one more than ", before), after);
  }
  return absl::OkStatus();
}

}  // namespace

bool TwinMayExit(const v1::Plan& plan) { return Choose(plan.seccomp()).exits; }

bool ListensToFilter(const v1::Plan& plan) {
  return plan.seccomp().enabled() && (plan.seccomp().notify() || plan.seccomp().named_kill());
}

absl::Status LowerSeccomp(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (!input.plan.seccomp().enabled()) return absl::OkStatus();
  if (phase == Phase::kTwin) {
    const Choice choice = Choose(input.plan.seccomp());
    for (const auto* group : {&choice.refused, &choice.allowed}) {
      for (const Chosen& each : *group) {
        builder->AddProbe(each.name, MakeProbe(each.call.number, each.call.args,
                                               child::kProbeReleased | child::kProbeFiltered));
      }
    }
    for (const Chosen& each : choice.killed) {
      builder->AddProbe(each.name,
                        MakeProbe(each.call.number, each.call.args, child::kProbeFiltered));
    }
  }
  if (phase != Phase::kFilter) return absl::OkStatus();
  const std::string& filter = input.plan.seccomp().filter();
  const uint32_t offset = builder->Bytes(filter);
  child::Op& op =
      builder->Add(child::Opcode::kSeccompLoad,
                   {"seccomp", "seccomp", absl::StrCat(filter.size() / 8, " instructions")});
  op.data2 = offset;
  op.size2 = static_cast<uint32_t>(filter.size());
  if (!ListensToFilter(input.plan)) return absl::OkStatus();
  child::Op& await =
      builder->Add(child::Opcode::kAwaitListener, {"seccomp", "seccomp.rule", "listener"});
  if (MayWaitInWrite(input.plan.seccomp())) await.flags = child::kFlagMayWrite;
  return absl::OkStatus();
}

absl::Status VerifySeccomp(const VerifyInput& input) {
  const Choice choice = Choose(input.plan.seccomp());
  if (!input.plan.seccomp().enabled()) return CheckEnd(input, choice);
  CORDON_RETURN_IF_ERROR(CheckCount(input, !choice.killed.empty()));
  for (const Chosen& each : choice.refused) {
    const int64_t found = input.twin.Answer(each.name, child::kProbeFiltered);
    if (found == Wanted(each)) continue;
    return Mismatch("seccomp", absl::StrCat(each.name, " by the twin"), AnswerText(Wanted(each)),
                    AnswerText(found));
  }
  for (const Chosen& each : choice.allowed) {
    const int64_t before = input.twin.Answer(each.name, child::kProbeReleased);
    const int64_t found = input.twin.Answer(each.name, child::kProbeFiltered);
    if (found == before && found != kNoAnswer) continue;
    return Mismatch("seccomp", absl::StrCat(each.name, " by the twin"), AnswerText(before),
                    AnswerText(found));
  }
  return CheckEnd(input, choice);
}

// How violations are known; also where the policy would have them named and the host has not.
std::string SeccompDetail(const VerifyInput& input) {
  const v1::SeccompPlan& seccomp = input.plan.seccomp();
  if (!seccomp.enabled()) return "";
  if (seccomp.named_kill()) return "violations are named";
  if (seccomp.kill_evidence_why().empty()) return "";
  return absl::StrCat("violations are not named: ", seccomp.kill_evidence_why());
}

// A denied call that would have been answered otherwise, and an allowed one.
bool SeccompProbed(const VerifyInput& input) {
  const Choice choice = Choose(input.plan.seccomp());
  bool denied = !choice.killed.empty();
  for (const Chosen& each : choice.refused) {
    denied |= input.twin.Answer(each.name, child::kProbeReleased) != Wanted(each);
  }
  return denied && !choice.allowed.empty();
}

}  // namespace cordon
