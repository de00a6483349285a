// SPDX-License-Identifier: Apache-2.0
#include "policy/further_errors.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/parse.h"
#include "policy/proto/error.pb.h"
#include "policy/validate.h"

namespace cordon {

absl::Status WithFurtherErrors(const absl::Status& refused, ParsedPolicy read) {
  read.policy.clear_extends();  // that it is not resolved is no violation here
  std::vector<v1::ErrorDetail> errors = DetailsOf(refused);
  std::set<std::string> places;
  for (const v1::ErrorDetail& error : errors) places.insert(error.source());
  const absl::Status violations = ValidatePolicy(read);
  for (const v1::ErrorDetail& error : violations.ok() ? RuleErrors(read) : DetailsOf(violations)) {
    if (errors.size() >= kMaxErrors) break;
    if (!read.places.Has(error.policy_field()) || places.count(error.source()) != 0) continue;
    errors.push_back(error);
  }
  return ErrorFromDetails(refused.code(), errors);
}

}  // namespace cordon
