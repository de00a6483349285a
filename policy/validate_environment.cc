// SPDX-License-Identifier: Apache-2.0
// Checks of environment variables. Values were checked for control bytes by message_check.h.
#include "policy/validate_environment.h"

#include <cstddef>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/field_scan.h"

namespace cordon {
namespace {

bool IsName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

}  // namespace

void CheckEnvironment(const google::protobuf::RepeatedPtrField<v1::Variable>& variables,
                      absl::string_view path, Violations* violations) {
  std::set<std::string> names;
  for (int i = 0; i < variables.size(); ++i) {
    const std::string& name = variables[i].name();
    const std::string field = ChildField(IndexedField(path, static_cast<size_t>(i)), "name");
    if (!IsName(name)) {
      violations->Add(field, absl::StrCat(Excerpt(name),
                                          " is not a name of letters, digits and _ "
                                          "that begins with no digit"));
    } else if (!names.insert(name).second) {
      violations->Add(field, absl::StrCat(Excerpt(name), " is set twice"));
    }
  }
}

}  // namespace cordon
