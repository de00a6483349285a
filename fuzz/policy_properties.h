// SPDX-License-Identifier: Apache-2.0
// What must hold for any bytes given to the policy room, shared by its fuzz targets. A property
// that does not hold prints what it was and aborts.
#ifndef CORDON_FUZZ_POLICY_PROPERTIES_H_
#define CORDON_FUZZ_POLICY_PROPERTIES_H_

#include "absl/strings/string_view.h"
#include "policy/parse.h"

namespace cordon {

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
