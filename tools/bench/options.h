// SPDX-License-Identifier: Apache-2.0
// Flags of cordon_bench. Entry point: ParseOptions.
#ifndef CORDON_TOOLS_BENCH_OPTIONS_H_
#define CORDON_TOOLS_BENCH_OPTIONS_H_

#include <string>
#include <vector>

namespace cordon::bench {

struct Options {
  std::string cordon = "build/cordon";
  std::vector<std::string> policies;  // default: base/strict, judge/cpp
  int rounds = 200;
  int warmup = 5;
};

inline constexpr char kUsage[] =
    "usage: cordon_bench [--cordon FILE] [--policy NAME]... [--rounds N] [--warmup N]\n";

// False when the flags are not as in kUsage.
bool ParseOptions(int argc, char** argv, Options* options);

}  // namespace cordon::bench

#endif  // CORDON_TOOLS_BENCH_OPTIONS_H_
