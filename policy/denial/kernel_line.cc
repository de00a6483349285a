// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/kernel_line.h"

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace cordon {
namespace {

absl::Status Malformed() { return absl::InvalidArgumentError("no record of the kernel's log"); }

bool Digits(absl::string_view text, uint64_t* value) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return absl::SimpleAtoi(text, value);
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Kernel: control bytes, those above 126 and backslashes are written as \xNN (msg_add_ext_text), so
// that a newline ends the text and nothing else.
bool Unescape(absl::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < ' ' || byte > 126) return false;
    if (text[i] != '\\') {
      *out += text[i];
      continue;
    }
    if (text.size() - i < 4 || text[i + 1] != 'x') return false;
    const int high = HexValue(text[i + 2]);
    const int low = HexValue(text[i + 3]);
    if (high < 0 || low < 0) return false;
    *out += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return true;
}

}  // namespace

absl::StatusOr<KernelLine> ParseKernelLine(absl::string_view record) {
  const size_t end = record.find('\n');
  const size_t semicolon = record.find(';');
  if (end == absl::string_view::npos || semicolon > end) return Malformed();
  const std::vector<absl::string_view> header =
      absl::StrSplit(record.substr(0, semicolon), absl::MaxSplits(',', 4));
  uint64_t prefix = 0;
  uint64_t since_boot = 0;
  KernelLine line;
  if (header.size() < 4 || !Digits(header[0], &prefix) || !Digits(header[1], &line.sequence) ||
      !Digits(header[2], &since_boot)) {
    return Malformed();
  }
  // The low three bits are the priority.
  line.by_kernel = prefix >> 3 == 0;
  if (!Unescape(record.substr(semicolon + 1, end - semicolon - 1), &line.text)) return Malformed();
  return line;
}

}  // namespace cordon
