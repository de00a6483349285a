// SPDX-License-Identifier: Apache-2.0
// What a policy would have to say for a call that it answered with KILL: the smallest text, checked
// before it is shown. PURE. Entry points: AllowanceOf, AddAllowance.
#ifndef CORDON_POLICY_ALLOW_CALL_H_
#define CORDON_POLICY_ALLOW_CALL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/normalize.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"

namespace cordon {

struct Allowance {
  // Text of the policy language for a policy that extends the one that was broken:
  //   seccomp { rule { calls: "socket" when { arg: 0 equals: "AF_INET" } action: ALLOW } }
  // It lets the call pass, and of the same call nothing that differs in an argument that it names
  // but what passed before. Arguments are named where the policy looks at them, and where they
  // choose what the call does (the request of ptrace). Rules on the call that the new one displaces
  // stand in it again. Empty when there is none; a note says why.
  std::string policy;
  std::string group;  // the least risky group that lets it pass as well, with others; "": none
  std::vector<std::string> notes;
};

// `policy` is the one that the job ran under. INVALID_ARGUMENT when the violation is no call of a
// known architecture.
absl::StatusOr<Allowance> AllowanceOf(const NormalPolicy& policy,
                                      const v1::CallViolation& violation);

// Fills the allow_ fields of a violation. What a ceiling of the policy forbids is not offered, and
// what a lint says of the new rule is added. `profiles` are where ceilings are found.
absl::Status AddAllowance(const NormalPolicy& policy, ProfileSource& profiles,
                          v1::CallViolation* violation);

}  // namespace cordon

#endif  // CORDON_POLICY_ALLOW_CALL_H_
