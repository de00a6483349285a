// SPDX-License-Identifier: Apache-2.0
// Any bytes as a path: a canonical form is absolute, has no odd component, and is its own.
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/path.h"

namespace {

void CheckCanonical(const std::string& path) {
  if (path.empty() || path[0] != '/') std::abort();
  if (path.size() > 1 && path.back() == '/') std::abort();
  const std::string ended = absl::StrCat(path, "/");
  for (const char* odd : {"//", "/./", "/../"}) {
    if (path != "/" && absl::StrContains(ended, odd)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto canonical = cordon::CanonicalAbsolutePath(text);
  if (canonical.ok()) {
    CheckCanonical(*canonical);
    if (absl::StrContains(*canonical, '\0')) std::abort();
    if (*cordon::CanonicalAbsolutePath(*canonical) != *canonical) std::abort();
    if (!cordon::PathIsBelow(*canonical, "/")) std::abort();
    if (!cordon::PathIsBelow(*canonical, cordon::ParentPath(*canonical))) std::abort();
  }
  const std::string joined = cordon::LexicalJoin("/base/dir", text);
  CheckCanonical(joined);
  if (cordon::LexicalJoin("/", joined) != joined) std::abort();
  return 0;
}
