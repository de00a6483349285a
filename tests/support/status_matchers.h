// SPDX-License-Identifier: Apache-2.0
// GoogleTest matchers for absl::Status and for the ErrorDetails in it: IsOk, StatusIs, HasError.
// Debian's Abseil has none.
#ifndef CORDON_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define CORDON_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "policy/base/status.h"

namespace cordon {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

// Every error of a status as RenderError prints it, one a line.
inline std::string AllErrors(const absl::Status& status) {
  std::string out;
  for (const v1::ErrorDetail& detail : DetailsOf(status)) {
    absl::StrAppend(&out, RenderError(detail), "\n");
  }
  return out;
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << AllErrors(StatusOf(arg));
  return StatusOf(arg).ok();
}

MATCHER_P2(StatusIs, code, message_part, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString() << "\n" << AllErrors(status);
  return status.code() == code && absl::StrContains(std::string(status.message()), message_part);
}

MATCHER_P(IsOkAndHolds, value, "") {
  *result_listener << AllErrors(StatusOf(arg));
  return arg.ok() && *arg == value;
}

// One of the errors of the status is rendered exactly as `line`.
MATCHER_P(HasError, line, "") {
  *result_listener << "errors:\n" << AllErrors(StatusOf(arg));
  for (const v1::ErrorDetail& detail : DetailsOf(StatusOf(arg))) {
    if (RenderError(detail) == line) return true;
  }
  return false;
}

// One of the errors of the status holds `part` when rendered.
MATCHER_P(HasErrorWith, part, "") {
  *result_listener << "errors:\n" << AllErrors(StatusOf(arg));
  for (const v1::ErrorDetail& detail : DetailsOf(StatusOf(arg))) {
    if (absl::StrContains(RenderError(detail), part)) return true;
  }
  return false;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_STATUS_MATCHERS_H_
