// SPDX-License-Identifier: Apache-2.0
// Checks of actions, errno names, conditions and contradictions between rules.
#include "policy/validate_seccomp.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr uint32_t kLargestArgument = 5;

// What a process does between loading its filter and its first instruction of the job: the exec,
// and telling that it failed. With NOTIFY these would be listed as the job's, and fail.
constexpr absl::string_view kCallsOfTheStart[] = {"execve", "execveat", "write", "exit_group",
                                                  "clock_gettime"};

void CheckErrno(absl::string_view name, const std::string& field, Violations* violations) {
  if (ErrnoValue(name) != 0) return;
  violations->Add(field, absl::StrCat("\"", EscapeForPeople(name.substr(0, 40)),
                                      "\" is not the name of an errno, such as EPERM or ENOSYS"));
}

void CheckGroups(const v1::Seccomp& seccomp, Violations* violations) {
  std::set<std::string> allowed;
  for (int i = 0; i < seccomp.allow_size(); ++i) {
    allowed.insert(seccomp.allow(i));
    if (seccomp.allow(i).empty()) {
      violations->Add(IndexedField("seccomp.allow", static_cast<size_t>(i)), "is empty");
    }
  }
  for (int i = 0; i < seccomp.kill_size(); ++i) {
    const std::string field = IndexedField("seccomp.kill", static_cast<size_t>(i));
    if (seccomp.kill(i).empty()) {
      violations->Add(field, "is empty");
    } else if (allowed.count(seccomp.kill(i)) > 0) {
      violations->Add(field, absl::StrCat("\"", EscapeForPeople(seccomp.kill(i)),
                                          "\" is in seccomp.allow, too"));
    }
  }
}

void CheckCondition(const v1::Condition& condition, const std::string& path,
                    Violations* violations) {
  if (condition.arg() > kLargestArgument) {
    violations->Add(ChildField(path, "arg"),
                    absl::StrCat("is ", condition.arg(), "; 0 to 5 is allowed"));
  }
  const auto check_value = [&](absl::string_view name, const std::string& value) {
    if (value.empty()) violations->Add(ChildField(path, name), "is empty");
  };
  switch (condition.comparison_case()) {
    case v1::Condition::kEquals:
      return check_value("equals", condition.equals());
    case v1::Condition::kNotEquals:
      return check_value("not_equals", condition.not_equals());
    case v1::Condition::kLessThan:
      return check_value("less_than", condition.less_than());
    case v1::Condition::kAtMost:
      return check_value("at_most", condition.at_most());
    case v1::Condition::kGreaterThan:
      return check_value("greater_than", condition.greater_than());
    case v1::Condition::kAtLeast:
      return check_value("at_least", condition.at_least());
    case v1::Condition::kMaskedEquals:
      check_value("masked_equals.mask", condition.masked_equals().mask());
      return check_value("masked_equals.value", condition.masked_equals().value());
    case v1::Condition::kAnyOf:
      if (condition.any_of().value_size() == 0) {
        violations->Add(ChildField(path, "any_of"), "lists no value");
      }
      for (int i = 0; i < condition.any_of().value_size(); ++i) {
        check_value(IndexedField("any_of.value", static_cast<size_t>(i)),
                    condition.any_of().value(i));
      }
      return;
    case v1::Condition::COMPARISON_NOT_SET:
      violations->Add(path, "has no comparison",
                      "add one of equals, not_equals, less_than, at_most, greater_than, at_least, "
                      "masked_equals, any_of");
      return;
  }
}

void CheckNotify(const v1::Rule& rule, const std::string& path, Violations* violations) {
  for (int i = 0; i < rule.calls_size(); ++i) {
    if (std::find(std::begin(kCallsOfTheStart), std::end(kCallsOfTheStart), rule.calls(i)) ==
        std::end(kCallsOfTheStart)) {
      continue;
    }
    violations->Add(IndexedField(ChildField(path, "calls"), static_cast<size_t>(i)),
                    absl::StrCat(rule.calls(i),
                                 " cannot be NOTIFY: the start of the job makes this call, with "
                                 "the filter in force"));
  }
}

// `unconditional`: calls that an earlier rule decides for all arguments -> field of that rule.
void CheckCalls(const v1::Rule& rule, const std::string& path,
                std::map<std::string, std::string>* unconditional, Violations* violations) {
  if (rule.calls().empty()) violations->Add(ChildField(path, "calls"), "names no system call");
  std::set<std::string> here;
  for (int i = 0; i < rule.calls_size(); ++i) {
    const std::string field = IndexedField(ChildField(path, "calls"), static_cast<size_t>(i));
    const std::string& call = rule.calls(i);
    const std::string shown = absl::StrCat("\"", EscapeForPeople(call.substr(0, 40)), "\"");
    if (call.empty()) {
      violations->Add(field, "is empty");
    } else if (!here.insert(call).second) {
      violations->Add(field, absl::StrCat(shown, " is in this rule twice"));
    } else if (rule.when().empty() && !unconditional->try_emplace(call, path).second) {
      violations->Add(field, absl::StrCat(shown, " is decided by ", unconditional->at(call),
                                          " already, for all arguments"));
    }
  }
}

void CheckRule(const v1::Rule& rule, const std::string& path,
               std::map<std::string, std::string>* unconditional, Violations* violations) {
  CheckCalls(rule, path, unconditional, violations);
  if (rule.action() == v1::Seccomp::NOTIFY) CheckNotify(rule, path, violations);
  if (rule.action() == v1::Seccomp::ACTION_UNSPECIFIED) {
    violations->Add(ChildField(path, "action"), "is required: ALLOW, ERRNO, KILL, LOG or NOTIFY");
  }
  if (!rule.errno_name().empty()) {
    if (rule.action() == v1::Seccomp::ERRNO || rule.action() == v1::Seccomp::NOTIFY) {
      CheckErrno(rule.errno_name(), ChildField(path, "errno_name"), violations);
    } else {
      violations->Add(ChildField(path, "errno_name"),
                      "has a meaning with action ERRNO or NOTIFY only");
    }
  }
  for (int i = 0; i < rule.when_size(); ++i) {
    CheckCondition(rule.when(i), IndexedField(ChildField(path, "when"), static_cast<size_t>(i)),
                   violations);
  }
}

}  // namespace

void CheckSeccomp(const v1::Seccomp& seccomp, Violations* violations) {
  CheckGroups(seccomp, violations);
  if (seccomp.default_action() == v1::Seccomp::NOTIFY) {
    violations->Add("seccomp.default_action",
                    "cannot be NOTIFY: every call that is not named would wait for the supervisor, "
                    "those that the start of the job and its C library only try, too",
                    "name the calls in a rule with NOTIFY");
  }
  if (!seccomp.default_errno().empty()) {
    if (seccomp.default_action() == v1::Seccomp::ERRNO ||
        seccomp.default_action() == v1::Seccomp::ACTION_UNSPECIFIED) {
      CheckErrno(seccomp.default_errno(), "seccomp.default_errno", violations);
    } else {
      violations->Add("seccomp.default_errno", "has a meaning with default_action ERRNO only");
    }
  }
  std::map<std::string, std::string> unconditional;
  for (int i = 0; i < seccomp.rule_size(); ++i) {
    CheckRule(seccomp.rule(i), IndexedField("seccomp.rule", static_cast<size_t>(i)), &unconditional,
              violations);
  }
}

}  // namespace cordon
