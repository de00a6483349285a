// SPDX-License-Identifier: Apache-2.0
// What the kernel writes into the files attr/apparmor/* of a process. Pure.
#ifndef CORDON_SANDBOX_OS_APPARMOR_LABEL_H_
#define CORDON_SANDBOX_OS_APPARMOR_LABEL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

struct AppArmorLabel {
  struct Part {
    std::string policy_namespace;  // as seen from the reader's; empty: the reader's own
    std::string profile;           // "unconfined" is none
  };
  std::vector<Part> parts;  // stacked ones hold together, each by itself
  std::string mode;         // "enforce", "complain", "unconfined" ...; empty: none is shown
};

// "unconfined", "NAME (enforce)", ":NAMESPACE:NAME (enforce)", "A//&B (mixed)", with or without a
// newline at the end. INVALID_ARGUMENT for anything else.
absl::StatusOr<AppArmorLabel> ParseAppArmorLabel(absl::string_view text);

// True when nothing in it holds anybody: no profile, or only such with flags=(unconfined).
bool IsUnconfined(const AppArmorLabel& label);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_APPARMOR_LABEL_H_
