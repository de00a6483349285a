// SPDX-License-Identifier: Apache-2.0
// What must hold for any bytes given to the policy room, shared by its fuzz targets. A property
// that does not hold prints what it was and aborts.
#ifndef CORDON_FUZZ_POLICY_PROPERTIES_H_
#define CORDON_FUZZ_POLICY_PROPERTIES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/parse.h"
#include "policy/resolve.h"

namespace cordon {

// The input itself under the name "input", shipped profiles under theirs. `text` must outlive it.
class FuzzSource : public ProfileSource {
 public:
  explicit FuzzSource(absl::string_view text) : text_(text) {}
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override;

 private:
  absl::string_view text_;
};

// The policy in text form.
std::string ToText(const v1::Policy& policy);

// An error has details with a message and a source, and each is safe to print.
void CheckErrors(const absl::Status& status);

// Parsing: an error has details with a message and a source that are safe to print; a policy that
// was read is read the same from each form it is written in, and every field of a text or JSON
// policy has its place.
void CheckParsing(absl::string_view bytes, PolicyForm form);

// The pipeline on a text policy that may extend shipped profiles: a valid policy has one normal
// form, which is valid, survives text, and is not changed by a job that asks for its own limits.
void CheckPipeline(absl::string_view text);

// What is said about a text policy that compiles: each finding of a lint names a field and a place,
// and explanations and findings print as lines without control bytes that are no wider than the
// terminal (the first line of a finding may be).
void CheckAdvice(absl::string_view text);

}  // namespace cordon

#endif  // CORDON_FUZZ_POLICY_PROPERTIES_H_
