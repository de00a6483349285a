// SPDX-License-Identifier: Apache-2.0
// First reading of a policy in protobuf text format: places of all fields, duplicates, unknown
// fields, nesting and counts. Values are left to protobuf's parser, which runs after it.
#ifndef CORDON_POLICY_TEXT_SCAN_H_
#define CORDON_POLICY_TEXT_SCAN_H_

#include <google/protobuf/descriptor.h>

#include "absl/strings/string_view.h"
#include "policy/field_scan.h"

namespace cordon {

// True when the whole text was read. False: the grammar broke at `*broken_at`, or the scan was
// stopped by an error that is in `scan` already. `text` is valid UTF-8.
bool ScanText(absl::string_view text, const google::protobuf::Descriptor* type, FieldScan* scan,
              Place* broken_at);

}  // namespace cordon

#endif  // CORDON_POLICY_TEXT_SCAN_H_
