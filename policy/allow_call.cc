// SPDX-License-Identifier: Apache-2.0
#include "policy/allow_call.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "google/protobuf/text_format.h"
#include "policy/addition_cost.h"
#include "policy/base/status.h"
#include "policy/bpf/call_words.h"
#include "policy/bpf/condition.h"
#include "policy/bpf/constants.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/rules.h"
#include "policy/bpf/syscall_groups.h"
#include "policy/bpf/syscall_table.h"
#include "policy/merge.h"
#include "policy/parse.h"

namespace cordon {
namespace {

constexpr absl::string_view kName = "allowance";

// Calls that are many calls: what this argument says decides what the others mean.
struct Selector {
  absl::string_view calls;
  uint32_t argument;
};
constexpr Selector kSelectors[] = {
    {"ptrace socket socketpair prctl arch_prctl bpf keyctl personality unshare seccomp syslog "
     "landlock_create_ruleset quotactl memfd_secret userfaultfd",
     0},
    {"ioctl fcntl setns shmctl msgctl kcmp", 1},
    {"madvise reboot semctl tgkill", 2},
};

bool ListHas(absl::string_view list, absl::string_view word) {
  const std::vector<absl::string_view> words = absl::StrSplit(list, ' ', absl::SkipEmpty());
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool Passes(v1::Seccomp::Action action) {
  return action == v1::Seccomp::ALLOW || action == v1::Seccomp::LOG;
}

// The rules of a group on one call, as they would be written.
absl::Status AddRulesOfGroup(absl::string_view name, const std::string& call,
                             v1::Seccomp::Action action, std::vector<v1::Rule>* rules) {
  CORDON_ASSIGN_OR_RETURN(const SyscallGroup* group, FindGroup(name));
  for (const GroupEntry& entry : group->entries) {
    if (!ListHas(entry.calls, call)) continue;
    CORDON_ASSIGN_OR_RETURN(const std::vector<v1::Condition> when, ParseConditions(entry.when));
    v1::Rule& rule = rules->emplace_back();
    rule.add_calls(call);
    for (const v1::Condition& condition : when) *rule.add_when() = condition;
    rule.set_action(action);
  }
  for (const absl::string_view part : group->includes) {
    CORDON_RETURN_IF_ERROR(AddRulesOfGroup(part, call, action, rules));
  }
  return absl::OkStatus();
}

class Allower {
 public:
  Allower(const NormalPolicy& policy, const v1::CallViolation& violation, Architecture architecture)
      : policy_(policy),
        seccomp_(policy.proto().seccomp()),
        call_(violation.call()),
        architecture_(architecture),
        types_(ArgumentsOf(call_, architecture)) {
    sample_.architecture = AuditArchitecture(architecture);
    sample_.number = violation.number();
  }

  absl::Status ReadArguments(const v1::CallViolation& violation) {
    for (int i = 0; i < violation.argument_size() && i < static_cast<int>(sample_.args.size());
         ++i) {
      CORDON_ASSIGN_OR_RETURN(sample_.args[static_cast<size_t>(i)],
                              ParseConstant(violation.argument(i)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Allowance> Make() {
    if (Passes(seccomp_.default_action())) {
      allowance_.notes.push_back(
          "this policy lets pass what it does not name: change the rule that kills");
      return std::move(allowance_);
    }
    CORDON_RETURN_IF_ERROR(CollectRules());
    v1::Seccomp text;
    *text.add_rule() = Exact();
    Restate(&text);
    CORDON_RETURN_IF_ERROR(Offer(text));
    CORDON_RETURN_IF_ERROR(FindGroupFor());
    return std::move(allowance_);
  }

 private:
  // What the policy says about the call, rule by rule.
  absl::Status CollectRules() {
    for (const v1::Rule& rule : seccomp_.rule()) {
      if (std::find(rule.calls().begin(), rule.calls().end(), call_) == rule.calls().end())
        continue;
      v1::Rule& mine = present_.emplace_back(rule);
      mine.clear_calls();
      mine.add_calls(call_);
    }
    named_ = !present_.empty();
    if (named_) return absl::OkStatus();
    for (const std::string& group : seccomp_.allow()) {
      CORDON_RETURN_IF_ERROR(AddRulesOfGroup(group, call_, v1::Seccomp::ALLOW, &present_));
    }
    for (const std::string& group : seccomp_.kill()) {
      CORDON_RETURN_IF_ERROR(AddRulesOfGroup(group, call_, v1::Seccomp::KILL, &present_));
    }
    return absl::OkStatus();
  }

  // The arguments that the new rule names.
  std::set<uint32_t> Tested() const {
    std::set<uint32_t> tested;
    for (const v1::Rule& rule : present_) {
      for (const v1::Condition& condition : rule.when()) tested.insert(condition.arg());
    }
    for (const Selector& selector : kSelectors) {
      if (ListHas(selector.calls, call_)) tested.insert(selector.argument);
    }
    return tested;
  }

  v1::Rule Exact() {
    v1::Rule rule;
    rule.add_calls(call_);
    rule.set_action(v1::Seccomp::ALLOW);
    for (const uint32_t arg : Tested()) {
      if (arg >= types_.size()) continue;
      const ArgumentType& type = types_[arg];
      const uint64_t read = BitsRead(type, sample_.args[arg]);
      v1::Condition& condition = *rule.add_when();
      condition.set_arg(arg);
      if (type.kind == ArgumentType::Kind::kPointer && read != 0) {
        condition.set_not_equals("0");
        allowance_.notes.push_back(
            absl::StrCat("argument ", arg,
                         " is a pointer: a filter sees whether there is one, "
                         "not what it points to, so the rule is for all of them"));
      } else if (type.kind == ArgumentType::Kind::kPointer) {
        condition.set_equals("0");
      } else {
        const std::string name = ConstantName(call_, arg, read);
        condition.set_equals(name.empty() ? ArgumentText(type, read) : name);
      }
    }
    return rule;
  }

  // The rules on the call that the new one takes out of the policy: those that let it pass have to
  // stay, those that refuse it stay where they do not speak of the new one's calls.
  void Restate(v1::Seccomp* text) {
    bool lost = false;
    for (const bool passing : {true, false}) {
      for (const v1::Rule& rule : present_) {
        if (Passes(rule.action()) != passing) continue;
        *text->add_rule() = rule;
        if (passing || BuildRules(Alone(*text), architecture_).ok()) continue;
        text->mutable_rule()->RemoveLast();
        lost = true;
      }
    }
    if (!lost) return;
    const v1::Seccomp::Action rest = seccomp_.default_action();
    if (rest == v1::Seccomp::KILL || text->rule(0).when().empty()) return;
    allowance_.notes.push_back(absl::StrCat(
        "other calls of ", call_, " then get the policy's default, ",
        v1::Seccomp::Action_Name(rest),
        rest == v1::Seccomp::ERRNO ? absl::StrCat(" ", seccomp_.default_errno()) : ""));
  }

  v1::Seccomp Alone(const v1::Seccomp& text) const {
    v1::Seccomp alone = text;
    alone.set_default_action(seccomp_.default_action());
    alone.set_default_errno(seccomp_.default_errno());
    return alone;
  }

  // Shown only if a policy with it does what it says.
  absl::Status Offer(const v1::Seccomp& seccomp) {
    v1::Policy addition;
    *addition.mutable_seccomp() = seccomp;
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintToString(addition, &text);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    // The printer leaves zeros out, and a reader would look for the argument.
    text = absl::StrReplaceAll(text,
                               {{"when { arg: ", "when { arg: "}, {"when { ", "when { arg: 0 "}});
    CORDON_ASSIGN_OR_RETURN(const ParsedPolicy parsed, ParsePolicy(text, PolicyForm::kText, kName));
    const absl::StatusOr<v1::SeccompRules> rules =
        BuildRules(MergePolicies(policy_.parsed(), parsed).policy.seccomp(), architecture_);
    if (rules.ok() && Allowed(*rules)) {
      allowance_.policy = std::move(text);
    } else {
      allowance_.notes.insert(
          allowance_.notes.begin(),
          absl::StrCat("no rule can be laid over what this policy says about ", call_,
                       rules.ok() ? "" : absl::StrCat(": ", rules.status().message())));
    }
    return absl::OkStatus();
  }

  bool Allowed(const v1::SeccompRules& rules) const {
    return MeaningOf(rules, architecture_, sample_) == SECCOMP_RET_ALLOW;
  }

  // A rule takes its call out of all groups, so a group helps only where no rule names it.
  absl::Status FindGroupFor() {
    if (named_) return absl::OkStatus();
    for (const SyscallGroup& group : SyscallGroups()) {
      if (group.danger || ListHasName(seccomp_.allow(), group.name) ||
          ListHasName(seccomp_.kill(), group.name)) {
        continue;
      }
      std::vector<v1::Rule> rules;
      CORDON_RETURN_IF_ERROR(AddRulesOfGroup(group.name, call_, v1::Seccomp::ALLOW, &rules));
      if (rules.empty()) continue;
      v1::Seccomp with = seccomp_;
      with.add_allow(std::string(group.name));
      const absl::StatusOr<v1::SeccompRules> built = BuildRules(with, architecture_);
      if (!built.ok() || !Allowed(*built)) continue;
      allowance_.group = std::string(group.name);
      break;
    }
    return absl::OkStatus();
  }

  template <typename List>
  static bool ListHasName(const List& list, absl::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  }

  const NormalPolicy& policy_;
  const v1::Seccomp& seccomp_;
  const std::string call_;
  const Architecture architecture_;
  const std::vector<ArgumentType> types_;
  CallSample sample_;
  std::vector<v1::Rule> present_;
  bool named_ = false;  // by a rule, not only in groups
  Allowance allowance_;
};

}  // namespace

absl::StatusOr<Allowance> AllowanceOf(const NormalPolicy& policy,
                                      const v1::CallViolation& violation) {
  if (violation.architecture().empty()) {
    return Allowance{"", "", {"which call it was is not known"}};
  }
  CORDON_ASSIGN_OR_RETURN(const Architecture architecture,
                          ParseArchitecture(violation.architecture()));
  if (violation.call().empty()) {
    return Allowance{"", "", {"the number has no name here, and policies allow calls by name"}};
  }
  Allower allower(policy, violation, architecture);
  CORDON_RETURN_IF_ERROR(allower.ReadArguments(violation));
  return allower.Make();
}

absl::Status AddAllowance(const NormalPolicy& policy, ProfileSource& profiles,
                          v1::CallViolation* violation) {
  CORDON_ASSIGN_OR_RETURN(Allowance allowance, AllowanceOf(policy, *violation));
  if (!allowance.policy.empty()) {
    CORDON_ASSIGN_OR_RETURN(const AdditionCost cost,
                            CostOfAddition(policy, allowance.policy, profiles));
    if (!cost.forbidden.empty()) allowance = Allowance{"", "", {cost.forbidden}};
    allowance.notes.insert(allowance.notes.end(), cost.notes.begin(), cost.notes.end());
  }
  violation->set_allow_with(allowance.policy);
  violation->set_allow_group(allowance.group);
  for (std::string& note : allowance.notes) violation->add_allow_note(std::move(note));
  return absl::OkStatus();
}

}  // namespace cordon
