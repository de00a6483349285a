// SPDX-License-Identifier: Apache-2.0
// A control group of made-up numbers, for what only reads them.
#ifndef CORDON_TESTS_SUPPORT_FAKE_LEASE_H_
#define CORDON_TESTS_SUPPORT_FAKE_LEASE_H_

#include <optional>
#include <string>
#include <vector>

#include "sandbox/layers/cgroup.h"

namespace cordon {

class FakeLease : public CgroupLease {
 public:
  CgroupUsage usage;
  std::optional<MemoryParts> memory;
  bool runnable = false;
  uint64_t unsettled_ns = 0;  // used since the last tick
  absl::StatusOr<CgroupNow> now = CgroupNow();
  absl::Status verified;
  std::vector<CgroupLine> seen;

  int CloneFd() const override { return -1; }
  absl::Status Enter(pid_t) override { return absl::OkStatus(); }
  absl::Status VerifyMember(const std::vector<CgroupLine>& membership) override {
    seen = membership;
    return verified;
  }
  absl::Status VerifyLimits() override { return absl::OkStatus(); }
  bool ShowsGroupOfDead() const override { return true; }
  absl::Status AddProcess() override { return absl::OkStatus(); }
  absl::StatusOr<uint64_t> CpuNs() override { return usage.cpu_ns; }
  void SettleCpu() override {
    usage.cpu_ns += unsettled_ns;
    unsettled_ns = 0;
  }
  absl::StatusOr<CgroupNow> Now() override { return now; }
  absl::StatusOr<CgroupUsage> Collect() override { return usage; }
  std::optional<MemoryParts> Memory() override { return memory; }
  bool AnyInState(char state) override { return runnable && state == 'R'; }
  int OomFd() const override { return -1; }
  uint32_t OomEvents() const override { return 0; }
  bool OomSeen() override { return false; }
  absl::Status Kill() override { return absl::OkStatus(); }
  absl::Status Remove() override { return absl::OkStatus(); }
  std::string Describe() const override { return "fake"; }
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_FAKE_LEASE_H_
