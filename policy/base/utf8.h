// SPDX-License-Identifier: Apache-2.0
// Strict UTF-8: one decoder for everything that reads text from strangers or shows it to people.
// Overlong forms, surrogates and values above U+10FFFF are invalid.
#ifndef CORDON_POLICY_BASE_UTF8_H_
#define CORDON_POLICY_BASE_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

struct Utf8Char {
  char32_t code = 0;
  size_t length = 0;  // bytes taken; 0 when the bytes at the position are invalid
};

// The character that begins at text[position]; `position` must be below text.size().
Utf8Char DecodeUtf8(absl::string_view text, size_t position);

// Offset of the first byte that is not valid UTF-8, or npos.
size_t FindInvalidUtf8(absl::string_view text);

// C0 and C1 controls and DEL: what can steer a terminal.
bool IsControl(char32_t code);

// Characters that make text read otherwise than it is written: bidirectional embeddings,
// overrides and isolates, line and paragraph separators, byte order mark.
bool IsDeceptive(char32_t code);

// Appends the UTF-8 form of a valid code point.
void AppendUtf8(char32_t code, std::string* out);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_UTF8_H_
