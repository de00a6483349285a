// SPDX-License-Identifier: Apache-2.0
// cordon_example_batch POLICY JOURNAL COMMAND...: runs shell commands in sandboxes, two at a time,
// and prints how each ended. Started again with the same journal, it runs only those that have no
// result yet. Exits 0 when all ended well.
#include <cordon/batch.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

using cordon::v1::BatchJob;
using cordon::v1::BatchReport;
using cordon::v1::JobResult;

void Print(const JobResult& result, bool old) {
  std::printf(
      "%s %s%s%s\n", result.name().c_str(), result.outcome() == JobResult::GOOD ? "good" : "bad",
      old ? " (from the journal)" : "", result.why().empty() ? "" : (": " + result.why()).c_str());
}

absl::StatusOr<BatchReport> Run(int count, char** words) {
  CORDON_ASSIGN_OR_RETURN(const cordon::Host host, cordon::Host::Open());
  std::vector<BatchJob> jobs;
  for (int i = 2; i < count; ++i) {
    BatchJob& job = jobs.emplace_back();
    job.set_name("job-" + std::to_string(i - 1));
    job.set_policy(words[0]);
    job.add_argv("sh");
    job.add_argv("-c");
    job.add_argv(words[i]);
  }
  cordon::BatchOptions options;
  options.at_once = 2;
  options.journal = words[1];
  options.on_result = Print;
  return cordon::RunBatch(host, jobs, options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: cordon_example_batch POLICY JOURNAL COMMAND...\n");
    return 2;
  }
  const absl::StatusOr<BatchReport> report = Run(argc - 1, argv + 1);
  if (!report.ok()) {
    for (const cordon::v1::ErrorDetail& detail : cordon::DetailsOf(report.status())) {
      std::fprintf(stderr, "cordon_example_batch: %s\n", cordon::RenderError(detail).c_str());
    }
    return 1;
  }
  std::printf("%u of %u good\n", report->good(), report->jobs());
  return report->good() == report->jobs() ? 0 : 1;
}
