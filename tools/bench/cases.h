// SPDX-License-Identifier: Apache-2.0
// What cordon_bench runs: the commands and the samples of each.
#ifndef CORDON_TOOLS_BENCH_CASES_H_
#define CORDON_TOOLS_BENCH_CASES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/measure.h"
#include "tools/bench/options.h"

namespace cordon::bench {

struct Case {
  std::string name;
  std::vector<std::string> argv;
  Samples samples;
  std::string report;              // of the last run; empty: the case writes none
  std::vector<int64_t> verify_ns;  // of each run with a report
  std::vector<int64_t> share_ppm;  // the same as a part of that run's wall time
};

// Names of a report's steps that would not be there without verification, one after the other: the
// look at the caller's mounts, the twin with all that is read meanwhile (init waits), and the
// comparison.
const std::vector<std::string>& VerificationSteps();

// Copies the payload to where a job that is nobody on the host may read it. "" on failure.
std::string PlacePayload(const std::string& own_path);

// Without and with a report for each policy, and once more without a control group. Files that are
// needed go beside the payload.
std::vector<Case> MakeCases(const Options& options, const std::string& payload);

}  // namespace cordon::bench

#endif  // CORDON_TOOLS_BENCH_CASES_H_
