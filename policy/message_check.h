// SPDX-License-Identifier: Apache-2.0
// What every message from outside must hold to, whatever its form or its maker: no unknown fields,
// no enum number without a name, counts and lengths below the ceilings, clean strings.
#ifndef CORDON_POLICY_MESSAGE_CHECK_H_
#define CORDON_POLICY_MESSAGE_CHECK_H_

#include <google/protobuf/message.h>

#include <vector>

#include "policy/parse.h"
#include "policy/proto/error.pb.h"

namespace cordon {

// Appends one detail per violation, at most kMaxErrors. Strings: valid UTF-8 without NUL, control
// and deceptive characters (utf8.h). File.content and CopyIn.text may hold newlines, tabs and
// deceptive ones, JobSpec.argv anything but NUL.
void CheckMessage(const google::protobuf::Message& message, const SourceMap& places,
                  std::vector<v1::ErrorDetail>* errors);

}  // namespace cordon

#endif  // CORDON_POLICY_MESSAGE_CHECK_H_
