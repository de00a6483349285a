// SPDX-License-Identifier: Apache-2.0
// Field paths: joining and taking apart.
#include "policy/base/field_path.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace cordon {

std::string ChildField(absl::string_view parent, absl::string_view name) {
  return parent.empty() ? std::string(name) : absl::StrCat(parent, ".", name);
}

std::string IndexedField(absl::string_view path, size_t index) {
  return absl::StrCat(path, "[", index, "]");
}

absl::string_view ParentField(absl::string_view path) {
  const size_t cut = path.find_last_of(".[");
  return cut == absl::string_view::npos ? absl::string_view() : path.substr(0, cut);
}

}  // namespace cordon
