// SPDX-License-Identifier: Apache-2.0
// Sets of arguments of one call, in words. Entry point: RegionsOf.
#ifndef CORDON_POLICY_BPF_REGION_H_
#define CORDON_POLICY_BPF_REGION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/bpf/decision_graph.h"

namespace cordon {

// The bits that an argument must have: (argument & mask) == value.
struct BitPattern {
  uint64_t mask = 0;
  uint64_t value = 0;
};

// The calls whose arguments match all six patterns, joined where they are ranges.
struct Region {
  std::array<BitPattern, 6> args;
  // When `range_arg` is below 6, that argument runs from `first` to `last` instead.
  uint32_t range_arg = 6;
  uint64_t first = 0;
  uint64_t last = 0;
};

// Disjoint regions whose union is where `set` answers 1; `set` must look at arguments only. At most
// `limit`; *all tells whether these are all.
std::vector<Region> RegionsOf(const DecisionGraph& graph, DecisionGraph::Node set, size_t limit,
                              bool* all);

// "any arguments", "argument 1 = 0x5401", "argument 2 from 0x10 to 0x1f and argument 0 & 0xf =
// 0x3". Bits of the upper half that are not asked for are not mentioned: a kernel that reads 32
// bits sees the value as it is printed.
std::string RegionText(const Region& region);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_REGION_H_
