// SPDX-License-Identifier: Apache-2.0
// Which points of the fault matrix a run of the tests tries. CORDON_FAULT_EVERY=1: all. Otherwise a
// part that has each operation and each call in it, with each errno or, where one run takes long,
// with one. Which occurrence and which errno is another one each day; CORDON_FAULT_OFFSET, which is
// printed, says it. Entry points: FaultPoints, CodesOf.
#ifndef CORDON_TESTS_SUPPORT_FAULTS_POINTS_H_
#define CORDON_TESTS_SUPPORT_FAULTS_POINTS_H_

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/program/program.h"

namespace cordon {

// `variant`: an errno by its index, or a victim.
struct FaultPoint {
  size_t at = 0;
  size_t variant = 0;
};

class FaultPoints {
 public:
  // `run_ns`: how long one run takes.
  explicit FaultPoints(uint64_t run_ns = 0) {
    constexpr uint64_t kSlowNs = 400'000'000;
    every_ = Number("CORDON_FAULT_EVERY", run_ns > kSlowNs ? 37 : 19);
    if (every_ == 0) every_ = 1;
    const auto day = static_cast<size_t>(::time(nullptr) / 86400);
    offset_ = Number("CORDON_FAULT_OFFSET", day);
  }

  bool all() const { return every_ == 1; }
  // Then one errno for each kind is all that there is time for, and a kill for every third.
  bool slow() const { return every_ > 20; }
  // Share no factor with the five errnos.
  size_t every() const { return every_; }
  size_t offset() const { return offset_; }

  // Each kind that occurs in `kinds` with each of `variants`, at one of its places, and a share of
  // the rest.
  template <typename Kind>
  std::vector<FaultPoint> Of(const std::vector<Kind>& kinds, size_t variants) const {
    std::map<Kind, std::vector<size_t>> places;
    for (size_t at = 0; at < kinds.size(); ++at) places[kinds[at]].push_back(at);
    std::set<std::pair<size_t, size_t>> chosen;
    size_t turn = offset_;
    for (const auto& [kind, of_kind] : places) {
      ++turn;
      for (size_t variant = 0; variant < variants; ++variant) {
        if (slow() && (turn + variant) % std::max(variants, kKillsOfSlow) != 0) continue;
        chosen.insert({of_kind[(turn + turn / variants + variant) % of_kind.size()], variant});
      }
    }
    for (size_t point = 0; point < kinds.size() * variants; ++point) {
      if (slow() || (point + offset_) % every_ != 0) continue;
      chosen.insert({point / variants, point % variants});
    }
    std::vector<FaultPoint> points;
    for (const auto& [at, variant] : chosen) points.push_back({at, variant});
    return points;
  }

  void Print(size_t points, size_t whole) const {
    std::printf("%zu points of %zu: CORDON_FAULT_EVERY=%zu CORDON_FAULT_OFFSET=%zu\n", points,
                whole, every_, offset_);
  }

 private:
  static constexpr size_t kKillsOfSlow = 3;

  static size_t Number(const char* name, size_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<size_t>(std::strtoul(text, nullptr, 10));
  }

  size_t every_ = 19;
  size_t offset_ = 0;
};

// The opcodes of operations [from, to).
inline std::vector<child::Opcode> CodesOf(const SetupProgram& program, size_t from, size_t to) {
  std::vector<child::Opcode> codes;
  for (size_t at = from; at < to; ++at) codes.push_back(program.ops[at].code);
  return codes;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_FAULTS_POINTS_H_
