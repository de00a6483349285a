// SPDX-License-Identifier: Apache-2.0
// What Landlock says in the kernel's log, from Linux 6.15, when it denies something (kernel:
// Documentation/admin-guide/LSM/landlock.rst), as lines of audit_fields.h. One for each denial, and
// behind the first of a domain who made the domain:
//
//   type=1423: domain=195ba459b blockers=fs.write_file path="/data/a" dev="vda2" ino=351
//   type=1424: domain=195ba459b status=allocated mode=enforcing pid=300 uid=0 exe="..." comm="..."
//
// A line that does not follow this to the last byte is none of them. Pure.
#ifndef CORDON_POLICY_DENIAL_LANDLOCK_LINE_H_
#define CORDON_POLICY_DENIAL_LANDLOCK_LINE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "policy/denial/audit_fields.h"

namespace cordon {

struct LandlockLine {
  uint64_t domain = 0;
  // Of a denial.
  std::string blockers;  // the rights that were missing: "fs.make_reg,fs.refer"
  // The bytes of a path as the process saw it, of a folder for what was to be made or removed in
  // it; "tcp port 80", "process NAME"; empty where the kernel names nothing.
  std::string object;
  // Of a domain: who made it, in the first namespaces.
  uint32_t pid = 0;
  uint32_t user = 0;
};

// `text` is that of a line that the kernel wrote. `line` is filled with kDenial and kDomain.
AuditLine ReadLandlockLine(absl::string_view text, LandlockLine* line);

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_LANDLOCK_LINE_H_
