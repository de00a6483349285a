// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/terminal_text.h"

#include <cstddef>

#include "absl/strings/str_format.h"
#include "policy/base/utf8.h"

namespace cordon {
namespace {

// No character of UTF-8 is longer.
constexpr size_t kLongest = 4;

void AppendEscaped(absl::string_view bytes, std::string* out) {
  for (const char byte : bytes) {
    absl::StrAppendFormat(out, "\\x%02x", static_cast<unsigned char>(byte));
  }
}

// Whether more bytes could make a character of these, which are not one yet.
bool MayBecomeCharacter(absl::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const size_t length = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (bytes.size() >= length) return false;
  for (const char byte : bytes.substr(1)) {
    if ((static_cast<unsigned char>(byte) & 0xC0) != 0x80) return false;
  }
  return true;
}

bool IsPlain(char32_t code) {
  return code == '\n' || code == '\t' || (!IsControl(code) && !IsDeceptive(code));
}

}  // namespace

void TerminalText::Append(absl::string_view bytes, std::string* out) {
  std::string joined;
  if (!begun_.empty()) {
    joined = begun_ + std::string(bytes);
    begun_.clear();
    bytes = joined;
  }
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char character = DecodeUtf8(bytes, i);
    if (character.length == 0) {
      const absl::string_view rest = bytes.substr(i);
      if (rest.size() < kLongest && MayBecomeCharacter(rest)) {
        begun_ = std::string(rest);
        return;
      }
      AppendEscaped(bytes.substr(i, 1), out);
      ++i;
      continue;
    }
    const absl::string_view form = bytes.substr(i, character.length);
    if (IsPlain(character.code)) {
      out->append(form.data(), form.size());
    } else {
      AppendEscaped(form, out);
    }
    i += character.length;
  }
}

void TerminalText::Finish(std::string* out) {
  AppendEscaped(begun_, out);
  begun_.clear();
}

}  // namespace cordon
