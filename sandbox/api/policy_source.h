// SPDX-License-Identifier: Apache-2.0
// Where policies come from: the profiles that are part of the library, files, and text that the
// caller has. Every function may be called from any thread.
#ifndef CORDON_SANDBOX_API_POLICY_SOURCE_H_
#define CORDON_SANDBOX_API_POLICY_SOURCE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/normalize.h"
#include "policy/resolve.h"

namespace cordon {

// A shipped profile by its name, otherwise a file: relative to the policy that names it, or to the
// current directory. Files are read once, from one descriptor, and must be regular.
class PolicySource : public ProfileSource {
 public:
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override;
};

// A regular file of at most `limit` bytes, relative to the current directory.
absl::StatusOr<std::string> ReadRegularFile(absl::string_view path, size_t limit);

// Load, resolve, validate, normalise, compare with its ceilings: a policy that jobs can run under.
// `reference` is the name of a shipped profile ("judge/cpp") or of a file. An error has one detail
// per violation, each with field, file, line and column.
absl::StatusOr<NormalPolicy> LoadPolicy(absl::string_view reference);
absl::StatusOr<NormalPolicy> LoadPolicy(absl::string_view reference, ProfileSource& source);
// The same for a policy that is in no file: `given.name` is used in messages, its bind sources and
// what it extends are relative to `given.directory` (empty: the current one).
absl::StatusOr<NormalPolicy> LoadPolicyBytes(PolicyBytes given);
// Names of the shipped profiles, sorted.
std::vector<std::string> ShippedProfiles();

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_POLICY_SOURCE_H_
