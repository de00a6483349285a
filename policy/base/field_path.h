// SPDX-License-Identifier: Apache-2.0
// Paths of fields as people read them: "mounts.bind[3].source".
#ifndef CORDON_POLICY_BASE_FIELD_PATH_H_
#define CORDON_POLICY_BASE_FIELD_PATH_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

// "a.b" of "a" and "b"; "b" when the parent is the whole message ("").
std::string ChildField(absl::string_view parent, absl::string_view name);

// "a.b[3]" of "a.b" and 3.
std::string IndexedField(absl::string_view path, size_t index);

// What contains the field: "a.b[3]" of "a.b[3].c", "a.b" of "a.b[3]", "" of "a".
absl::string_view ParentField(absl::string_view path);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_FIELD_PATH_H_
