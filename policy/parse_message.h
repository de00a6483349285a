// SPDX-License-Identifier: Apache-2.0
// Bytes -> any message of this schema, with the strictness that parse.h promises for policies.
#ifndef CORDON_POLICY_PARSE_MESSAGE_H_
#define CORDON_POLICY_PARSE_MESSAGE_H_

#include <google/protobuf/message.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/parse.h"

namespace cordon {

// Fills `message`; gives the places of its fields. `name` is the file's, `first_line` where in it
// the message begins. All errors found are in the status.
absl::StatusOr<SourceMap> ParseMessage(absl::string_view bytes, PolicyForm form,
                                       absl::string_view name, google::protobuf::Message* message,
                                       int first_line = 1);

// What can be read of text or JSON when fields that do not exist are passed over; false when
// nothing can. See ParseWhatCanBeRead.
bool ReadPartOf(absl::string_view bytes, PolicyForm form, absl::string_view name,
                google::protobuf::Message* message, SourceMap* places);

}  // namespace cordon

#endif  // CORDON_POLICY_PARSE_MESSAGE_H_
