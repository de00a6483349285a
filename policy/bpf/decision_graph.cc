// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/decision_graph.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cordon {
namespace {

constexpr uint32_t kFree = UINT32_MAX;
constexpr size_t kFirstIndex = 1 << 11;
constexpr uint32_t kWordBits = 32;

// Where each word stands in the order of variables: the two that decide most come first, and of a
// 64-bit value the upper half.
constexpr uint32_t kRank[kCallWords] = {1, 0, 15, 14, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12};

constexpr uint32_t WordAtRank(uint32_t rank) {
  for (uint32_t word = 0; word < kCallWords; ++word) {
    if (kRank[word] == rank) return word;
  }
  return kCallWords;
}

// Every rank belongs to one word.
constexpr bool RanksAreSound() {
  for (uint32_t rank = 0; rank < kCallWords; ++rank) {
    if (WordAtRank(rank) == kCallWords) return false;
  }
  return true;
}
static_assert(RanksAreSound());

uint64_t Mix(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t hash = a * 0x9e3779b97f4a7c15 + b * 0xc2b2ae3d27d4eb4f + c * 0x165667b19e3779f9;
  return hash ^ hash >> 29;
}

}  // namespace

uint32_t VariableOf(uint32_t word, uint32_t bit) {
  return kRank[word] * kWordBits + (kWordBits - 1 - bit);
}

CallBit BitOf(uint32_t variable) {
  return {WordAtRank(variable / kWordBits), kWordBits - 1 - variable % kWordBits};
}

uint32_t WordOf(const CallSample& call, uint32_t word) {
  if (word == kWordNumber) return call.number;
  if (word == kWordArchitecture) return call.architecture;
  const uint64_t value =
      word < kWordArgs ? call.instruction_pointer : call.args[(word - kWordArgs) / 2];
  return static_cast<uint32_t>(word % 2 == 0 ? value : value >> kWordBits);
}

void AssignBit(uint32_t word, uint32_t bit, bool on, CallSample* call) {
  if (word == kWordNumber || word == kWordArchitecture) {
    uint32_t& value = word == kWordNumber ? call->number : call->architecture;
    const uint32_t one = uint32_t{1} << bit;
    value = on ? value | one : value & ~one;
    return;
  }
  uint64_t& value =
      word < kWordArgs ? call->instruction_pointer : call->args[(word - kWordArgs) / 2];
  const uint64_t one = uint64_t{1} << (bit + (word % 2 == 0 ? 0 : kWordBits));
  value = on ? value | one : value & ~one;
}

DecisionGraph::DecisionGraph(size_t node_limit)
    : node_limit_(node_limit), index_(kFirstIndex, kFree), memo_(kFirstIndex) {}

void DecisionGraph::Grow() {
  std::vector<Node> larger(index_.size() * 2, kFree);
  const size_t mask = larger.size() - 1;
  for (Node node = 0; node < nodes_.size(); ++node) {
    const Entry& entry = nodes_[node];
    size_t slot = Mix(entry.variable, entry.low, entry.high) & mask;
    while (larger[slot] != kFree) slot = (slot + 1) & mask;
    larger[slot] = node;
  }
  index_ = std::move(larger);
  memo_.assign(index_.size(), Memo());
}

DecisionGraph::Node DecisionGraph::Make(uint32_t variable, Node low, Node high) {
  if (variable != kLeaf && low == high) return low;
  const size_t mask = index_.size() - 1;
  size_t slot = Mix(variable, low, high) & mask;
  for (; index_[slot] != kFree; slot = (slot + 1) & mask) {
    const Entry& entry = nodes_[index_[slot]];
    if (entry.variable == variable && entry.low == low && entry.high == high) return index_[slot];
  }
  if (nodes_.size() >= node_limit_) {
    overflowed_ = true;
    return 0;  // some node; nobody may look at the result any more
  }
  const Node made = static_cast<Node>(nodes_.size());
  nodes_.push_back({variable, low, high});
  index_[slot] = made;
  if (nodes_.size() * 2 > index_.size()) Grow();
  return made;
}

DecisionGraph::Node DecisionGraph::Leaf(uint32_t value) { return Make(kLeaf, value, 0); }

DecisionGraph::Node DecisionGraph::Equal(uint32_t word, uint32_t mask, uint32_t value) {
  if ((value & ~mask) != 0) return False();
  const Node no = False();
  Node node = True();
  for (uint32_t bit = 0; bit < kWordBits; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    const bool set = (value >> bit & 1) != 0;
    node = Make(VariableOf(word, bit), set ? no : node, set ? node : no);
  }
  return node;
}

DecisionGraph::Node DecisionGraph::Above(uint32_t word, uint32_t mask, uint32_t value,
                                         bool or_equal) {
  const Node no = False();
  const Node yes = True();
  // From the lowest bit up: a higher bit that differs decides, whatever the lower ones said.
  Node node = or_equal ? yes : no;
  for (uint32_t bit = 0; bit < kWordBits; ++bit) {
    const bool wanted = (value >> bit & 1) != 0;
    const Node zero = wanted ? no : node;
    const Node one = wanted ? node : yes;
    const bool free = (mask >> bit & 1) != 0;
    node = free ? Make(VariableOf(word, bit), zero, one) : zero;
  }
  return node;
}

DecisionGraph::Node DecisionGraph::AnyBit(uint32_t word, uint32_t mask) {
  return Not(Equal(word, mask, 0));
}

DecisionGraph::Node DecisionGraph::Choose(Node condition, Node yes, Node no) {
  if (overflowed_ || yes == no) return yes;
  if (IsLeaf(condition)) return Answer(condition) != 0 ? yes : no;
  const size_t slot = Mix(condition, yes, no) & (memo_.size() - 1);
  const Memo known = memo_[slot];
  if (known.condition == condition && known.yes == yes && known.no == no) return known.result;
  const uint32_t variable = std::min({Variable(condition), Variable(yes), Variable(no)});
  const Node low = Choose(Cofactor(condition, variable, false), Cofactor(yes, variable, false),
                          Cofactor(no, variable, false));
  const Node high = Choose(Cofactor(condition, variable, true), Cofactor(yes, variable, true),
                           Cofactor(no, variable, true));
  const Node result = Make(variable, low, high);
  // The table may have grown meanwhile.
  memo_[Mix(condition, yes, no) & (memo_.size() - 1)] = {condition, yes, no, result};
  return result;
}

DecisionGraph::Node DecisionGraph::ChooseEqual(uint32_t word, uint32_t mask, uint32_t value,
                                               Node yes, Node no) {
  if (overflowed_ || yes == no) return yes;
  const bool from_here = std::min(Variable(yes), Variable(no)) >= VariableOf(word, kWordBits - 1);
  if (!from_here || mask != UINT32_MAX) return Choose(Equal(word, mask, value), yes, no);
  // Down along the value, keeping what `no` says beside the path; then up again.
  std::array<Node, kWordBits> beside = {};
  for (uint32_t bit = kWordBits; bit-- > 0;) {
    const uint32_t variable = VariableOf(word, bit);
    const bool set = (value >> bit & 1) != 0;
    beside[bit] = Cofactor(no, variable, !set);
    no = Cofactor(no, variable, set);
    yes = Cofactor(yes, variable, set);
  }
  Node node = yes;
  for (uint32_t bit = 0; bit < kWordBits; ++bit) {
    const bool set = (value >> bit & 1) != 0;
    node = Make(VariableOf(word, bit), set ? beside[bit] : node, set ? node : beside[bit]);
  }
  return node;
}

uint32_t DecisionGraph::Evaluate(Node node, const CallSample& call) const {
  while (!IsLeaf(node)) {
    const CallBit at = BitOf(Variable(node));
    node = Branch(node, (WordOf(call, at.word) >> at.bit & 1) != 0);
  }
  return Answer(node);
}

}  // namespace cordon
