// SPDX-License-Identifier: Apache-2.0
// What AppArmor says in the kernel's log when it denies something, as a line of audit_fields.h:
//
//   apparmor="DENIED" operation="open" profile="NAME" name="/data/a" pid=7 comm="cat"
//   requested_mask="r" denied_mask="r" fsuid=1 ouid=0
//
// A line that does not follow this to the last byte is no denial. Pure.
#ifndef CORDON_POLICY_DENIAL_APPARMOR_LINE_H_
#define CORDON_POLICY_DENIAL_APPARMOR_LINE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/denial/audit_fields.h"

namespace cordon {

struct AppArmorDenial {
  std::string operation;         // "open"
  std::string profile;           // in its policy namespace
  std::string policy_namespace;  // "root//cordon-1000"; empty: the root's
  // What it was about: the bytes of a name; "network inet stream", "capability sys_admin",
  // "signal kill to PEER", "ptrace PEER" where there is none.
  std::string object;
  std::string denied;             // "r"
  std::string process;            // its name, any bytes
  absl::optional<uint32_t> pid;   // of the process, in the first pid namespace
  absl::optional<uint32_t> user;  // who opened, in the first user namespace; of files only
};

// `text` is that of a line that the kernel wrote. `denial` is filled with kDenial.
AuditLine ReadAppArmorLine(absl::string_view text, AppArmorDenial* denial);

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_APPARMOR_LINE_H_
