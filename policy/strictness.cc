// SPDX-License-Identifier: Apache-2.0
// Comparing limits through the table of quantities. See strictness.h.
#include "policy/strictness.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/quantity.h"
#include "policy/violations.h"

namespace cordon {

absl::Status TightenLimits(const v1::Limits& wanted, absl::string_view policy_name,
                           v1::Limits* limits) {
  const SourceMap no_places;
  Violations violations(no_places);
  v1::Limits tightened = *limits;
  if (wanted.enforcement() != v1::ENFORCEMENT_UNSPECIFIED) {
    violations.Add("limits.enforcement", "a job cannot change how limits are enforced");
  }
  for (const Quantity* quantity : QuantitiesOf(v1::Limits::descriptor())) {
    if (!HasQuantity(wanted, *quantity)) continue;
    const std::string field = ChildField("limits", quantity->field);
    const absl::StatusOr<uint64_t> asked = ReadQuantity(wanted, *quantity);
    const absl::StatusOr<uint64_t> allowed = ReadQuantity(*limits, *quantity);
    if (!asked.ok() || !allowed.ok()) {
      violations.AddIfError(field, asked.status());
      violations.AddIfError(field, allowed.status());
    } else if (*asked > *allowed) {
      violations.Add(field, absl::StrCat("the job asks ", FormatQuantity(quantity->kind, *asked),
                                         ", the policy \"", policy_name, "\" allows at most ",
                                         FormatQuantity(quantity->kind, *allowed)));
    } else {
      WriteQuantity(&tightened, *quantity, *asked);
    }
  }
  if (!violations.empty()) return violations.ToStatus();
  *limits = tightened;
  return absl::OkStatus();
}

bool LimitsAtMost(const v1::Limits& a, const v1::Limits& b) {
  for (const Quantity* quantity : QuantitiesOf(v1::Limits::descriptor())) {
    const absl::StatusOr<uint64_t> of_a = ReadQuantity(a, *quantity);
    const absl::StatusOr<uint64_t> of_b = ReadQuantity(b, *quantity);
    if (!of_a.ok() || !of_b.ok() || *of_a > *of_b) return false;
  }
  return true;
}

}  // namespace cordon
