// SPDX-License-Identifier: Apache-2.0
// Escapes paths, and takes subtrees out of subtrees.
#include "policy/apparmor/pattern.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/base/path.h"

namespace cordon {
namespace {

constexpr uint64_t kMaxPatternBytes = uint64_t{1} << 20;
constexpr uint64_t kEscapedBytes = 4;  // of one byte: "\ooo"

void AppendEscaped(char c, std::string* out) {
  constexpr absl::string_view kPlain = "/._-+:=%~";
  const auto byte = static_cast<unsigned char>(c);
  if (absl::ascii_isalnum(byte) || kPlain.find(c) != absl::string_view::npos) {
    *out += c;
    return;
  }
  *out += '\\';
  *out += static_cast<char>('0' + (byte >> 6));
  *out += static_cast<char>('0' + ((byte >> 3) & 7));
  *out += static_cast<char>('0' + (byte & 7));
}

// "[^...]": any byte but these. A comma stays as it is: the parser keeps the backslash of an
// escaped one, and the class would exclude that too.
std::string NoneOf(const std::set<char>& bytes) {
  std::string out = "[^";
  for (const char c : bytes) {
    if (c == ',') {
      out += c;
    } else {
      AppendEscaped(c, &out);
    }
  }
  return out + "]";
}

// What may follow one prefix of the holes' paths.
struct PrefixNode {
  std::set<char> next;
  bool is_hole = false;  // a hole's path ends here
};

}  // namespace

bool IsRulePath(absl::string_view path) {
  if (path.size() < 2 || path[0] != '/') return false;
  if (path.find('\0') != absl::string_view::npos) return false;
  return LexicalJoin("", path) == path;
}

std::string EscapedPath(absl::string_view path) {
  std::string out;
  for (const char c : path) AppendEscaped(c, &out);
  return out;
}

absl::StatusOr<std::vector<std::string>> SubtreeWithout(absl::string_view base,
                                                        const std::vector<std::string>& holes) {
  const std::string start = EscapedPath(base);
  if (holes.empty()) return std::vector<std::string>{absl::StrCat(start, "{,/,/**}")};

  uint64_t cost = 0;
  for (const std::string& hole : holes) cost += hole.size() * (hole.size() - base.size());
  if (cost * kEscapedBytes > kMaxPatternBytes) {
    return absl::InvalidArgumentError(
        "AppArmor has no short way to leave out what has more rights inside: the paths are too "
        "long");
  }

  std::map<std::string, PrefixNode> nodes;  // by what stands behind `base`; sorted for one output
  for (const std::string& hole : holes) {
    const std::string rest = hole.substr(base.size());  // begins with a slash
    for (size_t i = 1; i < rest.size(); ++i) nodes[rest.substr(0, i)].next.insert(rest[i]);
    nodes[rest].is_hole = true;
    nodes[rest].next.insert('/');
  }
  std::vector<std::string> patterns = {start};
  for (const auto& [prefix, node] : nodes) {
    const std::string others = absl::StrCat(NoneOf(node.next), "**");
    patterns.push_back(absl::StrCat(start, EscapedPath(prefix),
                                    node.is_hole ? others : absl::StrCat("{,", others, "}")));
  }
  return patterns;
}

}  // namespace cordon
