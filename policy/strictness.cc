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
namespace {

// A stream, its two fields, and what happens when it is full.
struct StreamFields {
  absl::string_view action_field;
  bool (*bounded)(const v1::Limits& limits);
  v1::Limits::StreamAction (*action)(const v1::Limits& limits);
  void (*set_action)(v1::Limits* limits, v1::Limits::StreamAction action);
};

constexpr StreamFields kStreams[] = {
    {"limits.stdout_action",
     [](const v1::Limits& limits) { return limits.stdout_size() != "unlimited"; },
     [](const v1::Limits& limits) { return limits.stdout_action(); },
     [](v1::Limits* limits, v1::Limits::StreamAction to) { limits->set_stdout_action(to); }},
    {"limits.stderr_action",
     [](const v1::Limits& limits) { return limits.stderr_size() != "unlimited"; },
     [](const v1::Limits& limits) { return limits.stderr_action(); },
     [](v1::Limits* limits, v1::Limits::StreamAction to) { limits->set_stderr_action(to); }},
};

// A job with `a` is not ended at a size at which one with `b` is.
bool SurvivesMore(const StreamFields& stream, const v1::Limits& a, const v1::Limits& b) {
  return stream.bounded(b) && stream.action(b) != v1::Limits::TRUNCATE &&
         stream.action(a) == v1::Limits::TRUNCATE;
}

}  // namespace

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
  for (const StreamFields& stream : kStreams) {
    if (stream.action(wanted) == v1::Limits::STREAM_ACTION_UNSPECIFIED) continue;
    if (SurvivesMore(stream, wanted, *limits)) {
      violations.Add(std::string(stream.action_field),
                     absl::StrCat("the job asks TRUNCATE, the policy \"", policy_name,
                                  "\" ends a job whose stream is full"));
    }
    stream.set_action(&tightened, stream.action(wanted));
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
  for (const StreamFields& stream : kStreams) {
    if (SurvivesMore(stream, a, b)) return false;
  }
  return true;
}

}  // namespace cordon
