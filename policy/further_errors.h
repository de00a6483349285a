// SPDX-License-Identifier: Apache-2.0
// All errors at once: a policy with a misspelt field is also told what is wrong with its values.
// Entry point: WithFurtherErrors.
#ifndef CORDON_POLICY_FURTHER_ERRORS_H_
#define CORDON_POLICY_FURTHER_ERRORS_H_

#include "absl/status/status.h"
#include "policy/parse.h"

namespace cordon {

// `refused` is what ParsePolicy said, `read` what could be read all the same (ParseWhatCanBeRead),
// with its sources made absolute. Gives `refused` with the violations (validate.h) of all fields
// that were written, at most kMaxErrors in all and one for a place. A field that is missing is no
// further error: it may be the one that was misspelt.
absl::Status WithFurtherErrors(const absl::Status& refused, ParsedPolicy read);

}  // namespace cordon

#endif  // CORDON_POLICY_FURTHER_ERRORS_H_
