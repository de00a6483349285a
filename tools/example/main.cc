// SPDX-License-Identifier: Apache-2.0
// cordon_example POLICY COMMAND [ARGS...]: runs one job with what it reads from the caller's stdin,
// prints what the job wrote and how it ended. Ctrl-C cancels the job, not this program.
#include <cordon/cordon.h>

#include <csignal>
#include <cstdio>
#include <string>

namespace {

using cordon::v1::Report;

// The handler of SIGINT reaches it.
absl::optional<cordon::CancelHandle>& Handle() {
  static auto* const handle = new absl::optional<cordon::CancelHandle>;
  return *handle;
}

absl::StatusOr<Report> RunJob(char** words, std::string* output) {
  CORDON_ASSIGN_OR_RETURN(const cordon::Host host, cordon::Host::Open());
  CORDON_ASSIGN_OR_RETURN(const cordon::NormalPolicy policy, cordon::LoadPolicy(words[0]));
  // Kept by a program that runs many jobs: they need not compile the policy again.
  CORDON_ASSIGN_OR_RETURN(const cordon::Runner runner, cordon::Runner::Make(host, policy));
  CORDON_ASSIGN_OR_RETURN(Handle(), cordon::CancelHandle::Make());
  std::signal(SIGINT, [](int) { Handle()->Cancel(); });
  cordon::v1::JobSpec job;
  for (char** word = words + 1; *word != nullptr; ++word) job.add_argv(*word);
  cordon::RunOptions options;
  options.in.fd = 0;
  options.out.text = output;
  options.err.text = output;
  options.cancel = Handle();
  return runner.Run(job, options);
}

void Print(const Report& report) {
  std::printf("verdict %s\n", cordon::v1::Verdict_Name(report.verdict()).c_str());
  if (report.has_exit_code()) std::printf("exit code %d\n", report.exit_code());
  for (const cordon::v1::Evidence& evidence : report.evidence()) {
    std::printf("evidence %s %s\n", evidence.name().c_str(), evidence.observed().c_str());
  }
  for (const cordon::v1::LayerReport& layer : report.layers()) {
    std::printf("layer %s %s\n", layer.layer().c_str(),
                cordon::v1::LayerState_Name(layer.state()).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: cordon_example POLICY COMMAND [ARGS...]\n");
    return 2;
  }
  std::string output;
  const absl::StatusOr<Report> report = RunJob(argv + 1, &output);
  if (!report.ok()) {
    for (const cordon::v1::ErrorDetail& detail : cordon::DetailsOf(report.status())) {
      std::fprintf(stderr, "cordon_example: %s\n", cordon::RenderError(detail).c_str());
    }
    return 1;
  }
  std::printf("%s", output.c_str());
  Print(*report);
  return 0;
}
