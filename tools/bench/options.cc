// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/options.h"

#include <cstdlib>

namespace cordon::bench {
namespace {

constexpr long kMostRounds = 1'000'000;

// A whole number of at least `least`, or -1.
int ParseCount(const char* text, int least) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  const bool good = end != text && *end == '\0' && value >= least && value <= kMostRounds;
  return good ? static_cast<int>(value) : -1;
}

}  // namespace

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 >= argc) return false;
    if (flag == "--cordon") {
      options->cordon = argv[i + 1];
    } else if (flag == "--policy") {
      options->policies.emplace_back(argv[i + 1]);
    } else if (flag == "--rounds") {
      options->rounds = ParseCount(argv[i + 1], 1);
    } else if (flag == "--warmup") {
      options->warmup = ParseCount(argv[i + 1], 0);
    } else {
      return false;
    }
  }
  if (options->policies.empty()) options->policies = {"base/strict", "judge/cpp"};
  return options->rounds > 0 && options->warmup >= 0;
}

}  // namespace cordon::bench
