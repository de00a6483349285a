// SPDX-License-Identifier: Apache-2.0
// cordon_bench: what one job costs. Interleaves, in shuffled order, posix_spawn of a static program
// that does nothing with whole runs of it through the command; prints medians, p10, p90, the ratio
// to posix_spawn, what of each run is verification, and the supervisor's peak memory.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "tools/bench/cases.h"
#include "tools/bench/measure.h"
#include "tools/bench/options.h"

namespace cordon::bench {
namespace {

// False, with a line on stderr, as soon as one run fails: figures of failures mean nothing.
bool Measure(const Options& options, std::vector<Case>* cases) {
  // NOLINTNEXTLINE(cert-msc32-c,cert-msc51-cpp): the same order in each run is what is wanted.
  std::mt19937 random(1);
  std::vector<size_t> order(cases->size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = -options.warmup; round < options.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (size_t index : order) {
      Case& one = (*cases)[index];
      const RunResult result = RunOnce(one.argv);
      if (!result.ok) {
        std::fprintf(stderr, "cordon_bench: %s: %s\n", one.name.c_str(), result.failure.c_str());
        return false;
      }
      if (round < 0) continue;
      one.samples.Add(result);
      if (one.report.empty()) continue;
      const int64_t verify = ReportedSteps(one.report, VerificationSteps());
      one.verify_ns.push_back(verify);
      one.share_ppm.push_back(verify * 1'000'000 / std::max<int64_t>(result.wall_ns, 1));
    }
  }
  return true;
}

double Ms(int64_t ns) { return static_cast<double>(ns) / 1e6; }

void Print(const Options& options, const std::vector<Case>& cases) {
  const double base = Ms(cases[0].samples.WallAt(0.5));
  std::printf("%d rounds, interleaved; wall times in ms\n\n", options.rounds);
  std::printf("%-28s %8s %8s %8s %8s %8s\n", "case", "median", "p10", "p90", "cpu", "ratio");
  for (const Case& one : cases) {
    const Samples& samples = one.samples;
    std::printf("%-28s %8.2f %8.2f %8.2f %8.2f %8.1f\n", one.name.c_str(), Ms(samples.WallAt(0.5)),
                Ms(samples.WallAt(0.1)), Ms(samples.WallAt(0.9)), Ms(samples.CpuMedian()),
                Ms(samples.WallAt(0.5)) / base);
  }
  std::printf("\nratio: to posix_spawn\n");
}

void PrintVerification(const std::vector<Case>& cases) {
  std::printf("\n%-28s %8s %8s %8s %8s\n", "verification in", "median", "p10", "p90", "share");
  for (const Case& one : cases) {
    if (one.report.empty()) continue;
    std::printf("%-28s %8.2f %8.2f %8.2f %7.1f%%\n", one.name.c_str(),
                Ms(Quantile(one.verify_ns, 0.5)), Ms(Quantile(one.verify_ns, 0.1)),
                Ms(Quantile(one.verify_ns, 0.9)),
                static_cast<double>(Quantile(one.share_ppm, 0.5)) / 1e4);
  }
  std::printf("share: median of each run's own; twin, reading and comparing of its wall time\n\n");
}

// What the reports of one run each say about the supervisor itself.
void PrintPeakMemory(const Options& options, const std::string& payload) {
  const std::string report = payload + ".report.json";
  for (const std::string& policy : options.policies) {
    RunOnce({options.cordon, "run", "--policy", policy, "--report", report, "--", payload});
    const int64_t bytes = ReportedPeakRss(report);
    if (bytes > 0) {
      std::printf("supervisor's peak RSS under %s: %.1f MiB\n", policy.c_str(),
                  static_cast<double>(bytes) / (1024.0 * 1024.0));
    } else {
      std::printf("supervisor's peak RSS under %s: not in the report\n", policy.c_str());
    }
  }
}

int Main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, &options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  std::error_code error;
  const std::string own = std::filesystem::read_symlink("/proc/self/exe", error).string();
  const std::string payload = error ? "" : PlacePayload(own);
  if (payload.empty()) {
    std::fputs("cordon_bench: cannot place cordon_bench_true in the folder of temporary files\n",
               stderr);
    return 1;
  }
  std::vector<Case> cases = MakeCases(options, payload);
  const bool ok = Measure(options, &cases);
  if (ok) {
    Print(options, cases);
    PrintVerification(cases);
    PrintPeakMemory(options, payload);
  }
  std::filesystem::remove_all(std::filesystem::path(payload).parent_path(), error);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace cordon::bench

int main(int argc, char** argv) { return cordon::bench::Main(argc, argv); }
