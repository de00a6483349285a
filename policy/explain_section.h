// SPDX-License-Identifier: Apache-2.0
// How the sections of an explanation are filled. Entry point: SectionWriter.
#ifndef CORDON_POLICY_EXPLAIN_SECTION_H_
#define CORDON_POLICY_EXPLAIN_SECTION_H_

#include <string>

#include "absl/strings/string_view.h"
#include "policy/normalize.h"
#include "policy/proto/explain.pb.h"

namespace cordon {

class SectionWriter {
 public:
  // Appends a section to `explanation`, which must outlive the writer. `layer` is "" when the rows
  // are of several layers.
  SectionWriter(const NormalPolicy& policy, absl::string_view id, absl::string_view layer,
                absl::string_view title, v1::Explanation* explanation);

  void Introduce(absl::string_view text);

  // A row that `field` of the policy decides ("" when none does); its place is found here, and is
  // empty when nobody wrote the field.
  void Row(absl::string_view label, absl::string_view text, absl::string_view field,
           v1::Verdict verdict = v1::VERDICT_UNSPECIFIED);

 private:
  const NormalPolicy& policy_;
  v1::ExplainedSection& section_;
};

// " (where the host can)" when the layer may be missing, "" otherwise.
absl::string_view WhereTheHostCan(v1::Enforcement enforcement);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_SECTION_H_
