// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch from the first to the last: some at a time, each by a worker process that is
// the job's supervisor. The batch itself only hands out work and keeps the results: what goes wrong
// with one job, a crash of its supervisor too, stays with that job.
#ifndef CORDON_TOOLS_CORDON_BATCH_RUN_H_
#define CORDON_TOOLS_CORDON_BATCH_RUN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "policy/batch/schedule.h"
#include "policy/proto/batch_result.pb.h"
#include "policy/proto/host_facts.pb.h"
#include "sandbox/os/event.h"
#include "sandbox/os/worker.h"
#include "tools/cordon/batch_check.h"
#include "tools/cordon/batch_input.h"
#include "tools/cordon/batch_journal.h"
#include "tools/cordon/batch_output.h"
#include "tools/cordon/batch_store.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {

class BatchRun {
 public:
  // `check` is the one that the jobs have passed. `input`: where more of them come from.
  BatchRun(const BatchOptions& options, BatchCheck check, v1::HostFacts facts,
           std::optional<BatchInput> input);

  // The journal, the store, the jobs that are known before the first one starts.
  absl::Status Open(std::vector<CheckedTask> tasks);
  absl::Status Run();

  bool stopped() const { return stopping_; }
  // Of a line that was not right, already told: the jobs before it were run, none behind it.
  bool input_failed() const { return input_failed_; }

  // Results are in it when there is a file that wants them. `written`: an error when some could not
  // be written to stdout.
  const v1::BatchReport& Finish(absl::Status* written);

 private:
  struct Slot {
    std::optional<Worker> worker;
    size_t task = 0;
  };
  // What is kept of a job: itself until it is over, then what somebody will ask for.
  struct Job {
    std::unique_ptr<CheckedTask> task;
    std::unique_ptr<v1::JobResult> result;
  };

  void Admit(CheckedTask task);
  void TakeLines();
  absl::Status CheckLine(const std::vector<CheckedTask>& tasks);
  void FailInput(const absl::Status& status);
  bool HasRoom() const;
  bool may_come() const { return input_.has_value() && input_->may_come(); }

  absl::Status StartWhatMay();
  absl::Status Start(size_t slot, size_t task);
  std::string RunOne(const v1::BatchJob& job, const std::vector<RunRequest>& requests,
                     absl::Status ready, const ReadyPolicy* policy,
                     std::optional<uint32_t> cpu) const;
  bool Fits(size_t task) const;
  absl::StatusOr<bool> FromJournal(size_t task);

  absl::Status Hear(uint64_t token);
  absl::Status HearWorker(size_t slot);
  void Keep(size_t task, v1::JobResult result, bool old);
  void Skip(size_t task, size_t because, bool old);
  void Settle(size_t task, v1::JobResult result, bool old);
  void LeaveQueue(const CheckedTask& task);
  void Stop();

  const BatchOptions& options_;
  BatchCheck check_;
  v1::HostFacts facts_;  // probed once: nothing that a job does changes them
  std::optional<BatchInput> input_;
  bool keep_results_;
  std::vector<uint32_t> cpus_;
  std::vector<Job> jobs_;
  Schedule schedule_;
  BatchProgress progress_;
  v1::BatchReport report_;
  Epoll epoll_;
  SignalFd signals_;
  BatchStore store_;
  std::optional<BatchJournal> journal_;
  std::vector<Slot> slots_;
  size_t running_ = 0;
  uint64_t memory_ = 0;        // that those which run may use
  size_t queued_ = 0;          // jobs that have not been started
  uint64_t queued_bytes_ = 0;  // and their size
  std::optional<size_t> held_;
  bool stopping_ = false;
  bool input_failed_ = false;
};

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_BATCH_RUN_H_
