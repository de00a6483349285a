// SPDX-License-Identifier: Apache-2.0
// What a batch says while it goes on and at its end: a line per job, a bar on a terminal, files.
#ifndef CORDON_TOOLS_CORDON_BATCH_OUTPUT_H_
#define CORDON_TOOLS_CORDON_BATCH_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "policy/proto/batch_result.pb.h"

namespace cordon::cli {

// "ok   NAME  EXITED 0  cpu 0.012 s  wall 0.020 s  memory 1.4 MiB", and why not for other outcomes.
std::string ResultLine(const v1::JobResult& result);

// Counts results by outcome into `report`; jobs beyond those that have a result were not run.
void CountOutcomes(v1::BatchReport* report);

// Counts and, when stderr is a terminal, one line that moves on.
class BatchProgress {
 public:
  // `json`: results as JSON lines on stdout, otherwise as text.
  BatchProgress(size_t jobs, bool json, bool quiet);
  // A result of this run or, `old`, of an earlier one (counted, not printed).
  void Add(const v1::JobResult& result, bool old);
  // Takes the bar away, prints the last line.
  void End(const v1::BatchReport& report);

 private:
  void Draw();
  size_t jobs_;
  bool json_;
  bool quiet_;
  bool terminal_;
  uint64_t began_ns_;
  size_t done_ = 0;
  size_t old_ = 0;
  size_t good_ = 0;
  size_t bad_ = 0;
  size_t skipped_ = 0;
};

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_BATCH_OUTPUT_H_
