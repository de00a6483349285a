// SPDX-License-Identifier: Apache-2.0
// Findings of lints as text for people.
#ifndef CORDON_POLICY_LINT_LINT_TEXT_H_
#define CORDON_POLICY_LINT_LINT_TEXT_H_

#include <string>

#include "policy/proto/lint.pb.h"

namespace cordon {

// As compilers print it, one line that begins with the place and ends with the id, then the reason
// and the fix, or why the policy accepts it; each line ends with a newline:
//   p.textproto:9:3: danger: seccomp.rule[0] lets ioctl(0x0, 0x5412) pass [ioctl-tiocsti]
//     why: ...
//     fix: ...
std::string RenderLint(const v1::LintFinding& finding);

// What stands below the first line.
std::string RenderLintNotes(const v1::LintFinding& finding);

}  // namespace cordon

#endif  // CORDON_POLICY_LINT_LINT_TEXT_H_
