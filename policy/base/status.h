// SPDX-License-Identifier: Apache-2.0
// Errors as values with context: absl::Status plus one ErrorDetail payload (or a list of them).
// Entry points: Error (builder), DetailOf / DetailsOf (read back), RenderError (one line for
// people), CORDON_RETURN_IF_ERROR and CORDON_ASSIGN_OR_RETURN. Nothing here prints or aborts.
#ifndef CORDON_POLICY_BASE_STATUS_H_
#define CORDON_POLICY_BASE_STATUS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/error.pb.h"

namespace cordon {

// Builds a Status with its ErrorDetail. Converts to absl::Status, so it can be returned:
//   return Error(absl::StatusCode::kInvalidArgument, "size is zero").Field("limits.memory");
class Error {
 public:
  Error(absl::StatusCode code, absl::string_view message);

  Error& Stage(absl::string_view value);
  Error& Layer(absl::string_view value);
  Error& Field(absl::string_view value);   // policy field path
  Error& Source(absl::string_view value);  // "file:line:column"
  Error& StepAt(int index, absl::string_view name);
  // Name of the failed call, its object, and the errno it gave.
  Error& Syscall(absl::string_view call, absl::string_view object, int errno_value);
  Error& Hint(absl::string_view value);

  operator absl::Status() const;  // NOLINT(google-explicit-constructor): meant to be returned
  template <typename T>
  operator absl::StatusOr<T>() const {  // NOLINT(google-explicit-constructor)
    return static_cast<absl::Status>(*this);
  }

 private:
  absl::StatusCode code_;
  v1::ErrorDetail detail_;
};

// The details that a status carries; one made from the message when it has none. Empty for OK.
std::vector<v1::ErrorDetail> DetailsOf(const absl::Status& status);

// A status that carries all of `details` (at least one); its message is that of the first. Bytes
// that are not UTF-8 (paths, messages of libraries) are kept as escapes.
absl::Status ErrorFromDetails(absl::StatusCode code, const std::vector<v1::ErrorDetail>& details);

// Adds what is missing in every detail of `status`; fields already set stay as they are.
absl::Status WithStage(const absl::Status& status, absl::string_view stage);
absl::Status WithLayer(const absl::Status& status, absl::string_view layer);
// The step of a whole call; one that an operation of the child has named stays.
absl::Status WithStep(const absl::Status& status, absl::string_view step);
absl::Status WithSource(const absl::Status& status, absl::string_view source);

// One line: field (source): step: syscall("object"): ERRNO (text): message; hint: ...
// Every control byte is escaped, so the line is safe for a terminal.
std::string RenderError(const v1::ErrorDetail& detail);

// "ENOENT" for 2; "errno 4242" for what has no name. "" for 0.
std::string ErrnoName(int errno_value);
// The number of "ENOENT"; 0 when there is no such name.
int ErrnoValue(absl::string_view name);

// `text` with control bytes, quotes, backslashes and invalid UTF-8 as C escapes.
std::string EscapeForPeople(absl::string_view text);

}  // namespace cordon

#define CORDON_CONCAT_INNER_(a, b) a##b
#define CORDON_CONCAT_(a, b) CORDON_CONCAT_INNER_(a, b)

// Returns the status of `expr` when it is not OK.
#define CORDON_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    absl::Status cordon_status_ = (expr);            \
    if (!cordon_status_.ok()) return cordon_status_; \
  } while (false)

// CORDON_ASSIGN_OR_RETURN(auto x, StatusOrExpr());
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses
#define CORDON_ASSIGN_OR_RETURN(lhs, expr) \
  CORDON_ASSIGN_OR_RETURN_IMPL_(CORDON_CONCAT_(cordon_or_, __LINE__), lhs, expr)
#define CORDON_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return tmp.status();                 \
  lhs = *std::move(tmp)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // CORDON_POLICY_BASE_STATUS_H_
