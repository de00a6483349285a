// SPDX-License-Identifier: Apache-2.0
// Which job is next: a state machine over jobs that come after others. PURE.
#ifndef CORDON_POLICY_BATCH_SCHEDULE_H_
#define CORDON_POLICY_BATCH_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "policy/batch/jobs.h"

namespace cordon {

class Schedule {
 public:
  Schedule() = default;
  // Jobs in a circle are never given by Next (ReadJobs refuses lists that have one).
  explicit Schedule(const std::vector<BatchTask>& tasks);

  // One more job, which comes after some of those that are there. Gives the one of them because of
  // which it will never start: that has not been good, or will not start either.
  std::optional<size_t> Add(const std::vector<size_t>& after);

  // The next job that may start, in the order of the list; nothing while others must end first.
  std::optional<size_t> Next();
  // A job that Next gave has ended. Gives the jobs that will never start because of it, each with
  // the name of the job that it waited for.
  struct Skipped {
    size_t task;
    size_t because;
  };
  std::vector<Skipped> Ended(size_t task, bool good);

  // Nothing is left to start and nothing runs.
  bool done() const { return left_ == 0; }

 private:
  enum class State : uint8_t { kOpen, kGood, kBad };
  std::vector<size_t> waiting_;             // how many jobs it still comes after
  std::vector<std::vector<size_t>> later_;  // the jobs that come after it, while it is open
  std::vector<State> state_;
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready_;
  size_t left_ = 0;
};

// The jobs of shard `index` (1 to `count`): jobs that depend on each other stay together, the
// groups are dealt in turn.
std::vector<BatchTask> ShardOf(std::vector<BatchTask> tasks, size_t index, size_t count);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_SCHEDULE_H_
