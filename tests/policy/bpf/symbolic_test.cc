// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/symbolic.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "policy/bpf/evaluate.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

BpfProgram Program(const std::vector<sock_filter>& code) {
  const absl::string_view bytes(reinterpret_cast<const char*>(code.data()),
                                code.size() * sizeof(sock_filter));
  const auto program = BpfProgram::Make(bytes);
  EXPECT_THAT(program, IsOk());
  return *program;
}

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;
constexpr uint16_t kReturn = BPF_RET | BPF_K;

TEST(SymbolicTest, AReturnIsALeaf) {
  DecisionGraph graph;
  const auto node = GraphOfProgram(Program({{kReturn, 0, 0, 77}}), &graph);
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(*node, graph.Leaf(77));
}

TEST(SymbolicTest, ABranchOnAMaskedWordIsAChoice) {
  DecisionGraph graph;
  const auto node = GraphOfProgram(Program({{kLoad, 0, 0, 16},
                                            {kAnd, 0, 0, 0xf0},
                                            {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x30},
                                            {kReturn, 0, 0, 1},
                                            {kReturn, 0, 0, 2}}),
                                   &graph);
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(*node, graph.Choose(graph.Equal(4, 0xf0, 0x30), graph.Leaf(1), graph.Leaf(2)));
}

// The accumulator is zero before the first load, and a constant afterwards when it is masked away.
TEST(SymbolicTest, ConstantAccumulatorsAreKnown) {
  for (const auto& [k, wanted] : {std::pair{0u, 1u}, std::pair{1u, 2u}}) {
    DecisionGraph graph;
    const auto node = GraphOfProgram(
        Program({{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k}, {kReturn, 0, 0, 1}, {kReturn, 0, 0, 2}}),
        &graph);
    ASSERT_THAT(node, IsOk());
    EXPECT_EQ(*node, graph.Leaf(wanted));
  }
}

TEST(SymbolicTest, RefusesWhatItDoesNotUnderstand) {
  for (const sock_filter op :
       {sock_filter{BPF_ALU | BPF_ADD | BPF_K, 0, 0, 1}, sock_filter{BPF_MISC | BPF_TAX, 0, 0, 0},
        sock_filter{BPF_ST, 0, 0, 0}, sock_filter{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
        sock_filter{BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0}}) {
    DecisionGraph graph;
    EXPECT_THAT(GraphOfProgram(Program({op, {kReturn, 0, 0, 1}}), &graph),
                StatusIs(absl::StatusCode::kUnimplemented, "instruction 0 has code 0x"));
  }
  DecisionGraph graph;
  EXPECT_THAT(GraphOfProgram(Program({{BPF_RET | BPF_A, 0, 0, 0}}), &graph),
              StatusIs(absl::StatusCode::kUnimplemented, "instruction 0"));
}

// What is never reached does not matter, as to the kernel.
TEST(SymbolicTest, DeadCodeIsNotLookedAt) {
  DecisionGraph graph;
  EXPECT_THAT(
      GraphOfProgram(
          Program({{BPF_JMP | BPF_JA, 0, 0, 1}, {BPF_MISC | BPF_TAX, 0, 0, 0}, {kReturn, 0, 0, 1}}),
          &graph),
      IsOk());
}

TEST(SymbolicTest, RefusesAProgramWithTooManyDecisions) {
  std::vector<sock_filter> code;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    code.push_back({kLoad, 0, 0, 16});
    code.push_back({BPF_JMP | BPF_JSET | BPF_K, 0, 3, uint32_t{1} << bit});
    code.push_back({kLoad, 0, 0, 56});
    code.push_back({BPF_JMP | BPF_JSET | BPF_K, 0, 1, uint32_t{1} << bit});
    code.push_back({kReturn, 0, 0, 1});
  }
  code.push_back({kReturn, 0, 0, 0});
  DecisionGraph graph(5000);
  EXPECT_THAT(GraphOfProgram(Program(code), &graph),
              StatusIs(absl::StatusCode::kResourceExhausted, "cannot be proven"));
}

sock_filter RandomOp(std::mt19937* source, size_t left) {
  const auto random = [&] { return static_cast<uint32_t>((*source)()); };
  const uint32_t values[] = {0, 1, 2, 0xffff, 0x80000000, 0xffffffff};
  const uint32_t k = values[random() % std::size(values)];
  const uint16_t jumps[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
  const auto far = [&] { return static_cast<uint8_t>(random() % std::min<size_t>(left, 6)); };
  switch (random() % 6) {
    case 0:
    case 1:
      return {kLoad, 0, 0, (random() % 3) * 4 + 16};
    case 2:
      return {kAnd, 0, 0, k};
    case 3:
      return {BPF_JMP | BPF_JA, 0, 0, far()};
    default:
      return {static_cast<uint16_t>(BPF_JMP | BPF_K | jumps[random() % 4]), far(), far(), k};
  }
}

// Two readings of one program, by different means, agree.
TEST(SymbolicTest, AgreesWithTheInterpreterOnRandomPrograms) {
  std::mt19937 random(42);
  const uint64_t values[] = {0, 1, 2, 3, 0xffff, 0x80000000, 0xffffffff, uint64_t{1} << 32};
  for (int round = 0; round < 2000; ++round) {
    std::vector<sock_filter> code;
    const size_t length = 2 + random() % 30;
    for (size_t i = 0; i + 4 < length + 4; ++i) {
      const size_t left = length + 4 - i - 1;
      code.push_back(RandomOp(&random, left));
    }
    for (uint32_t i = 0; i < 4; ++i) code.push_back({kReturn, 0, 0, i});
    const BpfProgram program = Program(code);
    DecisionGraph graph;
    const auto node = GraphOfProgram(program, &graph);
    ASSERT_THAT(node, IsOk());
    for (int i = 0; i < 50; ++i) {
      CallSample call;
      for (uint64_t& arg : call.args) arg = values[random() % std::size(values)];
      ASSERT_EQ(graph.Evaluate(*node, call), Evaluate(program, call));
    }
  }
}

}  // namespace
}  // namespace cordon
