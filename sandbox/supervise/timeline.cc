// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/timeline.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/process.h"
#include "sandbox/supervise/limits.h"
#include "sandbox/supervise/usage.h"

namespace cordon {

void Timeline::Add(const Sample& sample) {
  if (samples_.size() == kMostSamples) {
    for (size_t i = 1; 2 * i < kMostSamples; ++i) samples_[i] = samples_[2 * i];
    samples_.resize(kMostSamples / 2);
    interval_ns_ *= 2;
  }
  samples_.push_back(sample);
}

uint64_t Timeline::NextOffset() const {
  if (samples_.empty()) return 0;
  return (samples_.back().offset_ns / interval_ns_ + 1) * interval_ns_;
}

void Timeline::Fill(v1::Timeline* out) const {
  SetDuration(interval_ns_, out->mutable_interval());
  SetDuration(asked_ns_, out->mutable_asked_interval());
  for (const Sample& sample : samples_) {
    v1::TimelineSample* each = out->add_sample();
    SetDuration(sample.offset_ns, each->mutable_offset());
    SetDuration(sample.cpu_ns, each->mutable_cpu_time());
    each->set_memory_bytes(sample.memory_bytes);
    each->set_pids(sample.pids);
  }
}

absl::StatusOr<TimelineSampler> TimelineSampler::Make(uint64_t interval_ns, CgroupLease* lease,
                                                      const std::string& why_no_group) {
  CORDON_ASSIGN_OR_RETURN(Timer timer, Timer::Make());
  TimelineSampler sampler(interval_ns, lease, std::move(timer));
  if (lease == nullptr) {
    sampler.unavailable_why_ =
        absl::StrCat("the job has no control group: ",
                     why_no_group.empty() ? "its policy turns them off" : why_no_group);
  }
  return sampler;
}

absl::Status TimelineSampler::Begin(uint64_t start_ns, uint64_t cpu_baseline_ns,
                                    uint64_t own_pids) {
  if (lease_ == nullptr) return absl::OkStatus();
  start_ns_ = start_ns;
  cpu_baseline_ns_ = cpu_baseline_ns;
  own_pids_ = own_pids;
  begun_ = true;
  return Step();
}

absl::Status TimelineSampler::Step() {
  timer_.Acknowledge();
  if (!begun_ || !Take()) return absl::OkStatus();
  return timer_.ArmAt(WallDeadline(start_ns_, timeline_.NextOffset()));
}

void TimelineSampler::End() {
  timer_.Disarm();
  if (begun_) Take();
  begun_ = false;
}

bool TimelineSampler::Take() {
  const uint64_t clock = MonotonicNs();
  const absl::StatusOr<CgroupNow> now = lease_->Now();
  if (!now.ok()) {
    unavailable_why_ = RenderError(DetailsOf(now.status())[0]);
    begun_ = false;
    return false;
  }
  Timeline::Sample sample;
  sample.offset_ns = clock - std::min(clock, start_ns_);
  sample.cpu_ns = now->cpu_ns - std::min(now->cpu_ns, cpu_baseline_ns_);
  sample.memory_bytes = now->memory_bytes;
  sample.pids = static_cast<uint32_t>(now->pids - std::min(now->pids, own_pids_));
  timeline_.Add(sample);
  return true;
}

void TimelineSampler::Fill(v1::Report* report) const {
  v1::Timeline* out = report->mutable_timeline();
  timeline_.Fill(out);
  out->set_unavailable_why(unavailable_why_);
}

}  // namespace cordon
