// SPDX-License-Identifier: Apache-2.0
// Builds the list of rules call by call: explicit rules first, then groups for the calls that no
// rule names, then overlaps are refused and redundant rules dropped.
#include "policy/bpf/rules.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/bpf/condition.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/relation.h"
#include "policy/bpf/syscall_groups.h"

namespace cordon {
namespace {

// Ceilings against policies that would take long to compile; the shipped profiles need half of
// them. libseccomp takes exponential time for many comparisons of one call that look at different
// arguments, and cubic time in the comparisons of all calls.
constexpr size_t kMaxRulesPerCall = 512;
constexpr size_t kMaxMixedRulesPerCall = 32;
constexpr size_t kMaxComparisons = 600;
constexpr size_t kMaxRules = 2048;

// A real errno: the kernel takes 12 bits, and larger values than this are not errors to a libc.
constexpr int kMaxErrno = 4095;

using Alternatives = std::vector<v1::ArgCompare>;

// Fields of the policy that an error about one call may name.
struct Place {
  std::string rule;  // the rule or group
  std::string call;  // the name of the call in it
};

bool SameAction(const v1::SyscallRule& a, const v1::SyscallRule& b) {
  return a.action().action() == b.action().action() &&
         a.action().errno_value() == b.action().errno_value();
}

bool Refuses(const v1::SeccompAction& action) {
  return action.action() != v1::Seccomp::ALLOW && action.action() != v1::Seccomp::LOG;
}

class RuleBuilder {
 public:
  explicit RuleBuilder(Architecture architecture) : architecture_(architecture) {}

  absl::StatusOr<v1::SeccompRules> Build(const v1::Seccomp& policy);

 private:
  void AddRule(const v1::Rule& rule, const std::string& field);
  void AddGroup(absl::string_view name, v1::Seccomp::Action action, const std::string& field);
  void AddEntry(const GroupEntry& entry, v1::Seccomp::Action action, const std::string& field);
  void AddCall(absl::string_view call,
               const google::protobuf::RepeatedPtrField<v1::Condition>& when,
               const v1::SeccompAction& action, const Place& place);
  void AddClone3();
  void Emit(const v1::SyscallRule& rule);
  bool CheckSize(const std::vector<v1::SyscallRule>& rules);
  void RefuseOverlaps(const std::vector<v1::SyscallRule>& rules);
  v1::SeccompAction Action(v1::Seccomp::Action action, absl::string_view errno_name,
                           absl::string_view default_errno, const std::string& field);
  void Fail(const absl::Status& status, const std::string& field);

  const Architecture architecture_;
  v1::SeccompRules result_;
  std::map<uint32_t, std::vector<v1::SyscallRule>> by_number_;
  std::set<std::string, std::less<>> named_;  // calls of explicit rules
  size_t count_ = 0;                          // rules, those of every kind
  size_t comparisons_ = 0;                    // of all calls whose size was checked
  std::vector<v1::ErrorDetail> errors_;
};

void RuleBuilder::Fail(const absl::Status& status, const std::string& field) {
  for (v1::ErrorDetail& detail : DetailsOf(status)) {
    if (detail.policy_field().empty()) detail.set_policy_field(field);
    errors_.push_back(std::move(detail));
  }
}

v1::SeccompAction RuleBuilder::Action(v1::Seccomp::Action action, absl::string_view errno_name,
                                      absl::string_view default_errno, const std::string& field) {
  v1::SeccompAction result;
  result.set_action(action);
  if (action == v1::Seccomp::ACTION_UNSPECIFIED) {
    Fail(Error(absl::StatusCode::kInvalidArgument, "the rule has no action"), field + ".action");
  }
  if (action != v1::Seccomp::ERRNO && action != v1::Seccomp::NOTIFY) return result;
  const absl::string_view name = errno_name.empty() ? default_errno : errno_name;
  const int value = ErrnoValue(name);
  if (value <= 0 || value > kMaxErrno) {
    Fail(Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(name), "\" is not the name of an errno")),
         field);
    return result;
  }
  result.set_errno_value(static_cast<uint32_t>(value));
  return result;
}

void RuleBuilder::Emit(const v1::SyscallRule& rule) {
  std::vector<v1::SyscallRule>& rules = by_number_[rule.number()];
  for (const v1::SyscallRule& other : rules) {
    if (SameAction(rule, other) && Implies(rule, other)) return;
  }
  const auto redundant = [&](const v1::SyscallRule& other) {
    return SameAction(rule, other) && Implies(other, rule);
  };
  rules.erase(std::remove_if(rules.begin(), rules.end(), redundant), rules.end());
  rules.push_back(rule);
  ++count_;
}

void RuleBuilder::AddCall(absl::string_view call,
                          const google::protobuf::RepeatedPtrField<v1::Condition>& when,
                          const v1::SeccompAction& action, const Place& place) {
  const absl::StatusOr<absl::optional<uint32_t>> number = FindSyscall(call, architecture_);
  if (!number.ok()) return Fail(number.status(), place.call);
  if (!number->has_value()) return;
  v1::SyscallRule base;
  base.set_call(std::string(call));
  base.set_number(**number);
  base.set_field(place.rule);
  *base.mutable_action() = action;
  std::vector<v1::SyscallRule> product = {base};
  std::set<uint32_t> used;
  for (int i = 0; i < when.size(); ++i) {
    const std::string condition = absl::StrCat(place.rule, ".when[", i, "]");
    if (!used.insert(when[i].arg()).second) {
      return Fail(Error(absl::StatusCode::kInvalidArgument,
                        absl::StrCat("two conditions on argument ", when[i].arg(), " in one rule"))
                      .Hint("merge them into one, or write two rules with the same action"),
                  condition);
    }
    const absl::StatusOr<Alternatives> alternatives = LowerCondition(call, when[i], architecture_);
    if (!alternatives.ok()) return Fail(alternatives.status(), condition);
    if (product.size() * alternatives->size() > kMaxRulesPerCall) {
      return Fail(Error(absl::StatusCode::kInvalidArgument,
                        absl::StrCat("the conditions need more than ", kMaxRulesPerCall,
                                     " comparisons of the filter")),
                  condition);
    }
    std::vector<v1::SyscallRule> next;
    for (const v1::SyscallRule& rule : product) {
      for (const v1::ArgCompare& compare : *alternatives) {
        next.push_back(rule);
        *next.back().add_when() = compare;
      }
    }
    product = std::move(next);
  }
  for (const v1::SyscallRule& rule : product) Emit(rule);
}

void RuleBuilder::AddRule(const v1::Rule& rule, const std::string& field) {
  const v1::SeccompAction action = Action(rule.action(), rule.errno_name(), "EPERM", field);
  for (int i = 0; i < rule.calls_size(); ++i) {
    AddCall(rule.calls(i), rule.when(), action, {field, absl::StrCat(field, ".calls[", i, "]")});
  }
}

void RuleBuilder::AddEntry(const GroupEntry& entry, v1::Seccomp::Action action,
                           const std::string& field) {
  const absl::StatusOr<std::vector<v1::Condition>> conditions = ParseConditions(entry.when);
  if (!conditions.ok()) return Fail(conditions.status(), field);
  const google::protobuf::RepeatedPtrField<v1::Condition> when(conditions->begin(),
                                                               conditions->end());
  v1::SeccompAction value;
  value.set_action(action);
  for (absl::string_view call : absl::StrSplit(entry.calls, ' ', absl::SkipEmpty())) {
    if (named_.find(call) == named_.end()) AddCall(call, when, value, {field, field});
  }
}

void RuleBuilder::AddGroup(absl::string_view name, v1::Seccomp::Action action,
                           const std::string& field) {
  const absl::StatusOr<const SyscallGroup*> group = FindGroup(name);
  if (!group.ok()) return Fail(group.status(), field);
  for (const GroupEntry& entry : (*group)->entries) AddEntry(entry, action, field);
  for (absl::string_view part : (*group)->includes) AddGroup(part, action, field);
}

void RuleBuilder::AddClone3() {
  const absl::StatusOr<absl::optional<uint32_t>> number = FindSyscall("clone3", architecture_);
  if (!number.ok() || !number->has_value() || by_number_.count(**number) != 0) return;
  v1::SyscallRule rule;
  rule.set_call("clone3");
  rule.set_number(**number);
  rule.mutable_action()->set_action(v1::Seccomp::ERRNO);
  rule.mutable_action()->set_errno_value(static_cast<uint32_t>(ErrnoValue("ENOSYS")));
  rule.set_field("seccomp");
  Emit(rule);
}

bool RuleBuilder::CheckSize(const std::vector<v1::SyscallRule>& rules) {
  std::set<std::set<uint32_t>> argument_sets;
  for (const v1::SyscallRule& rule : rules) {
    std::set<uint32_t> arguments;
    for (const v1::ArgCompare& compare : rule.when()) arguments.insert(compare.arg());
    argument_sets.insert(std::move(arguments));
  }
  const size_t most = argument_sets.size() > 1 ? kMaxMixedRulesPerCall : kMaxRulesPerCall;
  for (const v1::SyscallRule& rule : rules) comparisons_ += static_cast<size_t>(rule.when_size());
  if (rules.size() <= most && comparisons_ <= kMaxComparisons && count_ <= kMaxRules) return true;
  Fail(Error(absl::StatusCode::kInvalidArgument,
             absl::StrCat(
                 "the conditions on ", rules.front().call(), " need ", rules.size(),
                 " comparisons; at most ", most, " for one call",
                 most == kMaxMixedRulesPerCall ? " whose rules look at different arguments" : "",
                 " and ", kMaxComparisons, " in all"))
           .Hint("not_equals and orders need up to 64 each: list the values that are meant, or "
                 "look at the same arguments in every rule"),
       rules.front().field());
  return false;
}

void RuleBuilder::RefuseOverlaps(const std::vector<v1::SyscallRule>& rules) {
  std::set<std::pair<std::string, std::string>> told;
  for (size_t i = 0; i < rules.size(); ++i) {
    for (size_t j = i + 1; j < rules.size(); ++j) {
      const v1::SyscallRule& a = rules[i];
      const v1::SyscallRule& b = rules[j];
      if (SameAction(a, b) || ProvablyDisjoint(a, b)) continue;
      if (!told.insert({a.field(), b.field()}).second) continue;
      Fail(Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(a.field(), " (", ActionText(a.action()), ") and ", b.field(), " (",
                              ActionText(b.action()), ") both decide about ", a.call(),
                              " and may hold for the same call"))
               .Hint("give them conditions on one argument that exclude each other, or name the "
                     "call in a rule, which takes it out of its groups"),
           b.field());
    }
  }
}

absl::StatusOr<v1::SeccompRules> RuleBuilder::Build(const v1::Seccomp& policy) {
  const v1::Seccomp::Action default_action =
      policy.default_action() == v1::Seccomp::ACTION_UNSPECIFIED ? v1::Seccomp::ERRNO
                                                                 : policy.default_action();
  *result_.mutable_default_action() =
      Action(default_action, policy.default_errno(), "ENOSYS", "seccomp.default_errno");
  for (const v1::Rule& rule : policy.rule()) {
    named_.insert(rule.calls().begin(), rule.calls().end());
  }
  for (int i = 0; i < policy.rule_size() && count_ <= kMaxRules; ++i) {
    AddRule(policy.rule(i), absl::StrCat("seccomp.rule[", i, "]"));
  }
  for (int i = 0; i < policy.allow_size() && count_ <= kMaxRules; ++i) {
    AddGroup(policy.allow(i), v1::Seccomp::ALLOW, absl::StrCat("seccomp.allow[", i, "]"));
  }
  for (int i = 0; i < policy.kill_size() && count_ <= kMaxRules; ++i) {
    AddGroup(policy.kill(i), v1::Seccomp::KILL, absl::StrCat("seccomp.kill[", i, "]"));
  }
  AddClone3();
  if (Refuses(result_.default_action())) {
    result_.set_unknown_from(FirstUnknownNumber(architecture_));
  }
  for (auto& [number, rules] : by_number_) {
    if (!CheckSize(rules)) break;
    RefuseOverlaps(rules);
    std::stable_partition(rules.begin(), rules.end(),
                          [](const v1::SyscallRule& rule) { return rule.when_size() > 0; });
    for (v1::SyscallRule& rule : rules) *result_.add_rule() = std::move(rule);
  }
  if (!errors_.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors_);
  return std::move(result_);
}

}  // namespace

std::string ActionText(const v1::SeccompAction& action) {
  const std::string& name = v1::Seccomp::Action_Name(action.action());
  if (action.action() != v1::Seccomp::ERRNO && action.action() != v1::Seccomp::NOTIFY) return name;
  return absl::StrCat(name, " ", ErrnoName(static_cast<int>(action.errno_value())));
}

absl::StatusOr<v1::SeccompRules> BuildRules(const v1::Seccomp& policy, Architecture architecture) {
  return RuleBuilder(architecture).Build(policy);
}

}  // namespace cordon
