// SPDX-License-Identifier: Apache-2.0
// `extends:` chains -> one Policy. Entry point: ResolvePolicy. Bytes come from a ProfileSource, so
// that this room stays free of the file system.
#ifndef CORDON_POLICY_RESOLVE_H_
#define CORDON_POLICY_RESOLVE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/parse.h"

namespace cordon {

struct PolicyBytes {
  std::string name;  // as it is to appear in messages; identity for the cycle check
  std::string bytes;
  PolicyForm form = PolicyForm::kText;
  // Directory against which relative bind sources and `extends` paths of this policy are taken;
  // empty for shipped profiles, which have none.
  std::string directory;
};

class ProfileSource {
 public:
  virtual ~ProfileSource() = default;
  // `reference` is the text of `extends` (or of --policy); `directory` that of the policy that
  // holds it, empty for a shipped profile.
  virtual absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                           absl::string_view directory) = 0;
};

// Loads `reference`, then its bases, and merges them: base first, at most 8 levels, no cycle.
// Singular fields of the extending policy replace, repeated ones append; an environment variable
// of the same name and a mount of the same target replace the inherited entry, a rule on a
// call replaces inherited rules on the same call. Relative bind sources become absolute.
absl::StatusOr<ParsedPolicy> ResolvePolicy(absl::string_view reference, absl::string_view directory,
                                           ProfileSource& source);

}  // namespace cordon

#endif  // CORDON_POLICY_RESOLVE_H_
