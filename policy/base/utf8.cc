// SPDX-License-Identifier: Apache-2.0
// The decoder of utf8.h. Works on bytes alone: no locale, no tables, no allocation.
#include "policy/base/utf8.h"

#include <string>

#include "absl/strings/string_view.h"

namespace cordon {
namespace {

constexpr char32_t kLargestCodePoint = 0x10FFFF;

unsigned ByteAt(absl::string_view text, size_t position) {
  return static_cast<unsigned char>(text[position]);
}

bool IsSurrogate(char32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

struct LeadByte {
  size_t length = 0;      // 0: not a lead byte
  char32_t bits = 0;      // payload of the lead byte
  char32_t smallest = 0;  // anything below is an overlong form
};

LeadByte ClassifyLead(unsigned byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xC2 && byte < 0xE0) return {2, byte & 0x1F, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {3, byte & 0x0F, 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return {4, byte & 0x07, 0x10000};
  return {};
}

char Continuation(char32_t code, unsigned shift) {
  return static_cast<char>(0x80 | ((code >> shift) & 0x3F));
}

}  // namespace

Utf8Char DecodeUtf8(absl::string_view text, size_t position) {
  const LeadByte lead = ClassifyLead(ByteAt(text, position));
  if (lead.length == 0 || text.size() - position < lead.length) return {};
  char32_t code = lead.bits;
  for (size_t i = 1; i < lead.length; ++i) {
    const unsigned byte = ByteAt(text, position + i);
    if ((byte & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte & 0x3F);
  }
  if (code < lead.smallest || code > kLargestCodePoint || IsSurrogate(code)) return {};
  return {code, lead.length};
}

size_t FindInvalidUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = DecodeUtf8(text, i).length;
    if (length == 0) return i;
    i += length;
  }
  return absl::string_view::npos;
}

bool IsControl(char32_t code) { return code < 0x20 || (code >= 0x7F && code <= 0x9F); }

bool IsDeceptive(char32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x2028 || code == 0x2029 || code == 0xFEFF;
}

void AppendUtf8(char32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code >> 6)));
    out->push_back(Continuation(code, 0));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (code >> 12)));
    out->push_back(Continuation(code, 6));
    out->push_back(Continuation(code, 0));
  } else {
    out->push_back(static_cast<char>(0xF0 | (code >> 18)));
    out->push_back(Continuation(code, 12));
    out->push_back(Continuation(code, 6));
    out->push_back(Continuation(code, 0));
  }
}

}  // namespace cordon
