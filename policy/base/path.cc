// SPDX-License-Identifier: Apache-2.0
// Lexical work on paths: strings only. What a path means on a host is decided elsewhere.
#include "policy/base/path.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr size_t kLongestPath = 4095;      // PATH_MAX counts the final NUL
constexpr size_t kLongestComponent = 255;  // NAME_MAX

bool HasControlByte(absl::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

absl::Status BadPath(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", EscapeForPeople(path.substr(0, 80)),
                                                 path.size() > 80 ? "..." : "", "\" ", why));
}

}  // namespace

absl::StatusOr<std::string> CanonicalAbsolutePath(absl::string_view path) {
  if (path.empty()) return absl::InvalidArgumentError("the path is empty");
  if (path.size() > kLongestPath) {
    return BadPath(path, absl::StrCat("is ", path.size(), " bytes long; at most ", kLongestPath,
                                      " are allowed"));
  }
  if (HasControlByte(path)) return BadPath(path, "holds a control byte");
  if (path[0] != '/') return BadPath(path, "is not absolute");
  std::string out;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return BadPath(path, "holds \"..\"; write the path without it");
    if (part.size() > kLongestComponent) {
      return BadPath(path, absl::StrCat("has a component of ", part.size(), " bytes; at most ",
                                        kLongestComponent, " are allowed"));
    }
    absl::StrAppend(&out, "/", part);
  }
  return out.empty() ? "/" : out;
}

std::string LexicalJoin(absl::string_view base, absl::string_view path) {
  const bool path_is_absolute = !path.empty() && path[0] == '/';
  const std::string joined =
      path_is_absolute || base.empty() ? std::string(path) : absl::StrCat(base, "/", path);
  const bool absolute = !joined.empty() && joined[0] == '/';
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(joined, '/')) {
    if (part.empty() || part == ".") continue;
    const bool nothing_above = parts.empty() || parts.back() == "..";
    if (part == ".." && !nothing_above) {
      parts.pop_back();
    } else if (part != ".." || !absolute) {  // "../x" of nothing known stays; "/.." is "/"
      parts.push_back(part);
    }
  }
  const std::string out = absl::StrJoin(parts, "/");
  if (absolute) return absl::StrCat("/", out);
  return out.empty() ? "." : out;
}

bool PathIsBelow(absl::string_view path, absl::string_view dir) {
  if (dir == "/") return !path.empty() && path[0] == '/';
  if (path.substr(0, dir.size()) != dir) return false;
  return path.size() == dir.size() || path[dir.size()] == '/';
}

absl::string_view ParentPath(absl::string_view canonical) {
  const size_t slash = canonical.rfind('/');
  if (slash == absl::string_view::npos || slash == 0) return "/";
  return canonical.substr(0, slash);
}

absl::string_view LastComponent(absl::string_view canonical) {
  const size_t slash = canonical.rfind('/');
  return slash == absl::string_view::npos ? canonical : canonical.substr(slash + 1);
}

}  // namespace cordon
