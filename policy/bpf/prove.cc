// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/prove.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/base/status.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/symbolic.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;

constexpr absl::string_view kHint =
    "write the rules on this call in another way, for instance with masked_equals or any_of in "
    "place of several ordering comparisons";

constexpr uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t High(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

// (argument & mask) == value, as two words.
Node EqualArgument(uint32_t low_word, uint64_t mask, uint64_t value, DecisionGraph* graph) {
  return graph->And(graph->Equal(low_word + 1, High(mask), High(value)),
                    graph->Equal(low_word, Low(mask), Low(value)));
}

// argument > value or >= value: the upper halves decide unless they are equal.
Node AboveArgument(uint32_t low_word, uint64_t value, bool or_equal, DecisionGraph* graph) {
  return graph->Or(graph->Above(low_word + 1, UINT32_MAX, High(value), false),
                   graph->And(graph->Equal(low_word + 1, UINT32_MAX, High(value)),
                              graph->Above(low_word, UINT32_MAX, Low(value), or_equal)));
}

// As Holds in meaning.cc; an argument that does not exist satisfies nothing.
Node GraphOfCompare(const v1::ArgCompare& compare, DecisionGraph* graph) {
  if (compare.arg() >= std::tuple_size<decltype(CallSample::args)>::value) return graph->False();
  const uint32_t word = kWordArgs + 2 * compare.arg();
  const uint64_t value = compare.value();
  switch (compare.op()) {
    case v1::ArgCompare::EQ:
      return EqualArgument(word, UINT64_MAX, value, graph);
    case v1::ArgCompare::NE:
      return graph->Not(EqualArgument(word, UINT64_MAX, value, graph));
    case v1::ArgCompare::LT:
      return graph->Not(AboveArgument(word, value, true, graph));
    case v1::ArgCompare::LE:
      return graph->Not(AboveArgument(word, value, false, graph));
    case v1::ArgCompare::GT:
      return AboveArgument(word, value, false, graph);
    case v1::ArgCompare::GE:
      return AboveArgument(word, value, true, graph);
    case v1::ArgCompare::MASKED_EQ:
      return EqualArgument(word, compare.mask(), value, graph);
    default:
      return graph->False();
  }
}

Node GraphOfRule(const v1::SyscallRule& rule, Node otherwise, DecisionGraph* graph) {
  Node matches = graph->True();
  for (const v1::ArgCompare& compare : rule.when()) {
    matches = graph->And(matches, GraphOfCompare(compare, graph));
  }
  return graph->Choose(matches, graph->Leaf(ReturnValue(rule.action())), otherwise);
}

// As IsX32 in meaning.cc.
Node X32(DecisionGraph* graph) {
  const Node with_bit = graph->And(graph->Above(kWordNumber, UINT32_MAX, uapi::kX32Bit, true),
                                   graph->Not(graph->Equal(kWordNumber, UINT32_MAX, UINT32_MAX)));
  const Node old =
      graph->And(graph->Above(kWordNumber, UINT32_MAX, uapi::kX32OldFirst, true),
                 graph->Not(graph->Above(kWordNumber, UINT32_MAX, uapi::kX32OldLast, false)));
  return graph->Or(with_bit, old);
}

// One step down, to where the functions still differ: as `like` goes, if that will do. False when
// both have answered.
bool DescendLike(const DecisionGraph& graph, const CallSample& like, Node* a, Node* b,
                 CallSample* call) {
  const uint32_t variable = std::min(graph.Variable(*a), graph.Variable(*b));
  const CallBit at = BitOf(variable);
  bool bit = (WordOf(like, at.word) >> at.bit & 1) != 0;
  if (graph.Cofactor(*a, variable, bit) == graph.Cofactor(*b, variable, bit)) bit = !bit;
  *a = graph.Cofactor(*a, variable, bit);
  *b = graph.Cofactor(*b, variable, bit);
  AssignBit(at.word, at.bit, bit, call);
  return !graph.IsLeaf(*a) || !graph.IsLeaf(*b);
}

}  // namespace

Node GraphOfRules(const v1::SeccompRules& rules, Architecture architecture, DecisionGraph* graph) {
  const Node kill = graph->Leaf(SECCOMP_RET_KILL_PROCESS);
  const Node preset = graph->Leaf(ReturnValue(rules.default_action()));
  Node all = preset;
  // Backwards: the first rule on a number that matches decides, so it is laid on last.
  for (int last = rules.rule_size() - 1; last >= 0;) {
    const uint32_t number = rules.rule(last).number();
    Node call = preset;
    for (; last >= 0 && rules.rule(last).number() == number; --last) {
      call = GraphOfRule(rules.rule(last), call, graph);
    }
    all = graph->ChooseEqual(kWordNumber, UINT32_MAX, number, call, all);
  }
  if (rules.unknown_from() != 0) {
    all = graph->Choose(graph->Above(kWordNumber, UINT32_MAX, rules.unknown_from(), true),
                        graph->Leaf(kReturnNoSuchCall), all);
  }
  if (architecture == Architecture::kX86_64) all = graph->Choose(X32(graph), kill, all);
  return graph->ChooseEqual(kWordArchitecture, UINT32_MAX, AuditArchitecture(architecture), all,
                            kill);
}

absl::optional<CallSample> FirstDifference(const DecisionGraph& graph, Node a, Node b,
                                           const CallSample& like) {
  if (a == b) return absl::nullopt;
  CallSample call = like;
  if (graph.IsLeaf(a) && graph.IsLeaf(b)) return call;
  // The graph is reduced: different nodes differ behind at least one of their branches.
  while (DescendLike(graph, like, &a, &b, &call)) {
  }
  return call;
}

absl::StatusOr<Proof> Prove(const v1::SeccompRules& rules, const BpfProgram& program,
                            Architecture architecture) {
  DecisionGraph graph;
  const Node meaning = GraphOfRules(rules, architecture, &graph);
  CORDON_ASSIGN_OR_RETURN(const Node filter, GraphOfProgram(program, &graph));
  Proof proof;
  proof.nodes = graph.size();
  CallSample like;
  like.architecture = AuditArchitecture(architecture);
  const absl::optional<CallSample> call = FirstDifference(graph, meaning, filter, like);
  if (!call.has_value()) return proof;
  proof.differs = {*call, MeaningOf(rules, architecture, *call), Evaluate(program, *call)};
  if (proof.differs->expected == proof.differs->got) {
    return Error(absl::StatusCode::kInternal,
                 absl::StrCat("the prover is at fault: filter and rules agree on ",
                              CallText(*call, architecture), ", where it sees a difference"));
  }
  return proof;
}

absl::Status ProveFilter(const v1::SeccompRules& rules, const BpfProgram& program,
                         Architecture architecture) {
  CORDON_ASSIGN_OR_RETURN(const Proof proof, Prove(rules, program, architecture));
  if (!proof.differs.has_value()) return absl::OkStatus();
  const CounterExample& found = *proof.differs;
  return Error(
             absl::StatusCode::kInternal,
             absl::StrCat("the assembled filter differs from its rules: to ",
                          CallText(found.call, architecture), " it answers ", AnswerText(found.got),
                          " where the rules say ", AnswerText(found.expected)))
      .Hint(kHint);
}

std::string CallText(const CallSample& call, Architecture architecture) {
  const bool native = call.architecture == AuditArchitecture(architecture);
  const std::string name = native ? SyscallName(call.number, architecture) : "";
  std::string text = name.empty() ? "a call" : name;
  size_t shown = call.args.size();
  while (shown > 0 && call.args[shown - 1] == 0) --shown;
  const char* separator = "(";
  for (size_t i = 0; i < shown; ++i) {
    absl::StrAppendFormat(&text, "%s0x%x", separator, call.args[i]);
    separator = ", ";
  }
  if (shown > 0) text += ")";
  return absl::StrCat(
      text, absl::StrFormat(" (number 0x%x, architecture 0x%08x)", call.number, call.architecture));
}

std::string AnswerText(uint32_t answer) {
  if (answer == SECCOMP_RET_ALLOW) return "ALLOW";
  if (answer == SECCOMP_RET_LOG) return "LOG";
  if (answer == SECCOMP_RET_KILL_PROCESS) return "KILL";
  if (answer == SECCOMP_RET_USER_NOTIF) return "NOTIFY";
  if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
    return absl::StrCat("ERRNO ", ErrnoName(static_cast<int>(answer & SECCOMP_RET_DATA)));
  }
  return absl::StrFormat("0x%08x", answer);
}

}  // namespace cordon
