// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/decision_graph.h"

#include <random>

#include "gtest/gtest.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;

CallSample WithWord(uint32_t word, uint32_t value) {
  CallSample call;
  for (uint32_t bit = 0; bit < 32; ++bit) AssignBit(word, bit, (value >> bit & 1) != 0, &call);
  return call;
}

// Every word of a call can be written and read, and no two share a bit.
TEST(DecisionGraphTest, WordsAreThoseOfStructSeccompData) {
  CallSample call;
  for (uint32_t word = 0; word < kCallWords; ++word) {
    for (uint32_t bit = 0; bit < 32; ++bit) {
      AssignBit(word, bit, ((word * 0x01010101 + 7) >> bit & 1) != 0, &call);
      EXPECT_EQ(BitOf(VariableOf(word, bit)).word, word);
      EXPECT_EQ(BitOf(VariableOf(word, bit)).bit, bit);
    }
  }
  for (uint32_t word = 0; word < kCallWords; ++word) {
    EXPECT_EQ(WordOf(call, word), word * 0x01010101 + 7);
  }
  EXPECT_EQ(call.number, 7u);
  EXPECT_EQ(call.architecture, 0x01010108u);
  EXPECT_EQ(call.instruction_pointer, 0x0303030a02020209u);
  EXPECT_EQ(call.args[5], 0x0f0f0f160e0e0e15u);
  AssignBit(4, 0, false, &call);
  EXPECT_EQ(call.args[0] & 1, 0u);
}

TEST(DecisionGraphTest, EqualFunctionsAreOneNode) {
  DecisionGraph graph;
  const Node a = graph.Equal(4, 0xff, 0x12);
  const Node b = graph.And(graph.Equal(4, 0xf0, 0x10), graph.Equal(4, 0x0f, 0x02));
  EXPECT_EQ(a, b);
  EXPECT_EQ(graph.Not(graph.Not(a)), a);
  EXPECT_EQ(graph.Or(a, graph.Not(a)), graph.True());
  EXPECT_EQ(graph.And(a, graph.Not(a)), graph.False());
  EXPECT_NE(a, graph.Equal(4, 0xff, 0x13));
  EXPECT_NE(a, graph.Equal(5, 0xff, 0x12));
  // x > 6 or x == 6 is x >= 6; x >= 6 is not x < 6.
  EXPECT_EQ(graph.Or(graph.Above(9, UINT32_MAX, 6, false), graph.Equal(9, UINT32_MAX, 6)),
            graph.Above(9, UINT32_MAX, 6, true));
  EXPECT_EQ(graph.Above(9, UINT32_MAX, 5, false), graph.Above(9, UINT32_MAX, 6, true));
}

TEST(DecisionGraphTest, ComparisonsAnswerAsNumbersDo) {
  std::mt19937 source(3);
  const auto random = [&] { return static_cast<uint32_t>(source()); };
  const uint32_t pool[] = {0, 1, 2, 6, 7, 8, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
  const auto pick = [&]() -> uint32_t {
    return random() % 3 == 0 ? random() : pool[random() % std::size(pool)];
  };
  for (int round = 0; round < 300; ++round) {
    DecisionGraph graph;
    const uint32_t word = random() % kCallWords;
    const uint32_t mask = pick();
    const uint32_t value = pick();
    const Node equal = graph.Equal(word, mask, value);
    const Node above = graph.Above(word, mask, value, false);
    const Node at_least = graph.Above(word, mask, value, true);
    const Node any = graph.AnyBit(word, mask);
    for (int i = 0; i < 40; ++i) {
      const uint32_t given = i % 4 == 0 ? value : pick();
      const CallSample call = WithWord(word, given);
      EXPECT_EQ(graph.Evaluate(equal, call), (given & mask) == value ? 1u : 0u);
      EXPECT_EQ(graph.Evaluate(above, call), (given & mask) > value ? 1u : 0u);
      EXPECT_EQ(graph.Evaluate(at_least, call), (given & mask) >= value ? 1u : 0u);
      EXPECT_EQ(graph.Evaluate(any, call), (given & mask) != 0 ? 1u : 0u);
    }
  }
}

TEST(DecisionGraphTest, LeavesMayBeAnyAnswer) {
  DecisionGraph graph;
  const Node node =
      graph.Choose(graph.Equal(0, UINT32_MAX, 5), graph.Leaf(0x50001), graph.Leaf(0x7fff0000));
  EXPECT_EQ(graph.Evaluate(node, WithWord(0, 5)), 0x50001u);
  EXPECT_EQ(graph.Evaluate(node, WithWord(0, 4)), 0x7fff0000u);
}

TEST(DecisionGraphTest, ChooseEqualIsTheChoiceByEqual) {
  std::mt19937 source(5);
  const auto random = [&] { return static_cast<uint32_t>(source() % 5); };
  for (int round = 0; round < 500; ++round) {
    DecisionGraph graph;
    const auto some = [&] {
      return graph.Choose(
          graph.Equal(random(), UINT32_MAX, random()),
          graph.Choose(graph.Above(4, 0xf, random(), true), graph.Leaf(7), graph.Leaf(random())),
          graph.Choose(graph.AnyBit(random(), 3), graph.Leaf(random()), graph.Leaf(9)));
    };
    const Node yes = some();
    const Node no = some();
    const uint32_t word = random();
    const uint32_t mask = random() == 0 ? 0xfe : UINT32_MAX;
    const uint32_t value = random();
    EXPECT_EQ(graph.ChooseEqual(word, mask, value, yes, no),
              graph.Choose(graph.Equal(word, mask, value), yes, no));
  }
}

// Beyond its ceiling a graph ends its work, and says so.
TEST(DecisionGraphTest, OverflowIsSeenAndCostsNoTime) {
  DecisionGraph graph(1000);
  Node sum = graph.False();
  for (uint32_t bit = 0; bit < 32; ++bit) {
    // Pairs that lie far apart in the order: exponentially many nodes.
    const Node pair = graph.And(graph.Equal(4, uint32_t{1} << bit, uint32_t{1} << bit),
                                graph.Equal(14, uint32_t{1} << bit, uint32_t{1} << bit));
    sum = graph.Or(sum, pair);
  }
  EXPECT_TRUE(graph.overflowed());
  EXPECT_LE(graph.size(), 1000u);
}

TEST(DecisionGraphTest, GrowsBeyondItsFirstTable) {
  DecisionGraph graph;
  Node all = graph.False();
  for (uint32_t i = 0; i < 3000; ++i) {
    all = graph.Or(all, graph.Equal(0, UINT32_MAX, i * 2654435761u));
  }
  EXPECT_GT(graph.size(), 40000u);
  EXPECT_FALSE(graph.overflowed());
  for (uint32_t i = 0; i < 3000; ++i) {
    EXPECT_EQ(graph.Evaluate(all, WithWord(0, i * 2654435761u)), 1u);
    EXPECT_EQ(graph.Evaluate(all, WithWord(0, i * 2654435761u + 1)), 0u);
  }
}

}  // namespace
}  // namespace cordon
