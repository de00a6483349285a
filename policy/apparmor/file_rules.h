// SPDX-License-Identifier: Apache-2.0
// The mounts of a plan as file rules of AppArmor.
//
// What a path may be used for is decided by the deepest entry that holds it, as in the kernel:
//   bind            read; execute unless no_exec; write, lock and link unless read_only
//   tmpfs           the same
//   tmpfs, sealed   (read_only: /dev) listing it; what is in it has rules of its own
//   proc            read, below process directories only when process_only; write to the few files
//                   that a process changes about itself (names of threads, core dumps)
//   device          read and write          file    read; execute when its mode says so
//   directory, and those that the set-up makes above a target: listing them
//   symlink         nothing: AppArmor looks at where a link leads
//   mask            nothing, denied aloud, also where nothing is there to hide
// AppArmor adds up all rules that match a path and lets denials win. So an entry with fewer rights
// than one around it denies the difference, except where an entry inside it has the right again.
#ifndef CORDON_POLICY_APPARMOR_FILE_RULES_H_
#define CORDON_POLICY_APPARMOR_FILE_RULES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

struct AppArmorFileRule {
  bool deny = false;    // with a line in the log
  std::string pattern;  // escaped, without its quotes
  std::string modes;    // "mrix"; of a denial "rwklmx"
};

// In the order of the plan, after those of the directories that it implies. INVALID_ARGUMENT with
// the fields of all entries that AppArmor cannot express: a target that is no path of a rule (see
// IsRulePath); a file, device, proc or sealed tmpfs inside a bind or a tmpfs; an entry from which
// too long paths would have to be left out.
absl::StatusOr<std::vector<AppArmorFileRule>> AppArmorFileRules(const v1::MountPlan& plan);

}  // namespace cordon

#endif  // CORDON_POLICY_APPARMOR_FILE_RULES_H_
