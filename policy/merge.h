// SPDX-License-Identifier: Apache-2.0
// One step of `extends:`: a policy laid over its base. Entry point: MergePolicies. Knows nothing
// of files or chains (resolve.h) and checks nothing (validate.h).
#ifndef CORDON_POLICY_MERGE_H_
#define CORDON_POLICY_MERGE_H_

#include "policy/parse.h"

namespace cordon {

// Singular fields set in `over` replace those of `base`, repeated ones are appended, except that
// an entry of `over` takes the place of inherited ones:
//   environment          of the same name
//   mounts               of the same target, whatever kind they are
//   seccomp.rule         its calls leave inherited rules
//   seccomp.allow, kill  a group leaves the inherited list of the other kind
//   cgroup.io            of the same device
//   accept_lint          of the same id
//   landlock.file        of the same path
// An inherited default_errno goes when `over` sets a default_action that has none.
// `extends` and `description` of the base are dropped. Name and file are those of `over`; the name
// of the base is added to `bases`.
ParsedPolicy MergePolicies(const ParsedPolicy& base, const ParsedPolicy& over);

}  // namespace cordon

#endif  // CORDON_POLICY_MERGE_H_
