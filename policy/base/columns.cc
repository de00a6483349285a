// SPDX-License-Identifier: Apache-2.0
#include "policy/base/columns.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace cordon {
namespace {

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// The longest start of `text` that is `width` columns wide.
absl::string_view Head(absl::string_view text, size_t width) {
  size_t end = 0;
  for (size_t columns = 0; end < text.size(); ++end) {
    if (StartsCharacter(text[end]) && ++columns > width) break;
  }
  return text.substr(0, end);
}

}  // namespace

size_t TextWidth(absl::string_view text) {
  size_t width = 0;
  for (const char c : text) width += StartsCharacter(c) ? 1 : 0;
  return width;
}

std::vector<std::string> WrapText(absl::string_view text, size_t width) {
  std::vector<std::string> lines;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!lines.empty() && TextWidth(lines.back()) + 1 + TextWidth(word) <= width) {
      absl::StrAppend(&lines.back(), " ", word);
      continue;
    }
    while (TextWidth(word) > width) {
      const absl::string_view head = Head(word, width);
      lines.emplace_back(head);
      word.remove_prefix(head.size());
    }
    lines.emplace_back(word);
  }
  return lines;
}

}  // namespace cordon
