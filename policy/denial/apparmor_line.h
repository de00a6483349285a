// SPDX-License-Identifier: Apache-2.0
// What AppArmor says in the kernel's log when it denies something:
//
//   audit: type=1400 audit(1795729743.470:11729): apparmor="DENIED" operation="open"
//   profile="NAME" name="/data/a" pid=7 comm="cat" requested_mask="r" denied_mask="r" fsuid=1
//   ouid=0
//
// Paths, names of processes and of profiles are chosen by others. The kernel writes them between
// quotes when no byte is a quote, a blank, a control byte or above 126, and as upper-case hex
// without quotes otherwise, so no name can hold the end of its own field. A line that does not
// follow this to the last byte is no denial. Pure.
#ifndef CORDON_POLICY_DENIAL_APPARMOR_LINE_H_
#define CORDON_POLICY_DENIAL_APPARMOR_LINE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

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

enum class AuditLine {
  kOther,  // not of AppArmor, or no denial
  kDenial,
  kUnreadable,  // begins as a denial, and does not end as one: cut, for a line has 1024 bytes
  kLost,        // says that the kernel has left lines out
};

// `text` is that of a line that the kernel wrote. `denial` is filled with kDenial.
AuditLine ReadAuditLine(absl::string_view text, AppArmorDenial* denial);

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_APPARMOR_LINE_H_
