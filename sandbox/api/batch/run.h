// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch from the first to the last: some at a time, each by a worker process that is
// the job's supervisor. The batch itself only hands out work and keeps the results: what goes wrong
// with one job, a crash of its supervisor too, stays with that job.
#ifndef CORDON_SANDBOX_API_BATCH_RUN_H_
#define CORDON_SANDBOX_API_BATCH_RUN_H_

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
#include "sandbox/api/batch/check.h"
#include "sandbox/api/batch/input.h"
#include "sandbox/api/batch/journal.h"
#include "sandbox/api/batch/store.h"
#include "sandbox/os/event.h"
#include "sandbox/os/worker.h"

namespace cordon {

struct BatchSetup {
  size_t at_once = 1;
  std::string journal;       // "": none
  std::string store;         // of artifacts; "": beside the journal
  bool keep_results = true;  // for the report; false: only their numbers are in it
  int cancel_fd = -1;        // readable: as the first signal; not owned
};

// Is told how the batch goes on, by the thread of Run.
class BatchListener {
 public:
  virtual ~BatchListener() = default;
  // How many jobs there are; not `all`: so far.
  virtual void SetJobs(size_t jobs, bool all) = 0;
  // A result of this run or, `old`, of an earlier one.
  virtual void Add(const v1::JobResult& result, bool old) = 0;
  // A line of the stream was not right: the `jobs` before it are run to their end, none behind it.
  virtual void InputFailed(const absl::Status& status, size_t jobs) = 0;
};

class BatchRun {
 public:
  // `check` is the one that the jobs have passed. `input`: where more of them come from. `listener`
  // must outlive it.
  BatchRun(BatchSetup setup, BatchCheck check, v1::HostFacts facts, std::optional<BatchInput> input,
           BatchListener* listener);

  // The journal, the store, the jobs that are known before the first one starts.
  absl::Status Open(std::vector<CheckedTask> tasks);
  // Meanwhile this process may stand in another control group (StepAside in host/scope.h).
  absl::Status Run();

  bool stopped() const { return stopping_; }
  bool input_failed() const { return input_failed_; }

  // Once, behind Run.
  const v1::BatchReport& Finish();

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

  absl::Status RunJobs();
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

  BatchSetup setup_;
  BatchCheck check_;
  v1::HostFacts facts_;  // probed once: nothing that a job does changes them
  std::optional<BatchInput> input_;
  std::vector<uint32_t> cpus_;
  std::vector<Job> jobs_;
  Schedule schedule_;
  BatchListener* listener_;
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

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_RUN_H_
