// SPDX-License-Identifier: Apache-2.0
// What it would cost to lay a piece of policy text over a policy. For advice: nothing is changed.
#ifndef CORDON_POLICY_ADDITION_COST_H_
#define CORDON_POLICY_ADDITION_COST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/normalize.h"
#include "policy/resolve.h"

namespace cordon {

struct AdditionCost {
  std::string forbidden;  // by which ceiling of the policy; empty: by none
  // What a lint says of the policy with the text, and does not say without.
  std::vector<std::string> notes;
};

// `text` is a text policy. `profiles` are where ceilings are found.
absl::StatusOr<AdditionCost> CostOfAddition(const NormalPolicy& policy, absl::string_view text,
                                            ProfileSource& profiles);

// The policy with the text laid over it.
absl::StatusOr<NormalPolicy> WithAddition(const NormalPolicy& policy, absl::string_view text);

}  // namespace cordon

#endif  // CORDON_POLICY_ADDITION_COST_H_
