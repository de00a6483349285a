// SPDX-License-Identifier: Apache-2.0
// A question is a filter of its own, which lets pass what is asked about; the answer is a call that
// both filters let pass. So a condition means here what it means in a policy.
#include "policy/lint/filter_view.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "policy/bpf/condition.h"
#include "policy/bpf/prove.h"
#include "policy/bpf/rules.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;

// Walks two functions side by side for a call that passes both. Tries a zero bit first, which makes
// the call short to read. Recursion is as deep as a call has bits.
class BothPass {
 public:
  explicit BothPass(const DecisionGraph& graph) : graph_(graph) {}

  bool Find(Node a, Node b, CallSample* call) {
    if (!seen_.insert({a, b}).second) return false;
    if (graph_.IsLeaf(a) && graph_.IsLeaf(b)) {
      return AnswerPasses(graph_.Answer(a)) && AnswerPasses(graph_.Answer(b));
    }
    const uint32_t variable = std::min(graph_.Variable(a), graph_.Variable(b));
    const CallBit bit = BitOf(variable);
    for (const bool on : {false, true}) {
      AssignBit(bit.word, bit.bit, on, call);
      if (Find(graph_.Cofactor(a, variable, on), graph_.Cofactor(b, variable, on), call)) {
        return true;
      }
    }
    AssignBit(bit.word, bit.bit, false, call);
    return false;
  }

 private:
  const DecisionGraph& graph_;
  std::set<std::pair<Node, Node>> seen_;  // pairs without such a call, or on the way to it
};

absl::StatusOr<v1::SeccompRules> AskedRules(absl::string_view call, absl::string_view when,
                                            Architecture architecture) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<v1::Condition> conditions, ParseConditions(when));
  v1::Seccomp asked;
  asked.set_default_action(v1::Seccomp::KILL);
  v1::Rule* rule = asked.add_rule();
  rule->add_calls(std::string(call));
  rule->set_action(v1::Seccomp::ALLOW);
  for (const v1::Condition& condition : conditions) *rule->add_when() = condition;
  return BuildRules(asked, architecture);
}

}  // namespace

bool AnswerPasses(uint32_t answer) {
  return answer == SECCOMP_RET_ALLOW || answer == SECCOMP_RET_LOG;
}

std::string ShortCallText(const CallSample& call, Architecture architecture) {
  size_t count = call.args.size();
  while (count > 0 && call.args[count - 1] == 0) --count;
  std::vector<std::string> args;
  for (size_t i = 0; i < count; ++i) args.push_back(absl::StrCat("0x", absl::Hex(call.args[i])));
  return absl::StrCat(SyscallName(call.number, architecture), "(", absl::StrJoin(args, ", "), ")");
}

FilterView::FilterView(const v1::SeccompRules& rules, Architecture architecture)
    : rules_(rules),
      architecture_(architecture),
      meaning_(GraphOfRules(rules, architecture, &graph_)) {}

absl::Status FilterView::Undecided() const {
  return Error(absl::StatusCode::kResourceExhausted,
               "the filter has too many conditions to be examined")
      .Stage("lint")
      .Field("seccomp");
}

absl::StatusOr<absl::optional<CallSample>> FilterView::FirstPassing(absl::string_view call,
                                                                    absl::string_view when) {
  CORDON_ASSIGN_OR_RETURN(const v1::SeccompRules asked, AskedRules(call, when, architecture_));
  const Node question = GraphOfRules(asked, architecture_, &graph_);
  if (graph_.overflowed()) return Undecided();
  CallSample sample;
  if (!BothPass(graph_).Find(question, meaning_, &sample)) return absl::optional<CallSample>();
  return absl::make_optional(sample);
}

absl::StatusOr<bool> FilterView::SameMeaning(const v1::SeccompRules& rules) {
  const Node other = GraphOfRules(rules, architecture_, &graph_);
  if (graph_.overflowed()) return Undecided();
  return other == meaning_;
}

absl::StatusOr<absl::optional<uint32_t>> FilterView::AnswerToZeros(absl::string_view call) const {
  CORDON_ASSIGN_OR_RETURN(const absl::optional<uint32_t> number, FindSyscall(call, architecture_));
  if (!number.has_value()) return absl::optional<uint32_t>();
  CallSample sample;
  sample.number = *number;
  sample.architecture = AuditArchitecture(architecture_);
  return absl::make_optional(MeaningOf(rules_, architecture_, sample));
}

std::string FilterView::DecidedBy(const CallSample& call) const {
  for (const v1::SyscallRule& rule : rules_.rule()) {
    if (rule.number() == call.number && Matches(rule, call)) return rule.field();
  }
  return "seccomp.default_action";
}

}  // namespace cordon
