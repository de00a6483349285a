// SPDX-License-Identifier: Apache-2.0
// First reading of a policy in protobuf's binary form: unknown fields, wrong wire types, duplicates
// of singular fields, invalid UTF-8, nesting and counts. protobuf's parser, which runs after it,
// lets the last duplicate win and prints to stderr about UTF-8.
#ifndef CORDON_POLICY_WIRE_SCAN_H_
#define CORDON_POLICY_WIRE_SCAN_H_

#include <google/protobuf/descriptor.h>

#include "absl/strings/string_view.h"
#include "policy/field_scan.h"

namespace cordon {

// True when the whole message was read; errors of single fields are in `scan`. False: the errors
// in `scan` say at which byte it broke or which ceiling stopped it.
bool ScanWire(absl::string_view bytes, const google::protobuf::Descriptor* type, FieldScan* scan);

}  // namespace cordon

#endif  // CORDON_POLICY_WIRE_SCAN_H_
