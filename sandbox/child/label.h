// SPDX-License-Identifier: Apache-2.0
// What the kernel shows of a label of AppArmor, against the one that was asked for. Internal to
// sandbox/child.
#ifndef CORDON_SANDBOX_CHILD_LABEL_H_
#define CORDON_SANDBOX_CHILD_LABEL_H_

namespace cordon::child {

// True when `text` ("A//&B (enforce)", with or without a newline) has exactly the parts of `wanted`
// ("B//&A"), in any order and each once, and at most "unconfined" beside them.
// Kernel: a stack is shown sorted, by the level of the policy namespace and then by name; and a
// host that restricts unprivileged changes of profile stacks "unconfined" with ours.
bool ShowsLabel(const char* text, const char* wanted);

}  // namespace cordon::child

#endif  // CORDON_SANDBOX_CHILD_LABEL_H_
