// SPDX-License-Identifier: Apache-2.0
// Any bytes as a policy in the text form.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "fuzz/policy_properties.h"
#include "policy/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cordon::CheckParsing(absl::string_view(reinterpret_cast<const char*>(data), size),
                       cordon::PolicyForm::kText);
  return 0;
}
