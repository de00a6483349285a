// SPDX-License-Identifier: Apache-2.0
// An explanation as text for a terminal. Entry point: ExplanationText.
#ifndef CORDON_POLICY_EXPLAIN_TEXT_H_
#define CORDON_POLICY_EXPLAIN_TEXT_H_

#include <string>

#include "policy/proto/explain.pb.h"

namespace cordon {

// Sections of three columns: label, text, and at the right the place that says so ("default" where
// a field decides and nobody wrote it). At most 100 columns; ends with a newline.
std::string ExplanationText(const v1::Explanation& explanation);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_TEXT_H_
