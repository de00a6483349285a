// SPDX-License-Identifier: Apache-2.0
// The plan of layer seccomp: rules, filter, proof; in that order and never without the last.
#include "policy/layers/seccomp.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "policy/bpf/assemble.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/program.h"
#include "policy/bpf/prove.h"
#include "policy/bpf/rules.h"
#include "policy/layers/layer.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

bool Passes(uint32_t answer) { return answer == SECCOMP_RET_ALLOW || answer == SECCOMP_RET_LOG; }

constexpr absl::string_view kUserNotification = "user_notif";

absl::string_view KernelName(v1::Seccomp::Action action) {
  switch (action) {
    case v1::Seccomp::ERRNO:
      return "errno";
    case v1::Seccomp::LOG:
      return "log";
    case v1::Seccomp::ALLOW:
      return "allow";
    case v1::Seccomp::NOTIFY:
      return kUserNotification;
    default:
      return "kill_process";
  }
}

// Which action of the rules the kernel does not have; "" when it has all.
absl::string_view MissingAction(const v1::SeccompRules& rules, const v1::HostFacts& facts) {
  const auto& offered = facts.seccomp_actions();
  std::set<absl::string_view> needed = {"kill_process",
                                        KernelName(rules.default_action().action())};
  for (const v1::SyscallRule& rule : rules.rule()) {
    needed.insert(KernelName(rule.action().action()));
  }
  if (rules.unknown_from() != 0) needed.insert("errno");
  for (absl::string_view name : needed) {
    if (std::find(offered.begin(), offered.end(), name) == offered.end()) return name;
  }
  return "";
}

// The filter is loaded before the exec that starts the job: that exec, the report of its failure
// and the end of the process have to pass.
absl::Status CheckStart(const v1::SeccompRules& rules, Architecture architecture) {
  for (absl::string_view name : {"execve", "write", "exit_group"}) {
    CORDON_ASSIGN_OR_RETURN(const absl::optional<uint32_t> number, FindSyscall(name, architecture));
    CallSample call;
    call.architecture = AuditArchitecture(architecture);
    call.number = number.value_or(UINT32_MAX);
    const bool with_zeros = Passes(MeaningOf(rules, architecture, call));
    call.args.fill(UINT64_MAX);
    if (with_zeros && Passes(MeaningOf(rules, architecture, call))) continue;
    return static_cast<absl::Status>(
        Error(absl::StatusCode::kInvalidArgument,
              absl::StrCat("the filter does not allow ", name, ", without which no job can start"))
            .Field("seccomp.allow")
            .Hint("allow the groups \"stdio\" and \"exec\""));
  }
  return absl::OkStatus();
}

uint32_t CountAllowed(const v1::SeccompRules& rules) {
  std::set<uint32_t> numbers;
  for (const v1::SyscallRule& rule : rules.rule()) {
    if (Passes(ReturnValue(rule.action()))) numbers.insert(rule.number());
  }
  return static_cast<uint32_t>(numbers.size());
}

template <typename Predicate>
bool AnyAction(const v1::SeccompRules& rules, Predicate holds) {
  return holds(rules.default_action()) ||
         std::any_of(rules.rule().begin(), rules.rule().end(),
                     [&](const v1::SyscallRule& rule) { return holds(rule.action()); });
}

// Why calls that kill cannot be named on this host; "" when they can.
std::string NamingImpossible(const v1::HostFacts& facts) {
  const auto& offered = facts.seccomp_actions();
  if (std::find(offered.begin(), offered.end(), kUserNotification) == offered.end()) {
    return absl::StrCat("the kernel has no seccomp filters with the action ", kUserNotification);
  }
  return facts.no_seccomp_listener();
}

// Named or not is no question of meaning: the rules stay what they are, the filter is another one.
absl::Status ChooseEvidence(const NormalPolicy& policy, const v1::HostFacts& facts,
                            v1::SeccompPlan* plan) {
  const v1::Seccomp::KillEvidence wanted = policy.proto().seccomp().kill_evidence();
  const bool kills = AnyAction(plan->rules(), [](const v1::SeccompAction& action) {
    return action.action() == v1::Seccomp::KILL;
  });
  if (!kills || wanted == v1::Seccomp::KERNEL) return absl::OkStatus();
  const std::string impossible = NamingImpossible(facts);
  plan->set_named_kill(impossible.empty());
  if (impossible.empty()) return absl::OkStatus();
  if (wanted != v1::Seccomp::NAMED) {
    plan->set_kill_evidence_why(impossible);
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("calls that end the job cannot be named here: ", impossible))
      .Field("seccomp.kill_evidence")
      .Hint("NAMED_IF_AVAILABLE goes on without, and the report says so");
}

absl::Status Compile(const NormalPolicy& policy, const v1::HostFacts& facts,
                     v1::SeccompPlan* plan) {
  CORDON_ASSIGN_OR_RETURN(const Architecture architecture, ParseArchitecture(facts.architecture()));
  CORDON_ASSIGN_OR_RETURN(*plan->mutable_rules(),
                          BuildRules(policy.proto().seccomp(), architecture));
  CORDON_RETURN_IF_ERROR(CheckStart(plan->rules(), architecture));
  CORDON_RETURN_IF_ERROR(ChooseEvidence(policy, facts, plan));
  const v1::SeccompRules filter =
      plan->named_kill() ? WithNamedKills(plan->rules()) : plan->rules();
  if (plan->filter().empty()) {
    CORDON_ASSIGN_OR_RETURN(*plan->mutable_filter(), Assemble(filter, architecture));
  }
  CORDON_ASSIGN_OR_RETURN(const BpfProgram program, BpfProgram::Make(plan->filter()));
  CORDON_RETURN_IF_ERROR(ProveFilter(filter, program, architecture));
  plan->set_allowed_calls(CountAllowed(plan->rules()));
  plan->set_notify(AnyAction(plan->rules(), [](const v1::SeccompAction& action) {
    return action.action() == v1::Seccomp::NOTIFY;
  }));
  return absl::OkStatus();
}

}  // namespace

absl::Status CompileSeccomp(const NormalPolicy& policy, const v1::HostFacts& facts,
                            v1::Plan* plan) {
  v1::SeccompPlan& seccomp = *plan->mutable_seccomp();
  seccomp.set_enforcement(Resolve(policy.proto().seccomp().enforcement()));
  if (seccomp.enforcement() == v1::OFF) return absl::OkStatus();
  // A policy that cannot be compiled is an error even where the host could not load the filter.
  CORDON_RETURN_IF_ERROR(WithPlaces(policy, Compile(policy, facts, &seccomp)));
  const absl::string_view missing = MissingAction(seccomp.rules(), facts);
  seccomp.set_enabled(missing.empty());
  if (missing == kUserNotification) {
    // Also with IF_AVAILABLE: one rule that only lists must not cost the whole filter.
    return Error(absl::StatusCode::kFailedPrecondition,
                 "the kernel has no seccomp filters with the action user_notif, which NOTIFY needs")
        .Field("seccomp.rule")
        .Hint("write ERRNO in place of NOTIFY, or run on Linux 5.0 or newer");
  }
  if (missing.empty() || seccomp.enforcement() == v1::IF_AVAILABLE) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("the kernel has no seccomp filters with the action ", missing))
      .Hint("run on a kernel with CONFIG_SECCOMP_FILTER");
}

}  // namespace cordon
