// SPDX-License-Identifier: Apache-2.0
// Paths as patterns of AppArmor's language: the one place that knows its quoting. Source of facts:
// apparmor.d(5), and the automata that apparmor_parser 3.0 and 4.1 make of every byte.
#ifndef CORDON_POLICY_APPARMOR_PATTERN_H_
#define CORDON_POLICY_APPARMOR_PATTERN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

// True when a path can stand in a rule: absolute, not "/", without empty, "." and ".." components
// and without NUL, the one byte that AppArmor has no escape for.
bool IsRulePath(absl::string_view path);

// `path` so that it matches itself and nothing else, to be put between double quotes. ASCII
// letters, digits and the bytes / . _ - + : = % ~ stay; every other byte becomes a backslash and
// three octal digits, which the parser takes for the byte itself and never for syntax.
std::string EscapedPath(absl::string_view path);

// Patterns that match `base` as a file, as a directory and everything below it, except what is the
// same of each of `holes`. The holes are paths below `base`, none inside another. Without holes it
// is one pattern; each byte of a hole's path costs one more, since the language knows "not this
// byte" and not "not this path". INVALID_ARGUMENT when they would take over a MiB.
absl::StatusOr<std::vector<std::string>> SubtreeWithout(absl::string_view base,
                                                        const std::vector<std::string>& holes);

}  // namespace cordon

#endif  // CORDON_POLICY_APPARMOR_PATTERN_H_
