// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/region.h"

#include <random>

#include "gmock/gmock.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;
using testing::ElementsAre;

std::vector<std::string> Texts(const DecisionGraph& graph, Node set, size_t limit = 8) {
  bool all = true;
  std::vector<std::string> texts;
  for (const Region& region : RegionsOf(graph, set, limit, &all)) {
    texts.push_back(RegionText(region));
  }
  if (!all) texts.push_back("...");
  return texts;
}

TEST(RegionTest, EverythingIsAnyArguments) {
  DecisionGraph graph;
  EXPECT_THAT(Texts(graph, graph.True()), ElementsAre("any arguments"));
  EXPECT_THAT(Texts(graph, graph.False()), ElementsAre());
}

TEST(RegionTest, ValuesRangesAndBits) {
  DecisionGraph graph;
  const uint32_t arg1 = kWordArgs + 2;
  EXPECT_THAT(Texts(graph, graph.Equal(arg1, UINT32_MAX, 0x5412)),
              ElementsAre("argument 1 = 0x5412"));
  EXPECT_THAT(Texts(graph, graph.And(graph.Above(arg1, UINT32_MAX, 3, true),
                                     graph.Not(graph.Above(arg1, UINT32_MAX, 17, false)))),
              ElementsAre("argument 1 from 0x3 to 0x11"));
  EXPECT_THAT(Texts(graph, graph.Equal(arg1, 0x10, 0x10)), ElementsAre("argument 1 & 0x10 = 0x10"));
  const Node both = graph.And(graph.Equal(arg1, UINT32_MAX, 5), graph.AnyBit(kWordArgs, 1));
  EXPECT_THAT(Texts(graph, both), ElementsAre("argument 0 & 0x1 = 0x1 and argument 1 = 0x5"));
}

TEST(RegionTest, OrdersOf64BitsAreOneRange) {
  DecisionGraph graph;
  const uint32_t low = kWordArgs;
  const uint32_t high = kWordArgs + 1;
  // argument 0 > 0x1_0000_0005
  const Node above =
      graph.Or(graph.Above(high, UINT32_MAX, 1, false),
               graph.And(graph.Equal(high, UINT32_MAX, 1), graph.Above(low, UINT32_MAX, 5, false)));
  EXPECT_THAT(Texts(graph, above),
              ElementsAre("argument 0 from 0x100000006 to 0xffffffffffffffff"));
}

TEST(RegionTest, TooManyRegionsAreCutAndSaid) {
  DecisionGraph graph;
  Node set = graph.False();
  for (uint32_t value = 0; value < 40; value += 2) {
    set = graph.Or(set, graph.Equal(kWordArgs, UINT32_MAX, value * value));
  }
  EXPECT_EQ(Texts(graph, set, 3).size(), 4u);
  EXPECT_EQ(Texts(graph, set, 3).back(), "...");
}

// What is not a function of arguments is not described, rather than described wrongly.
TEST(RegionTest, ASetOfNumbersIsRefused) {
  DecisionGraph graph;
  EXPECT_THAT(Texts(graph, graph.Equal(kWordNumber, UINT32_MAX, 1)), ElementsAre("..."));
}

bool InRegion(const Region& region, const CallSample& call) {
  for (uint32_t arg = 0; arg < 6; ++arg) {
    const uint64_t value = call.args[arg];
    if (arg == region.range_arg) {
      // A range of 32 bits does not look at the upper half.
      const uint64_t seen = region.last > UINT32_MAX ? value : value & UINT32_MAX;
      if (seen < region.first || seen > region.last) return false;
    } else if ((value & region.args[arg].mask) != region.args[arg].value) {
      return false;
    }
  }
  return true;
}

// The regions are the set: no more, no less.
TEST(RegionTest, RegionsAreTheSet) {
  std::mt19937 source(8);
  const auto random = [&](uint32_t below) { return static_cast<uint32_t>(source() % below); };
  for (int round = 0; round < 300; ++round) {
    DecisionGraph graph;
    const auto some = [&] {
      const uint32_t word = kWordArgs + 2 * random(2);
      return random(2) == 0 ? graph.Equal(word, random(16), random(16))
                            : graph.Above(word, UINT32_MAX, random(16), true);
    };
    const Node set = graph.Or(graph.And(some(), some()), graph.And(some(), graph.Not(some())));
    bool all = true;
    const std::vector<Region> regions = RegionsOf(graph, set, 100000, &all);
    ASSERT_TRUE(all);
    for (int i = 0; i < 60; ++i) {
      CallSample call;
      call.args[0] = random(20);
      call.args[1] = random(20);
      const bool in = std::any_of(regions.begin(), regions.end(),
                                  [&](const Region& region) { return InRegion(region, call); });
      ASSERT_EQ(in, graph.Evaluate(set, call) == 1);
    }
  }
}

}  // namespace
}  // namespace cordon
