// SPDX-License-Identifier: Apache-2.0
// The proof that a filter does what its rules mean, for every call that can be made: each
// architecture, number and argument, 2^512 inputs. Entry point: ProveFilter, which every compile
// runs: what is not proven is not used.
#ifndef CORDON_POLICY_BPF_PROVE_H_
#define CORDON_POLICY_BPF_PROVE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "policy/bpf/decision_graph.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/program.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// A call on which filter and rules differ, and both answers (SECCOMP_RET_ values).
struct CounterExample {
  CallSample call;
  uint32_t expected = 0;
  uint32_t got = 0;
};

struct Proof {
  size_t nodes = 0;  // decisions that were needed; what the proof cost
  absl::optional<CounterExample> differs;
};

// The rules as a function of the call; the same meaning as MeaningOf (meaning.h).
DecisionGraph::Node GraphOfRules(const v1::SeccompRules& rules, Architecture architecture,
                                 DecisionGraph* graph);

// Some call on which the functions differ; nullopt when there is none. It is `like` where that
// makes no difference, so that zeros make it short to read.
absl::optional<CallSample> FirstDifference(const DecisionGraph& graph, DecisionGraph::Node a,
                                           DecisionGraph::Node b, const CallSample& like);

// Walks all paths of the program. `differs` is empty when it is proven. Not OK when the program is
// beyond the prover (symbolic.h); a counter-example is confirmed by running the program on it, and
// INTERNAL says that the prover itself is at fault when it does not hold.
absl::StatusOr<Proof> Prove(const v1::SeccompRules& rules, const BpfProgram& program,
                            Architecture architecture);

// Prove as a gate: INTERNAL with the counter-example in words when they differ.
absl::Status ProveFilter(const v1::SeccompRules& rules, const BpfProgram& program,
                         Architecture architecture);

// "ioctl(0x0, 0x5412) (number 0x10, architecture 0xc000003e)".
std::string CallText(const CallSample& call, Architecture architecture);
// "ALLOW", "ERRNO EPERM", "KILL", "LOG".
std::string AnswerText(uint32_t answer);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_PROVE_H_
