// SPDX-License-Identifier: Apache-2.0
// Questions about the meaning of a filter, answered for all arguments. Entry point: FilterView.
#ifndef CORDON_POLICY_LINT_FILTER_VIEW_H_
#define CORDON_POLICY_LINT_FILTER_VIEW_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/bpf/decision_graph.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

class FilterView {
 public:
  // `rules` must outlive the view.
  FilterView(const v1::SeccompRules& rules, Architecture architecture);

  // Some call of this name for which `when` holds (see ParseConditions) and that passes (ALLOW or
  // LOG); nullopt when there is none. Exact: every value of every argument is covered, also those
  // with bits that the kernel does not read.
  absl::StatusOr<absl::optional<CallSample>> FirstPassing(absl::string_view call,
                                                          absl::string_view when);

  // True when these rules decide every call like those of the view.
  absl::StatusOr<bool> SameMeaning(const v1::SeccompRules& rules);

  // The SECCOMP_RET_ value for a call with these arguments zero; nullopt when the architecture has
  // no such call.
  absl::StatusOr<absl::optional<uint32_t>> AnswerToZeros(absl::string_view call) const;

  // The policy field that decides about the call: "seccomp.rule[2]", "seccomp.default_action".
  std::string DecidedBy(const CallSample& call) const;

  Architecture architecture() const { return architecture_; }

 private:
  absl::Status Undecided() const;

  const v1::SeccompRules& rules_;
  const Architecture architecture_;
  DecisionGraph graph_;
  DecisionGraph::Node meaning_;
};

// True for SECCOMP_RET_ALLOW and SECCOMP_RET_LOG.
bool AnswerPasses(uint32_t answer);

// "ioctl(0x0, 0x5412)": the arguments up to the last that is not zero.
std::string ShortCallText(const CallSample& call, Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_LINT_FILTER_VIEW_H_
