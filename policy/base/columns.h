// SPDX-License-Identifier: Apache-2.0
// Text in columns, for people: lines that do not run over the edge of a terminal. Columns are code
// points: continuation bytes of UTF-8 take none.
#ifndef CORDON_POLICY_BASE_COLUMNS_H_
#define CORDON_POLICY_BASE_COLUMNS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cordon {

inline constexpr size_t kColumns = 100;

size_t TextWidth(absl::string_view text);

// The words of `text` in lines of at most `width` columns; a longer word is cut. No line is empty
// or ends in a blank; no words give no lines. `width` is at least 1.
std::vector<std::string> WrapText(absl::string_view text, size_t width);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_COLUMNS_H_
