// SPDX-License-Identifier: Apache-2.0
// Collecting violations. See violations.h.
#include "policy/violations.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/quantity.h"

namespace cordon {

void Violations::Add(absl::string_view field, absl::string_view message, absl::string_view hint) {
  if (full()) return;
  v1::ErrorDetail detail;
  detail.set_stage("validate");
  detail.set_step_index(-1);
  detail.set_policy_field(std::string(field));
  detail.set_source(places_.Find(field));
  detail.set_message(std::string(message));
  detail.set_hint(std::string(hint));
  errors_.push_back(std::move(detail));
}

void Violations::AddIfError(absl::string_view field, const absl::Status& status) {
  if (!status.ok()) Add(field, std::string(status.message()));
}

void Violations::CheckQuantities(const google::protobuf::Message& message, absl::string_view path) {
  for (const Quantity* quantity : QuantitiesOf(message.GetDescriptor())) {
    const std::string field = ChildField(path, quantity->field);
    if (!HasQuantity(message, *quantity)) {
      if (quantity->required) Add(field, "is required");
      continue;
    }
    const absl::StatusOr<uint64_t> value = ReadQuantity(message, *quantity);
    if (!value.ok()) AddIfError(field, value.status());
  }
}

bool Violations::full() const { return errors_.size() >= kMaxErrors; }

absl::Status Violations::ToStatus() const {
  if (errors_.empty()) return absl::OkStatus();
  return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors_);
}

}  // namespace cordon
