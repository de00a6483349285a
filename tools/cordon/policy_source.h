// SPDX-License-Identifier: Apache-2.0
// Where the command finds policies: the profiles that are part of it, and files.
#ifndef CORDON_TOOLS_CORDON_POLICY_SOURCE_H_
#define CORDON_TOOLS_CORDON_POLICY_SOURCE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/normalize.h"
#include "policy/resolve.h"

namespace cordon::cli {

// A shipped profile by its name, otherwise a file: relative to the policy that names it, or to the
// current directory. Files are read once, from one descriptor, and must be regular.
class PolicySource : public ProfileSource {
 public:
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override;
};

// A regular file of at most `limit` bytes, relative to the current directory.
absl::StatusOr<std::string> ReadRegularFile(absl::string_view path, size_t limit);

// Load, resolve, validate, normalise, compare with its ceilings. `reference` as on the command
// line.
absl::StatusOr<NormalPolicy> LoadPolicy(absl::string_view reference);
absl::StatusOr<NormalPolicy> LoadPolicy(absl::string_view reference, ProfileSource& source);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_POLICY_SOURCE_H_
