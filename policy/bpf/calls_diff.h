// SPDX-License-Identifier: Apache-2.0
// What one filter lets a job do that another does not, decided for all calls by the engine of the
// prover (decision_graph.h). Entry point: CallsWidened.
#ifndef CORDON_POLICY_BPF_CALLS_DIFF_H_
#define CORDON_POLICY_BPF_CALLS_DIFF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// From strict to loose: the call ends the job; it fails (listed or not); it is made (logged
// or not).
enum class Answer { kKills = 0, kFails = 1, kRuns = 2 };
Answer AnswerOf(uint32_t seccomp_return);

// Arguments of one call that both filters answer alike.
struct CallWidening {
  uint32_t number = 0;
  std::string call;  // "" for all numbers that have no name
  // Which arguments, in words: "any arguments", "argument 1 = 0x5401", "argument 2 from 0x10 to
  // 0x1f and argument 0 & 0xf = 0x3"; alternatives are separate entries.
  std::string arguments;
  Answer before = Answer::kKills;
  Answer after = Answer::kKills;
  std::string field;   // of the policy of `after`; "" for its default action
  CallSample example;  // a call on which they differ
};

// Every call that `after` answers more loosely than `before`, by number; empty exactly when there
// is none. Both rule sets must be for `architecture`. A call with more than eight regions is given
// by seven and "other arguments". RESOURCE_EXHAUSTED as the prover.
absl::StatusOr<std::vector<CallWidening>> CallsWidened(const v1::SeccompRules& before,
                                                       const v1::SeccompRules& after,
                                                       Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CALLS_DIFF_H_
