// SPDX-License-Identifier: Apache-2.0
// Functions from a system call (struct seccomp_data) to a 32-bit answer, as reduced ordered
// decision diagrams over the bits of the call. Entry point: DecisionGraph. Two functions are equal
// exactly when their nodes are the same number, so "for all inputs" is one comparison of integers.
//
// A bit is a variable; the order is architecture, number, arguments 0 to 5 (upper half first),
// instruction pointer, each from its highest bit on. A node tests its lowest-ordered variable; no
// two nodes are alike and none has equal branches (R. Bryant, Graph-Based Algorithms for Boolean
// Function Manipulation, 1986; here with many-valued leaves).
#ifndef CORDON_POLICY_BPF_DECISION_GRAPH_H_
#define CORDON_POLICY_BPF_DECISION_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/bpf/meaning.h"

namespace cordon {

// One 32-bit word of struct seccomp_data, by its offset divided by four (little endian).
enum CallWord : uint32_t {
  kWordNumber = 0,
  kWordArchitecture = 1,
  kWordPointer = 2,
  kWordArgs = 4
};
inline constexpr uint32_t kCallWords = 16;

class DecisionGraph {
 public:
  using Node = uint32_t;
  static constexpr size_t kDefaultNodeLimit = size_t{1} << 20;
  static constexpr uint32_t kLeaf = 512;  // above every variable

  // Beyond `node_limit` nodes the graph is overflowed() and its answers mean nothing.
  explicit DecisionGraph(size_t node_limit = kDefaultNodeLimit);

  // The function that answers `value` to every call.
  Node Leaf(uint32_t value);
  // Conditions are functions with the answers 0 and 1.
  Node False() { return Leaf(0); }
  Node True() { return Leaf(1); }

  // (word & mask) == value; > value; >= value; and (word & mask) != 0.
  Node Equal(uint32_t word, uint32_t mask, uint32_t value);
  Node Above(uint32_t word, uint32_t mask, uint32_t value, bool or_equal);
  Node AnyBit(uint32_t word, uint32_t mask);

  // `yes` where `condition` answers 1, `no` where it answers 0.
  Node Choose(Node condition, Node yes, Node no);
  // Choose(Equal(word, mask, value), yes, no), without the nodes of the condition: dispatching on
  // numbers is most of what a filter does.
  Node ChooseEqual(uint32_t word, uint32_t mask, uint32_t value, Node yes, Node no);
  Node And(Node a, Node b) { return Choose(a, b, False()); }
  Node Or(Node a, Node b) { return Choose(a, True(), b); }
  Node Not(Node a) { return Choose(a, False(), True()); }

  bool overflowed() const { return overflowed_; }
  size_t size() const { return nodes_.size(); }

  // What a function does: a leaf has an answer; any other node tests `Variable` and goes on at
  // `Branch`.
  bool IsLeaf(Node node) const { return nodes_[node].variable == kLeaf; }
  uint32_t Answer(Node leaf) const { return nodes_[leaf].low; }
  uint32_t Variable(Node node) const { return nodes_[node].variable; }
  Node Branch(Node node, bool bit) const { return bit ? nodes_[node].high : nodes_[node].low; }

  // The branches of `node` for `variable`, which is at or before the one that it tests.
  Node Cofactor(Node node, uint32_t variable, bool bit) const {
    return nodes_[node].variable == variable ? Branch(node, bit) : node;
  }

  // The answer to one call.
  uint32_t Evaluate(Node node, const CallSample& call) const;

 private:
  struct Entry {
    uint32_t variable;
    Node low;  // a leaf: its answer
    Node high;
  };
  struct Memo {
    Node condition = UINT32_MAX;
    Node yes = 0;
    Node no = 0;
    Node result = 0;
  };

  Node Make(uint32_t variable, Node low, Node high);
  void Grow();

  const size_t node_limit_;
  bool overflowed_ = false;
  std::vector<Entry> nodes_;
  std::vector<Node> index_;  // open addressing; UINT32_MAX is free
  std::vector<Memo> memo_;   // of Choose; an entry may be overwritten at any time
};

// The variable of a bit (0 to 31) of a word, and the reverse.
uint32_t VariableOf(uint32_t word, uint32_t bit);
struct CallBit {
  uint32_t word;
  uint32_t bit;
};
CallBit BitOf(uint32_t variable);

// A word of a call as a filter loads it, and one bit of a call changed.
uint32_t WordOf(const CallSample& call, uint32_t word);
void AssignBit(uint32_t word, uint32_t bit, bool on, CallSample* call);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_DECISION_GRAPH_H_
