// SPDX-License-Identifier: Apache-2.0
// Any bytes as a text policy through compiling, lints and explaining.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "fuzz/policy_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cordon::CheckAdvice(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
