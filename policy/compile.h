// SPDX-License-Identifier: Apache-2.0
// NormalPolicy x HostFacts -> Plan: pure, deterministic. A REQUIRED layer that the facts cannot
// give is FAILED_PRECONDITION naming the layer, the field and what to do.
#ifndef CORDON_POLICY_COMPILE_H_
#define CORDON_POLICY_COMPILE_H_

#include <utility>

#include "absl/status/statusor.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Holding one means that every layer compiled and that the seccomp filter was proven to mean its
// rules (bpf/prove.h).
class CompiledPlan {
 public:
  // Returns all errors of all layers, not only the first. `candidate` may be a filter that was
  // assembled for this policy before (plan_file.h): it saves the assembling, and is proven like any
  // other.
  static absl::StatusOr<CompiledPlan> Make(const NormalPolicy& policy, const v1::HostFacts& facts,
                                           absl::string_view candidate = "");

  const v1::Plan& proto() const { return plan_; }

 private:
  explicit CompiledPlan(v1::Plan plan) : plan_(std::move(plan)) {}
  v1::Plan plan_;
};

// What exec gets. argv[0] with a slash is used as it is (relative: to the working directory);
// without one it is looked for in the PATH of the job's environment.
absl::StatusOr<v1::LaunchPlan> CompileLaunch(const v1::JobSpec& job, const CompiledPlan& plan);

}  // namespace cordon

#endif  // CORDON_POLICY_COMPILE_H_
