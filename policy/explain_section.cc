// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_section.h"

namespace cordon {

SectionWriter::SectionWriter(const NormalPolicy& policy, absl::string_view id,
                             absl::string_view layer, absl::string_view title,
                             v1::Explanation* explanation)
    : policy_(policy), section_(*explanation->add_section()) {
  section_.set_id(std::string(id));
  section_.set_layer(std::string(layer));
  section_.set_title(std::string(title));
}

void SectionWriter::Introduce(absl::string_view text) {
  section_.set_introduction(std::string(text));
}

void SectionWriter::Row(absl::string_view label, absl::string_view text, absl::string_view field,
                        v1::Verdict verdict) {
  v1::ExplainedRow& row = *section_.add_row();
  row.set_label(std::string(label));
  row.set_text(std::string(text));
  row.set_field(std::string(field));
  row.set_verdict(verdict);
  if (policy_.places().Has(field)) row.set_place(policy_.places().Find(field));
}

absl::string_view WhereTheHostCan(v1::Enforcement enforcement) {
  return enforcement == v1::IF_AVAILABLE ? " (where the host can)" : "";
}

}  // namespace cordon
