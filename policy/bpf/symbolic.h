// SPDX-License-Identifier: Apache-2.0
// A BPF program as a function of the call it judges, found by walking all of its paths. Entry
// point: GraphOfProgram.
#ifndef CORDON_POLICY_BPF_SYMBOLIC_H_
#define CORDON_POLICY_BPF_SYMBOLIC_H_

#include "absl/status/statusor.h"
#include "policy/bpf/decision_graph.h"
#include "policy/bpf/program.h"

namespace cordon {

// Exact for programs that load words of the call, mask them with constants, compare them with
// constants and return constants; that is all that filters of calls are made of. UNIMPLEMENTED with
// the instruction for anything else (arithmetic, the index register, scratch memory), and
// RESOURCE_EXHAUSTED when the function needs more nodes than the graph may have: a filter that
// cannot be understood is not used.
absl::StatusOr<DecisionGraph::Node> GraphOfProgram(const BpfProgram& program, DecisionGraph* graph);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_SYMBOLIC_H_
