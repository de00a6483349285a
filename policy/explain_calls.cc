// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_calls.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/bpf/rules.h"
#include "policy/bpf/syscall_groups.h"
#include "policy/bpf/syscall_table.h"
#include "policy/explain_section.h"

namespace cordon {
namespace {

constexpr size_t kCallsShown = 3;

std::string Shown(absl::string_view text) { return EscapeForPeople(text); }

// "first argument"; conditions count from 0, people from one.
absl::string_view Argument(uint32_t index) {
  constexpr absl::string_view kNames[] = {"first argument",  "second argument", "third argument",
                                          "fourth argument", "fifth argument",  "sixth argument"};
  return index < std::size(kNames) ? kNames[index] : "argument";
}

std::string ConditionText(const v1::Condition& condition) {
  const std::string arg = absl::StrCat("the ", Argument(condition.arg()), " ");
  switch (condition.comparison_case()) {
    case v1::Condition::kEquals:
      return absl::StrCat(arg, "is ", Shown(condition.equals()));
    case v1::Condition::kNotEquals:
      return absl::StrCat(arg, "is not ", Shown(condition.not_equals()));
    case v1::Condition::kLessThan:
      return absl::StrCat(arg, "is below ", Shown(condition.less_than()));
    case v1::Condition::kAtMost:
      return absl::StrCat(arg, "is at most ", Shown(condition.at_most()));
    case v1::Condition::kGreaterThan:
      return absl::StrCat(arg, "is above ", Shown(condition.greater_than()));
    case v1::Condition::kAtLeast:
      return absl::StrCat(arg, "is at least ", Shown(condition.at_least()));
    case v1::Condition::kMaskedEquals:
      if (condition.masked_equals().value() == "0") {
        return absl::StrCat(arg, "has none of ", Shown(condition.masked_equals().mask()));
      }
      return absl::StrCat(arg, "has of ", Shown(condition.masked_equals().mask()), " just ",
                          Shown(condition.masked_equals().value()));
    case v1::Condition::kAnyOf: {
      std::vector<std::string> values;
      for (const std::string& value : condition.any_of().value()) values.push_back(Shown(value));
      return absl::StrCat(arg, "is one of ", absl::StrJoin(values, ", "));
    }
    default:
      return "";
  }
}

std::string OutcomeText(v1::Seccomp::Action action, absl::string_view errno_name) {
  switch (action) {
    case v1::Seccomp::ALLOW:
      return "allowed";
    case v1::Seccomp::LOG:
      return "allowed and logged";
    case v1::Seccomp::NOTIFY:
      return absl::StrCat("fails with ", Shown(errno_name), ", and the report lists each try");
    case v1::Seccomp::ERRNO:
      return absl::StrCat("fails with ", Shown(errno_name));
    default:
      return "ends the job";
  }
}

v1::Verdict VerdictOf(v1::Seccomp::Action action) {
  return action == v1::Seccomp::KILL ? v1::SYSCALL_VIOLATION : v1::VERDICT_UNSPECIFIED;
}

std::string RuleText(const v1::Rule& rule) {
  std::vector<std::string> conditions;
  for (const v1::Condition& condition : rule.when()) conditions.push_back(ConditionText(condition));
  std::string text =
      OutcomeText(rule.action(), rule.errno_name().empty() ? "EPERM" : rule.errno_name());
  if (!conditions.empty()) absl::StrAppend(&text, " when ", absl::StrJoin(conditions, " and "));
  return text;
}

// What the group's calls do; a group that consists of others says what each of them does.
std::string GroupText(const SyscallGroup& group) {
  if (!group.entries.empty()) return std::string(group.summary);
  std::vector<absl::string_view> parts;
  for (const SyscallGroup& other : SyscallGroups()) {
    const auto& names = group.includes;
    if (std::find(names.begin(), names.end(), other.name) != names.end()) {
      parts.push_back(other.summary);
    }
  }
  return absl::StrJoin(parts, "; ");
}

using Names = std::set<absl::string_view>;

// The calls of the group in its own order, the telling ones first. Left out: calls that a rule
// takes out of their groups, and those that the architecture does not have.
void CollectCalls(const SyscallGroup& group, const Names& ruled, const Names& present,
                  std::vector<absl::string_view>* calls) {
  for (const GroupEntry& entry : group.entries) {
    for (absl::string_view call : absl::StrSplit(entry.calls, ' ', absl::SkipEmpty())) {
      if (ruled.count(call) > 0 || present.count(call) == 0) continue;
      if (std::find(calls->begin(), calls->end(), call) == calls->end()) calls->push_back(call);
    }
  }
  for (absl::string_view part : group.includes) {
    const absl::StatusOr<const SyscallGroup*> other = FindGroup(part);
    if (other.ok()) CollectCalls(**other, ruled, present, calls);
  }
}

// " (read, write, readv and 37 more)".
std::string CallsOf(const SyscallGroup& group, const v1::Seccomp& policy,
                    const v1::SeccompRules& rules) {
  Names ruled;
  Names present;
  for (const v1::Rule& rule : policy.rule()) ruled.insert(rule.calls().begin(), rule.calls().end());
  for (const v1::SyscallRule& rule : rules.rule()) present.insert(rule.call());
  std::vector<absl::string_view> calls;
  CollectCalls(group, ruled, present, &calls);
  if (calls.empty()) return "";
  const size_t shown =
      calls.size() == kCallsShown + 1 ? calls.size() : std::min(calls.size(), kCallsShown);
  std::string text = absl::StrCat(
      " (", absl::StrJoin(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < calls.size()) absl::StrAppend(&text, " and ", calls.size() - shown, " more");
  return absl::StrCat(text, ")");
}

// In the order of risk, whatever the order of the policy.
void Groups(const v1::Seccomp& policy, v1::Seccomp::Action action, const v1::SeccompRules& rules,
            SectionWriter* writer) {
  const bool kill = action == v1::Seccomp::KILL;
  const auto& names = kill ? policy.kill() : policy.allow();
  for (const SyscallGroup& group : SyscallGroups()) {
    const auto found = std::find(names.begin(), names.end(), group.name);
    if (found == names.end()) continue;
    const std::string field = IndexedField(kill ? "seccomp.kill" : "seccomp.allow",
                                           static_cast<size_t>(found - names.begin()));
    writer->Row(group.name,
                absl::StrCat(kill ? "ends the job that tries: " : "", GroupText(group),
                             CallsOf(group, policy, rules)),
                field, VerdictOf(action));
  }
}

void Rules(const v1::Seccomp& policy, SectionWriter* writer) {
  for (int i = 0; i < policy.rule_size(); ++i) {
    const v1::Rule& rule = policy.rule(i);
    const std::string field = IndexedField("seccomp.rule", static_cast<size_t>(i));
    std::vector<std::string> calls;
    for (const std::string& call : rule.calls()) calls.push_back(Shown(call));
    if (calls.size() == 1) {
      writer->Row(calls.front(), RuleText(rule), field, VerdictOf(rule.action()));
    } else {
      writer->Row("several", absl::StrCat(RuleText(rule), ": ", absl::StrJoin(calls, " ")), field,
                  VerdictOf(rule.action()));
    }
  }
}

std::string RestText(const v1::SeccompAction& rest) {
  std::string text = OutcomeText(rest.action(), ErrnoName(static_cast<int>(rest.errno_value())));
  if (rest.action() == v1::Seccomp::ERRNO &&
      ErrnoName(static_cast<int>(rest.errno_value())) == "ENOSYS") {
    absl::StrAppend(&text, ": \"no such call\", and programs use an older one");
  }
  return text;
}

bool Kills(const v1::SeccompRules& rules) {
  const auto kills = [](const v1::SeccompAction& action) {
    return action.action() == v1::Seccomp::KILL;
  };
  return kills(rules.default_action()) ||
         std::any_of(rules.rule().begin(), rules.rule().end(),
                     [&](const v1::SyscallRule& rule) { return kills(rule.action()); });
}

std::string EvidenceText(v1::Seccomp::KillEvidence wanted, const v1::SeccompPlan& plan) {
  if (plan.named_kill()) {
    return "of a call that ends the job the report has name, arguments and thread; all processes "
           "of the job end";
  }
  return absl::StrCat(
      "a call that ends the job ends the process that makes it, and the report ",
      "cannot say which call it was",
      wanted == v1::Seccomp::KERNEL ? "" : absl::StrCat(": ", Shown(plan.kill_evidence_why())));
}

}  // namespace

void ExplainCalls(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation) {
  const v1::SeccompPlan& seccomp = plan.seccomp();
  SectionWriter writer(policy, "calls", "seccomp", "System calls", explanation);
  if (seccomp.enforcement() == v1::OFF) {
    writer.Row("all", "OFF: NOT FILTERED: the job may ask the kernel for anything",
               "seccomp.enforcement");
    return;
  }
  writer.Introduce(absl::StrCat(
      "Whatever a program wants of the kernel it asks for by a system call. The kernel compares "
      "each one with this list before it does anything. ",
      seccomp.allowed_calls(), " calls can be allowed", WhereTheHostCan(seccomp.enforcement()),
      "; a group's name stands for its calls. The verdict in brackets is the report's."));
  if (!seccomp.enabled()) {
    writer.Row("this host", "NOT FILTERED: its kernel cannot", "seccomp.enforcement");
  }
  const v1::Seccomp& fields = policy.proto().seccomp();
  Groups(fields, v1::Seccomp::ALLOW, seccomp.rules(), &writer);
  Groups(fields, v1::Seccomp::KILL, seccomp.rules(), &writer);
  Rules(fields, &writer);
  const v1::SeccompAction& rest = seccomp.rules().default_action();
  writer.Row("all others", RestText(rest), "seccomp.default_action", VerdictOf(rest.action()));
  if (Kills(seccomp.rules())) {
    writer.Row("violations", EvidenceText(fields.kill_evidence(), seccomp),
               "seccomp.kill_evidence");
  }
  if (seccomp.rules().unknown_from() != 0) {
    writer.Row("newer calls",
               absl::StrCat("fail with ENOSYS: those that Linux ", TableKernel(),
                            " does not have; programs use an older one"),
               "");
  }
  writer.Row("other ABIs", "ends the job: calls in the ways of 32-bit and x32 programs", "",
             v1::SYSCALL_VIOLATION);
}

}  // namespace cordon
