// SPDX-License-Identifier: Apache-2.0
// Every path of a decision diagram to the answer 1 is one pattern of bits. Patterns that fix the
// upper bits of one argument and leave the lower ones open are ranges, and neighbours are joined.
#include "policy/bpf/region.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace cordon {
namespace {

using Node = DecisionGraph::Node;

// Paths that are looked at before giving up on a short description.
constexpr size_t kMaxPaths = 4096;

class Collector {
 public:
  explicit Collector(const DecisionGraph& graph) : graph_(graph) {}

  // False when there are more paths than kMaxPaths.
  bool Walk(Node node) {
    if (graph_.IsLeaf(node)) {
      if (graph_.Answer(node) == 0) return true;
      if (regions_.size() == kMaxPaths) return false;
      regions_.push_back(path_);
      return true;
    }
    const CallBit at = BitOf(graph_.Variable(node));
    if (at.word < kWordArgs) return false;  // no set of arguments
    BitPattern& pattern = path_.args[(at.word - kWordArgs) / 2];
    const uint64_t one = uint64_t{1} << (at.bit + (at.word % 2 == 0 ? 0 : 32));
    pattern.mask |= one;
    bool all = Walk(graph_.Branch(node, false));
    pattern.value |= one;
    all = all && Walk(graph_.Branch(node, true));
    pattern.value &= ~one;
    pattern.mask &= ~one;
    return all;
  }

  std::vector<Region> regions_;

 private:
  const DecisionGraph& graph_;
  Region path_;
};

// How many bits an argument has that is compared from some bit upwards: 64, or 32 when no pattern
// of it looks at the upper half.
uint32_t WidthOf(const std::vector<Region>& regions, uint32_t arg) {
  for (const Region& region : regions) {
    if ((region.args[arg].mask >> 32) != 0) return 64;
  }
  return 32;
}

// True when the pattern is "these upper bits, any lower ones" of `width` bits.
bool IsPrefix(const BitPattern& pattern, uint32_t width) {
  const uint64_t all = width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
  const uint64_t open = all & ~pattern.mask;
  return (pattern.mask & ~all) == 0 && (open & (open + 1)) == 0;
}

bool SameBeside(const Region& a, const Region& b, uint32_t arg) {
  for (uint32_t i = 0; i < a.args.size(); ++i) {
    if (i == arg) continue;
    if (a.args[i].mask != b.args[i].mask || a.args[i].value != b.args[i].value) return false;
  }
  return true;
}

// Turns patterns of `arg` into ranges and joins neighbours. The paths of a diagram come in the
// order of their values, so neighbours stand side by side.
std::vector<Region> JoinRanges(const std::vector<Region>& regions, uint32_t arg) {
  const uint32_t width = WidthOf(regions, arg);
  const uint64_t all = width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
  std::vector<Region> joined;
  for (Region region : regions) {
    const BitPattern pattern = region.args[arg];
    if (region.range_arg == region.args.size() && pattern.mask != 0 && IsPrefix(pattern, width)) {
      region.range_arg = arg;
      region.first = pattern.value;
      region.last = pattern.value | (all & ~pattern.mask);
      region.args[arg] = {};
    }
    Region* before = joined.empty() ? nullptr : &joined.back();
    const bool neighbours = before != nullptr && region.range_arg == arg &&
                            before->range_arg == arg && SameBeside(*before, region, arg) &&
                            before->last + 1 == region.first;
    if (neighbours) {
      before->last = region.last;
    } else {
      joined.push_back(region);
    }
  }
  return joined;
}

}  // namespace

std::vector<Region> RegionsOf(const DecisionGraph& graph, Node set, size_t limit, bool* all) {
  Collector collector(graph);
  *all = collector.Walk(set);
  std::vector<Region> best = collector.regions_;
  for (uint32_t arg = 0; arg < 6; ++arg) {
    std::vector<Region> joined = JoinRanges(collector.regions_, arg);
    const bool ranges = std::any_of(joined.begin(), joined.end(),
                                    [](const Region& one) { return one.first != one.last; });
    const bool alike = joined.size() == best.size() && ranges;  // a range reads better than a mask
    if (joined.size() < best.size() || alike) best = std::move(joined);
  }
  if (best.size() > limit) {
    best.resize(limit);
    *all = false;
  }
  return best;
}

std::string RegionText(const Region& region) {
  std::vector<std::string> parts;
  for (uint32_t arg = 0; arg < region.args.size(); ++arg) {
    const BitPattern& pattern = region.args[arg];
    if (arg == region.range_arg) {
      parts.push_back(
          region.first == region.last
              ? absl::StrFormat("argument %d = 0x%x", arg, region.first)
              : absl::StrFormat("argument %d from 0x%x to 0x%x", arg, region.first, region.last));
    } else if (pattern.mask == UINT64_MAX || pattern.mask == UINT32_MAX) {
      parts.push_back(absl::StrFormat("argument %d = 0x%x", arg, pattern.value));
    } else if (pattern.mask != 0) {
      parts.push_back(
          absl::StrFormat("argument %d & 0x%x = 0x%x", arg, pattern.mask, pattern.value));
    }
  }
  return parts.empty() ? "any arguments" : absl::StrJoin(parts, " and ");
}

}  // namespace cordon
