// SPDX-License-Identifier: Apache-2.0
// Reads the rules of a filter as meaning.h defines them: the first that matches decides. What
// depends on arguments that are not known here counts as allowed when it may be.
#include "policy/apparmor/filter_reach.h"

#include "absl/types/optional.h"
#include "policy/bpf/meaning.h"

namespace cordon {
namespace {

bool LetsThrough(const v1::SeccompAction& action) {
  return action.action() == v1::Seccomp::ALLOW || action.action() == v1::Seccomp::LOG;
}

bool MayAllow(const v1::SeccompPlan& plan, absl::string_view call, absl::optional<uint64_t> first) {
  if (!plan.enabled()) return true;
  for (const v1::SyscallRule& rule : plan.rules().rule()) {
    if (rule.call() != call) continue;
    bool possible = true;
    bool certain = true;
    for (const v1::ArgCompare& compare : rule.when()) {
      if (compare.arg() != 0 || !first.has_value()) {
        certain = false;
      } else if (!Holds(compare, *first)) {
        possible = false;
      }
    }
    if (possible && LetsThrough(rule.action())) return true;
    if (possible && certain) return false;
  }
  return LetsThrough(plan.rules().default_action());
}

}  // namespace

bool FilterMayAllow(const v1::SeccompPlan& plan, absl::string_view call) {
  return MayAllow(plan, call, absl::nullopt);
}

bool FilterMayAllow(const v1::SeccompPlan& plan, absl::string_view call, uint64_t first) {
  return MayAllow(plan, call, first);
}

}  // namespace cordon
