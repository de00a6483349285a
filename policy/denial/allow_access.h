// SPDX-License-Identifier: Apache-2.0
// Which part of a policy forbids what a security module denied, and the smallest text that would
// allow it. Entry point: AccessAdvice. Pure.
#ifndef CORDON_POLICY_DENIAL_ALLOW_ACCESS_H_
#define CORDON_POLICY_DENIAL_ALLOW_ACCESS_H_

#include <cstddef>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "policy/addition_cost.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"

namespace cordon {

// Of all denials of one job. Each text is compiled once, and only the first few that differ are: a
// job chooses what it is denied, and how long the supervisor looks at it is not its choice.
class AccessAdvice {
 public:
  static constexpr size_t kMostTexts = 8;

  // `plan` is what the job ran under on the host of `facts`, compiled from `policy` and what the
  // job itself asked for. `profiles` are where ceilings are found. All must outlive this.
  AccessAdvice(const NormalPolicy& policy, const v1::HostFacts& facts, const v1::Plan& plan,
               ProfileSource& profiles)
      : policy_(policy), facts_(facts), plan_(plan), profiles_(profiles) {}

  // Fills decided_by and the allow_ fields of a denial. A text is only offered when a
  // policy with it compiles, has the right, and no ceiling forbids it.
  void AddTo(v1::Denial* denial);

 private:
  struct Tried {
    v1::Plan plan;  // of the policy with the text
    AdditionCost cost;
  };
  absl::StatusOr<Tried> Try(const std::string& text) const;

  const NormalPolicy& policy_;
  const v1::HostFacts& facts_;
  const v1::Plan& plan_;
  ProfileSource& profiles_;
  std::map<std::string, absl::StatusOr<Tried>> tried_;
};

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_ALLOW_ACCESS_H_
