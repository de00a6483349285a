// SPDX-License-Identifier: Apache-2.0
// Messages as JSON for other programs.
#ifndef CORDON_SANDBOX_API_JSON_TEXT_H_
#define CORDON_SANDBOX_API_JSON_TEXT_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/proto/batch_result.pb.h"

namespace cordon {

// One object with the names of the schema, every primitive field printed; ends with a newline.
// Strings that are not UTF-8 are escaped. "" when the message cannot be JSON at all.
std::string JsonText(const google::protobuf::Message& message);

// JsonText of the report of a list of jobs, in pieces that make it up in their order; ends with the
// first error of `take`. libprotobuf takes twenty times the size of a text to make it, so that one
// for ten thousand jobs is made job by job.
absl::Status WriteJsonText(const v1::BatchReport& report,
                           absl::FunctionRef<absl::Status(absl::string_view)> take);

// JsonText in one line, without fields that have their default.
std::string JsonLine(const google::protobuf::Message& message);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_JSON_TEXT_H_
