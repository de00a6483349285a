// SPDX-License-Identifier: Apache-2.0
// What a job uses over time, read from its control group at an interval. Entry points: Timeline
// (pure), TimelineSampler.
#ifndef CORDON_SANDBOX_SUPERVISE_TIMELINE_H_
#define CORDON_SANDBOX_SUPERVISE_TIMELINE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/report.pb.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/event.h"

namespace cordon {

// Samples in bounded memory: one that would be too many first doubles the interval and drops every
// second one. Offsets are nanoseconds since the start and never fall.
class Timeline {
 public:
  static constexpr size_t kMostSamples = 600;
  struct Sample {
    uint64_t offset_ns = 0;
    uint64_t cpu_ns = 0;
    uint64_t memory_bytes = 0;
    uint32_t pids = 0;
  };

  explicit Timeline(uint64_t interval_ns) : asked_ns_(interval_ns), interval_ns_(interval_ns) {}

  void Add(const Sample& sample);
  // When the next one is due: a multiple of the interval, behind the last sample. What a busy host
  // has missed is left out.
  uint64_t NextOffset() const;
  void Fill(v1::Timeline* out) const;

 private:
  uint64_t asked_ns_;
  uint64_t interval_ns_;
  std::vector<Sample> samples_;
};

// The job's processes are not told and not touched: only files of its group are read.
class TimelineSampler {
 public:
  // `lease` may be null: then there is no group, for the reason `why_no_group`.
  static absl::StatusOr<TimelineSampler> Make(uint64_t interval_ns, CgroupLease* lease,
                                              const std::string& why_no_group);

  int fd() const { return timer_.fd(); }  // readable when Step is due
  // The program has begun. `own_pids` processes of the group are Cordon's.
  absl::Status Begin(uint64_t start_ns, uint64_t cpu_baseline_ns, uint64_t own_pids);
  absl::Status Step();
  // All of the job has ended: one last sample, if it ever began.
  void End();
  void Fill(v1::Report* report) const;

 private:
  TimelineSampler(uint64_t interval_ns, CgroupLease* lease, Timer timer)
      : timeline_(interval_ns), lease_(lease), timer_(std::move(timer)) {}
  // Gives false when the group cannot be read, and takes no more then.
  bool Take();

  Timeline timeline_;
  CgroupLease* lease_;
  Timer timer_;
  uint64_t start_ns_ = 0;
  uint64_t cpu_baseline_ns_ = 0;
  uint64_t own_pids_ = 0;
  bool begun_ = false;
  std::string unavailable_why_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_TIMELINE_H_
