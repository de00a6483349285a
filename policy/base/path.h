// SPDX-License-Identifier: Apache-2.0
// Lexical paths: nothing here looks at a file system.
#ifndef CORDON_POLICY_BASE_PATH_H_
#define CORDON_POLICY_BASE_PATH_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

// The canonical form of an absolute path inside the sandbox: one slash between components, no
// trailing slash, no "." components. An error: relative, empty, "..", NUL or a control byte,
// a component over 255 bytes, over 4095 bytes in all.
absl::StatusOr<std::string> CanonicalAbsolutePath(absl::string_view path);

// Joins `path` to `base` when it is relative and removes ".", "..", and double slashes lexically.
std::string LexicalJoin(absl::string_view base, absl::string_view path);

// True when canonical `path` is `dir` or below it.
bool PathIsBelow(absl::string_view path, absl::string_view dir);

// "/a/b" of "/a/b/c"; "/" of "/a". The last component: "c".
absl::string_view ParentPath(absl::string_view canonical);
absl::string_view LastComponent(absl::string_view canonical);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_PATH_H_
