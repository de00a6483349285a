// SPDX-License-Identifier: Apache-2.0
// A line of the kernel's audit as it stands in the kernel's log:
//
//   audit: type=1400 audit(1795729743.470:11729): KEY=VALUE KEY="VALUE" ...
//
// Names of files and processes are chosen by others. The kernel writes them between quotes when no
// byte is a quote, a blank, a control byte or above 126, and as upper-case hex without quotes
// otherwise, so no name can hold the end of its own field. Pure.
#ifndef CORDON_POLICY_DENIAL_AUDIT_FIELDS_H_
#define CORDON_POLICY_DENIAL_AUDIT_FIELDS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cordon {

enum class AuditLine {
  kOther,  // of another kind
  kDenial,
  kDomain,      // Landlock's: whose the domain of a denial is
  kUnreadable,  // begins as what is asked for, and does not end so: a line is cut at 1024 bytes
  kLost,        // says that the kernel has left lines out
};

// Whether `text` is the kernel's word for lines that are not there.
bool SaysLost(absl::string_view text);

// Takes the start of a line of this type and its stamp off `text`; false when it is another's.
bool TakeAuditStart(absl::string_view type, absl::string_view* text);

class AuditFields {
 public:
  // False for what the kernel does not write, to the last byte.
  bool Parse(absl::string_view text);

  bool Has(absl::string_view key) const { return fields_.find(key) != fields_.end(); }

  // Empty when it is not there. A field that is not of its kind ends good().
  std::string Word(absl::string_view key) const;  // of the kernel's own
  std::string Name(absl::string_view key);        // that somebody chose: any bytes
  absl::optional<uint32_t> Number(absl::string_view key);

  bool good() const { return good_; }

 private:
  struct Value {
    std::string bytes;
    bool quoted = false;
  };
  bool Take(absl::string_view* text);

  std::map<std::string, Value, std::less<>> fields_;
  bool good_ = true;
};

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_AUDIT_FIELDS_H_
