// SPDX-License-Identifier: Apache-2.0
// First reading of a policy in protobuf's JSON mapping: strict RFC 8259 grammar, places of all
// fields, kinds of values, duplicates (also under the two spellings of one field), unknown fields,
// nesting and counts. The conversion to a message is left to protobuf's json_util, which runs
// after it and is laxer in all of these.
#ifndef CORDON_POLICY_JSON_SCAN_H_
#define CORDON_POLICY_JSON_SCAN_H_

#include <google/protobuf/descriptor.h>

#include "absl/strings/string_view.h"
#include "policy/field_scan.h"

namespace cordon {

// True when the whole text is one JSON object; errors of single fields are in `scan`. False: the
// errors in `scan` say where the grammar broke or which ceiling stopped it. `text` is valid UTF-8.
bool ScanJson(absl::string_view text, const google::protobuf::Descriptor* type, FieldScan* scan);

}  // namespace cordon

#endif  // CORDON_POLICY_JSON_SCAN_H_
