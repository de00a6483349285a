// SPDX-License-Identifier: Apache-2.0
#include "policy/ceiling.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/compare.h"
#include "policy/compile.h"
#include "policy/ideal_host.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

constexpr absl::string_view kStage = "ceiling";

absl::StatusOr<CompiledPlan> CompileIdeal(const NormalPolicy& policy) {
  return CompiledPlan::Make(policy, IdealHost(NativeArchitecture()));
}

absl::StatusOr<CompiledPlan> CompileCeiling(const std::string& reference, ProfileSource& source) {
  CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed, ResolvePolicy(reference, "", source));
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, NormalPolicy::Make(std::move(parsed)));
  return CompileIdeal(policy);
}

v1::ErrorDetail Exceeds(const NormalPolicy& policy, const std::string& ceiling,
                        const Widening& widening, const std::string& ceiling_field) {
  const std::string& field = widening.field.empty() ? ceiling_field : widening.field;
  const absl::Status status =
      FieldError(policy, absl::StatusCode::kInvalidArgument, field,
                 absl::StrCat("allows more than its ceiling \"", EscapeForPeople(ceiling),
                              "\": ", widening.what))
          .Stage(kStage)
          .Layer(widening.layer);
  return DetailsOf(status).front();
}

}  // namespace

absl::Status HoldCeilings(const NormalPolicy& policy, ProfileSource& source) {
  if (policy.proto().ceiling().empty()) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompileIdeal(policy));
  std::vector<v1::ErrorDetail> errors;
  for (int i = 0; i < policy.proto().ceiling_size(); ++i) {
    const std::string& reference = policy.proto().ceiling(i);
    const std::string field = IndexedField("ceiling", static_cast<size_t>(i));
    const absl::StatusOr<CompiledPlan> ceiling = CompileCeiling(reference, source);
    if (!ceiling.ok()) {
      errors.push_back(
          DetailsOf(FieldError(policy, ceiling.status().code(), field,
                               absl::StrCat("the ceiling \"", EscapeForPeople(reference),
                                            "\" cannot be used"))
                        .Stage(kStage))
              .front());
      for (v1::ErrorDetail& detail : DetailsOf(ceiling.status())) {
        errors.push_back(std::move(detail));
      }
      continue;
    }
    CORDON_ASSIGN_OR_RETURN(const std::vector<Widening> widened,
                            Widened(ceiling->proto(), plan.proto(), NativeArchitecture()));
    for (const Widening& each : widened) errors.push_back(Exceeds(policy, reference, each, field));
  }
  if (errors.empty()) return absl::OkStatus();
  return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
}

}  // namespace cordon
