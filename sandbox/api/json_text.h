// SPDX-License-Identifier: Apache-2.0
// Messages as JSON for other programs.
#ifndef CORDON_SANDBOX_API_JSON_TEXT_H_
#define CORDON_SANDBOX_API_JSON_TEXT_H_

#include <google/protobuf/message.h>

#include <string>

namespace cordon {

// One object with the names of the schema, every primitive field printed; ends with a newline.
// Strings that are not UTF-8 are escaped. "" when the message cannot be JSON at all.
std::string JsonText(const google::protobuf::Message& message);

// The same in one line, without fields that have their default.
std::string JsonLine(const google::protobuf::Message& message);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_JSON_TEXT_H_
