// SPDX-License-Identifier: Apache-2.0
// Runs a command to its end and says how long it took; keeps the samples of one case. Entry points:
// RunOnce, Samples. Links nothing of Cordon: it measures the command from outside.
#ifndef CORDON_TOOLS_BENCH_MEASURE_H_
#define CORDON_TOOLS_BENCH_MEASURE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace cordon::bench {

struct RunResult {
  bool ok = false;     // started, and ended with exit code 0
  int exit_code = -1;  // of one that ended by itself
  std::string failure;
  int64_t wall_ns = 0;  // posix_spawn to the end of wait4
  int64_t cpu_ns = 0;   // user + system of the process and of all that it waited for
};

// stdin and stdout of the command are /dev/null; stderr is ours.
RunResult RunOnce(const std::vector<std::string>& argv);

// usage.supervisor_peak_rss_bytes of a report in JSON; 0 when it is not there.
int64_t ReportedPeakRss(const std::string& report_path);

// The duration of that name in such a report, as "1.000200s"; 0 when it is not there.
int64_t ReportedDuration(const std::string& report_path, const std::string& name);

// The times of all steps with these names in such a report; 0 when there is none.
int64_t ReportedSteps(const std::string& report_path, const std::vector<std::string>& names);

// The element that `share` of the sorted values do not exceed; 0 of none.
int64_t Quantile(std::vector<int64_t> values, double share);

// The samples of one case.
class Samples {
 public:
  void Add(const RunResult& result);
  // `share` of the samples are at most this; 0.5 is the median. Nanoseconds; 0 without samples.
  int64_t WallAt(double share) const;
  int64_t CpuMedian() const;

 private:
  std::vector<int64_t> wall_ns_;
  std::vector<int64_t> cpu_ns_;
};

}  // namespace cordon::bench

#endif  // CORDON_TOOLS_BENCH_MEASURE_H_
