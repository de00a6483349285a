// SPDX-License-Identifier: Apache-2.0
// Both rule sets as functions; where the second answers more loosely is a function again. It is cut
// up by number, each cut by the pair of answers, each of these into regions of arguments.
#include "policy/bpf/calls_diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/bpf/prove.h"
#include "policy/bpf/region.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;

constexpr size_t kMaxRegions = 8;
constexpr Answer kAnswers[] = {Answer::kKills, Answer::kFails, Answer::kRuns};

// The first number from `from` on that is not in `seen` and no x32 call.
uint32_t NextOther(uint32_t from, const std::set<uint32_t>& seen) {
  while (seen.count(from) > 0 || (from >= uapi::kX32OldFirst && from <= uapi::kX32OldLast)) ++from;
  return from;
}

class Comparer {
 public:
  Comparer(const v1::SeccompRules& before, const v1::SeccompRules& after, Architecture architecture)
      : rules_{&before, &after}, architecture_(architecture) {
    function_[0] = GraphOfRules(before, architecture, &graph_);
    function_[1] = GraphOfRules(after, architecture, &graph_);
  }

  absl::StatusOr<std::vector<CallWidening>> Compare();

 private:
  Node Restrict(Node node, uint32_t word, uint32_t value) const;
  Node WhereAnswerIs(Node node, Answer answer);
  void CompareCall(uint32_t number, const std::string& name);
  void AddRegions(const CallWidening& widening, Node set);
  void CompareOthers(const std::set<uint32_t>& seen);
  std::string FieldOf(const CallSample& call) const;
  CallSample Example(uint32_t number, const Region& region) const;

  const v1::SeccompRules* const rules_[2];
  const Architecture architecture_;
  DecisionGraph graph_;
  Node function_[2];
  std::map<std::pair<Node, Answer>, Node> answered_;
  std::vector<CallWidening> found_;
};

// The function for one value of a word that stands first in the order.
Node Comparer::Restrict(Node node, uint32_t word, uint32_t value) const {
  while (!graph_.IsLeaf(node) && BitOf(graph_.Variable(node)).word == word) {
    node = graph_.Branch(node, (value >> BitOf(graph_.Variable(node)).bit & 1) != 0);
  }
  return node;
}

// 1 where the function gives that answer.
Node Comparer::WhereAnswerIs(Node node, Answer answer) {
  if (graph_.IsLeaf(node)) return graph_.Leaf(AnswerOf(graph_.Answer(node)) == answer ? 1 : 0);
  const auto known = answered_.find({node, answer});
  if (known != answered_.end()) return known->second;
  const CallBit at = BitOf(graph_.Variable(node));
  const Node low = WhereAnswerIs(graph_.Branch(node, false), answer);
  const Node high = WhereAnswerIs(graph_.Branch(node, true), answer);
  const uint32_t one = uint32_t{1} << at.bit;
  const Node result = graph_.Choose(graph_.Equal(at.word, one, one), high, low);
  answered_[{node, answer}] = result;
  return result;
}

std::string Comparer::FieldOf(const CallSample& call) const {
  const v1::SyscallRule* rule = DecidingRule(*rules_[1], call);
  return rule != nullptr ? rule->field() : "";
}

CallSample Comparer::Example(uint32_t number, const Region& region) const {
  CallSample call;
  call.architecture = AuditArchitecture(architecture_);
  call.number = number;
  for (size_t i = 0; i < call.args.size(); ++i) {
    call.args[i] = i == region.range_arg ? region.first : region.args[i].value;
  }
  return call;
}

void Comparer::AddRegions(const CallWidening& widening, Node set) {
  bool all = true;
  const std::vector<Region> regions = RegionsOf(graph_, set, kMaxRegions, &all);
  for (const Region& region : regions) {
    CallWidening& one = found_.emplace_back(widening);
    one.example = Example(widening.number, region);
    one.arguments = RegionText(region);
    one.field = FieldOf(one.example);
  }
  if (!all && !found_.empty()) found_.back().arguments = "other arguments";
}

void Comparer::CompareCall(uint32_t number, const std::string& name) {
  const Node before = Restrict(function_[0], kWordNumber, number);
  const Node after = Restrict(function_[1], kWordNumber, number);
  if (before == after) return;
  for (Answer was : kAnswers) {
    for (Answer is : kAnswers) {
      if (is <= was) continue;
      const Node set = graph_.And(WhereAnswerIs(before, was), WhereAnswerIs(after, is));
      if (set == graph_.False()) continue;
      CallWidening widening;
      widening.number = number;
      widening.call = name;
      widening.before = was;
      widening.after = is;
      AddRegions(widening, set);
    }
  }
}

// Numbers without a name and without a rule are answered by the default actions alone, up to where
// each of the rule sets takes them for unknown: one number stands for all between two borders.
void Comparer::CompareOthers(const std::set<uint32_t>& seen) {
  std::set<std::pair<Answer, Answer>> told;
  for (uint32_t border :
       std::set<uint32_t>{0, rules_[0]->unknown_from(), rules_[1]->unknown_from()}) {
    CallWidening widening;
    widening.number = NextOther(border, seen);
    widening.example.architecture = AuditArchitecture(architecture_);
    widening.example.number = widening.number;
    widening.before = AnswerOf(MeaningOf(*rules_[0], architecture_, widening.example));
    widening.after = AnswerOf(MeaningOf(*rules_[1], architecture_, widening.example));
    widening.arguments = "any arguments";
    if (widening.after <= widening.before) continue;
    if (told.insert({widening.before, widening.after}).second) found_.push_back(widening);
  }
}

absl::StatusOr<std::vector<CallWidening>> Comparer::Compare() {
  const uint32_t native = AuditArchitecture(architecture_);
  for (Node& each : function_) each = Restrict(each, kWordArchitecture, native);
  std::map<uint32_t, std::string> calls;
  for (const std::string& name : SyscallNames(architecture_)) {
    CORDON_ASSIGN_OR_RETURN(const absl::optional<uint32_t> number,
                            FindSyscall(name, architecture_));
    if (number.has_value()) calls.emplace(*number, name);
  }
  std::set<uint32_t> seen;
  for (const v1::SeccompRules* rules : rules_) {
    for (const v1::SyscallRule& rule : rules->rule()) calls.emplace(rule.number(), rule.call());
  }
  for (const auto& [number, name] : calls) {
    CompareCall(number, name);
    seen.insert(number);
  }
  CompareOthers(seen);
  if (graph_.overflowed()) {
    return Error(absl::StatusCode::kResourceExhausted,
                 "the filters cannot be compared: their decisions are too many")
        .Hint("use fewer conditions on different arguments of one call");
  }
  return std::move(found_);
}

}  // namespace

Answer AnswerOf(uint32_t seccomp_return) {
  switch (seccomp_return & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return Answer::kRuns;
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_USER_NOTIF:
      return Answer::kFails;
    default:
      return Answer::kKills;
  }
}

absl::StatusOr<std::vector<CallWidening>> CallsWidened(const v1::SeccompRules& before,
                                                       const v1::SeccompRules& after,
                                                       Architecture architecture) {
  return Comparer(before, after, architecture).Compare();
}

}  // namespace cordon
