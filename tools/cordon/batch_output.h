// SPDX-License-Identifier: Apache-2.0
// What a batch says while it goes on and at its end: a line per job, a bar on a terminal, files.
#ifndef CORDON_TOOLS_CORDON_BATCH_OUTPUT_H_
#define CORDON_TOOLS_CORDON_BATCH_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "policy/proto/batch_result.pb.h"
#include "sandbox/api/batch/run.h"

namespace cordon::cli {

// "ok   NAME  EXITED 0  cpu 0.012 s  wall 0.020 s  memory 1.4 MiB", and why not for other outcomes.
std::string ResultLine(const v1::JobResult& result);

// Counts results by outcome into `report`; jobs beyond those that have a result were not run.
void CountOutcomes(v1::BatchReport* report);

// Counts and, when stderr is a terminal, one line that moves on.
class BatchProgress : public BatchListener {
 public:
  // `json`: results as JSON lines on stdout, otherwise as text. `repeat`: old ones, too.
  BatchProgress(bool json, bool quiet, bool repeat);
  void SetJobs(size_t jobs, bool all) override;
  void Add(const v1::JobResult& result, bool old) override;
  void InputFailed(const absl::Status& status, size_t jobs) override;
  // Takes the bar away, prints the last line. An error: results could not be written to stdout.
  absl::Status End(const v1::BatchReport& report);

 private:
  void Draw();
  // Takes the bar away for what another one says.
  void Interrupt();
  size_t jobs_ = 0;
  bool all_ = false;
  bool json_;
  bool quiet_;
  bool repeat_;
  bool terminal_;
  uint64_t began_ns_;
  int write_error_ = 0;  // errno of the first result that was lost
  size_t done_ = 0;
  size_t old_ = 0;
  size_t good_ = 0;
  size_t bad_ = 0;
  size_t skipped_ = 0;
};

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_BATCH_OUTPUT_H_
