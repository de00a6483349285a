// SPDX-License-Identifier: Apache-2.0
// From the end of the program to its start: what an instruction answers is made of what its
// successors answer. The accumulator is known as (word of the call) & mask, or as a constant, and
// one instruction is looked at once for each of these that can arrive there.
#include "policy/bpf/symbolic.h"

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;

// The accumulator: `mask` of the bits of `word`, or the constant `mask` when there is no word.
struct Accumulator {
  uint32_t word = kCallWords;
  uint32_t mask = 0;
  bool constant() const { return word == kCallWords; }
  bool operator==(const Accumulator& other) const {
    return word == other.word && mask == other.mask;
  }
};

struct Point {
  size_t at = 0;
  Accumulator a;
  bool operator==(const Point& other) const { return at == other.at && a == other.a; }
};

struct PointHash {
  size_t operator()(const Point& point) const {
    return absl::HashOf(point.at, point.a.word, point.a.mask);
  }
};

class Walker {
 public:
  Walker(const BpfProgram& program, DecisionGraph* graph)
      : code_(program.instructions()), graph_(*graph) {}

  absl::StatusOr<Node> Walk();

 private:
  // The instructions that can follow a point; empty for a return.
  absl::StatusOr<std::vector<Point>> Successors(const Point& point) const;
  Node Condition(const BpfInstruction& op, const Accumulator& a);
  Node Result(const Point& point, const std::vector<Point>& next);

  const absl::Span<const BpfInstruction> code_;
  DecisionGraph& graph_;
  absl::flat_hash_map<Point, Node, PointHash> done_;
};

Error NotUnderstood(size_t at, absl::string_view what) {
  return Error(absl::StatusCode::kUnimplemented,
               absl::StrCat("the filter cannot be proven: instruction ", at, " ", what));
}

absl::StatusOr<std::vector<Point>> Walker::Successors(const Point& point) const {
  const BpfInstruction& op = code_[point.at];
  const size_t next = point.at + 1;
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return std::vector<Point>{{next, {op.k / 4, UINT32_MAX}}};
    case BPF_LD | BPF_IMM:
      return std::vector<Point>{{next, {kCallWords, op.k}}};
    case BPF_ALU | BPF_AND | BPF_K:
      return std::vector<Point>{{next, {point.a.word, point.a.mask & op.k}}};
    case BPF_JMP | BPF_JA:
      return std::vector<Point>{{next + op.k, point.a}};
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_K:
      return std::vector<Point>{{next + op.jump_true, point.a}, {next + op.jump_false, point.a}};
    case BPF_RET | BPF_K:
      return std::vector<Point>{};
    default:
      return NotUnderstood(point.at, absl::StrCat("has code 0x", absl::Hex(op.code),
                                                  ", which no filter of calls needs"));
  }
}

bool ConstantHolds(uint16_t operation, uint32_t a, uint32_t k) {
  switch (operation) {
    case BPF_JEQ:
      return a == k;
    case BPF_JGT:
      return a > k;
    case BPF_JGE:
      return a >= k;
    default:
      return (a & k) != 0;
  }
}

Node Walker::Condition(const BpfInstruction& op, const Accumulator& a) {
  const uint16_t operation = BPF_OP(op.code);
  if (a.constant()) return graph_.Leaf(ConstantHolds(operation, a.mask, op.k) ? 1 : 0);
  switch (operation) {
    case BPF_JGT:
      return graph_.Above(a.word, a.mask, op.k, false);
    case BPF_JGE:
      return graph_.Above(a.word, a.mask, op.k, true);
    default:
      return graph_.AnyBit(a.word, a.mask & op.k);
  }
}

Node Walker::Result(const Point& point, const std::vector<Point>& next) {
  const BpfInstruction& op = code_[point.at];
  if (next.empty()) return graph_.Leaf(op.k);
  if (next.size() == 1) return done_[next[0]];
  const Node yes = done_[next[0]];
  const Node no = done_[next[1]];
  if (BPF_OP(op.code) == BPF_JEQ && !point.a.constant()) {
    return graph_.ChooseEqual(point.a.word, point.a.mask, op.k, yes, no);
  }
  return graph_.Choose(Condition(op, point.a), yes, no);
}

absl::StatusOr<Node> Walker::Walk() {
  const Point start;
  // A stack of its own: a program of 4096 instructions is as deep as it is long.
  std::vector<Point> open = {start};
  while (!open.empty()) {
    const Point point = open.back();
    if (done_.contains(point)) {
      open.pop_back();
      continue;
    }
    CORDON_ASSIGN_OR_RETURN(const std::vector<Point> next, Successors(point));
    bool ready = true;
    for (const Point& each : next) {
      if (done_.contains(each)) continue;
      open.push_back(each);
      ready = false;
    }
    if (!ready) continue;
    done_.emplace(point, Result(point, next));
    open.pop_back();
    if (graph_.overflowed()) {
      return Error(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("the filter cannot be proven: its decisions need more than ",
                                graph_.size(), " nodes"))
          .Hint("use fewer conditions on different arguments of one call");
    }
  }
  return done_[start];
}

}  // namespace

absl::StatusOr<Node> GraphOfProgram(const BpfProgram& program, DecisionGraph* graph) {
  return Walker(program, graph).Walk();
}

}  // namespace cordon
