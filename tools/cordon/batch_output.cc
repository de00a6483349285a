// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/batch_output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sandbox/api/json_text.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {
namespace {

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

const char* Word(v1::JobResult::Outcome outcome) {
  switch (outcome) {
    case v1::JobResult::GOOD:
      return "ok";
    case v1::JobResult::BAD:
      return "BAD";
    case v1::JobResult::SKIPPED:
      return "skip";
    default:
      return "stop";
  }
}

}  // namespace

std::string ResultLine(const v1::JobResult& result) {
  std::string line = absl::StrFormat("%-4s %s", Word(result.outcome()), result.name());
  if (result.has_report()) {
    const v1::Report& report = result.report();
    absl::StrAppend(&line, "  ", v1::Verdict_Name(report.verdict()));
    if (report.verdict() == v1::EXITED) absl::StrAppend(&line, " ", report.exit_code());
    if (!report.signal_name().empty()) absl::StrAppend(&line, " ", report.signal_name());
    if (report.has_usage()) {
      const v1::Usage& usage = report.usage();
      absl::StrAppendFormat(&line, "  cpu %.3f s  wall %.3f s  memory %.1f MiB",
                            Seconds(usage.cpu_time()), Seconds(usage.wall_time()),
                            static_cast<double>(usage.memory_peak_bytes()) / (1 << 20));
    }
  }
  if (!result.why().empty()) absl::StrAppend(&line, "  ", result.why());
  return line;
}

void CountOutcomes(v1::BatchReport* report) {
  report->set_jobs(std::max(report->jobs(), static_cast<uint32_t>(report->result_size())));
  uint32_t good = 0;
  uint32_t bad = 0;
  uint32_t skipped = 0;
  for (const v1::JobResult& result : report->result()) {
    good += result.outcome() == v1::JobResult::GOOD ? 1 : 0;
    bad += result.outcome() == v1::JobResult::BAD ? 1 : 0;
    skipped += result.outcome() == v1::JobResult::SKIPPED ? 1 : 0;
  }
  report->set_good(good);
  report->set_bad(bad);
  report->set_skipped(skipped);
  report->set_not_run(report->jobs() - good - bad - skipped);
}

BatchProgress::BatchProgress(bool json, bool quiet, bool repeat)
    : json_(json),
      quiet_(quiet),
      repeat_(repeat),
      terminal_(!quiet && IsTerminal(2)),
      began_ns_(MonotonicNs()) {}

void BatchProgress::SetJobs(size_t jobs, bool all) {
  if (jobs == jobs_ && all == all_) return;
  jobs_ = jobs;
  all_ = all;
  Draw();
}

void BatchProgress::Add(const v1::JobResult& result, bool old) {
  ++done_;
  old_ += old ? 1 : 0;
  good_ += result.outcome() == v1::JobResult::GOOD ? 1 : 0;
  bad_ += result.outcome() == v1::JobResult::BAD ? 1 : 0;
  skipped_ += result.outcome() == v1::JobResult::SKIPPED ? 1 : 0;
  if ((!old || repeat_) && (json_ || !quiet_)) {
    Interrupt();
    const std::string line = json_ ? JsonLine(result) : ResultLine(result) + "\n";
    const bool written = std::fputs(line.c_str(), stdout) != EOF && std::fflush(stdout) == 0;
    if (!written && write_error_ == 0) write_error_ = errno;
  }
  Draw();
}

void BatchProgress::Draw() {
  if (!terminal_) return;
  std::string line = absl::StrFormat("[%u/%u%s] %u ok, %u bad, %u skipped", done_, jobs_,
                                     all_ ? "" : " so far", good_, bad_, skipped_);
  const size_t ran = done_ - old_;
  if (ran > 0 && all_ && done_ < jobs_) {
    const double each =
        static_cast<double>(MonotonicNs() - began_ns_) / 1e9 / static_cast<double>(ran);
    absl::StrAppendFormat(&line, ", about %.0f s left", each * static_cast<double>(jobs_ - done_));
  }
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

void BatchProgress::InputFailed(const absl::Status& status, size_t jobs) {
  Interrupt();
  PrintErrors(status);
  if (jobs == 0) return;
  std::fprintf(stderr, "cordon: no more jobs are read; the %zu before are run to their end\n",
               jobs);
}

void BatchProgress::Interrupt() {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

absl::Status BatchProgress::End(const v1::BatchReport& report) {
  Interrupt();
  absl::Status written =
      write_error_ == 0 ? absl::OkStatus() : ErrnoStatus("write", "standard output", write_error_);
  if (quiet_) return written;
  std::string line = absl::StrFormat("%u of %u jobs ok, %u bad, %u skipped", report.good(),
                                     report.jobs(), report.bad(), report.skipped());
  if (report.not_run() > 0) absl::StrAppendFormat(&line, ", %u not run", report.not_run());
  if (old_ > 0) absl::StrAppendFormat(&line, "; %u of them from the journal", old_);
  std::fprintf(stderr, "%s\n", line.c_str());
  return written;
}

}  // namespace cordon::cli
