// SPDX-License-Identifier: Apache-2.0
// PURE: results of health checks -> ready, unhealthy, and the report. No clock is read here.
#ifndef CORDON_SANDBOX_SUPERVISE_HEALTH_LOG_H_
#define CORDON_SANDBOX_SUPERVISE_HEALTH_LOG_H_

#include <cstdint>
#include <string>

#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

// Times are nanoseconds since the program of the job began.
struct CheckResult {
  uint64_t began_ns = 0;
  uint64_t ended_ns = 0;
  bool passed = false;
  bool timed_out = false;
  std::string end;     // "exit 1", "SIGSEGV", "timeout"
  std::string output;  // bytes, as the check wrote them
};

class HealthLog {
 public:
  // The plan must outlive the log.
  explicit HealthLog(const v1::HealthPlan& plan) : plan_(&plan) {}

  void Add(const CheckResult& result);
  // The job is to be ended: as many failures in a row as its plan allows.
  bool unhealthy() const { return failed_in_row_ >= plan_->retries(); }

  void Fill(v1::HealthReport* report) const { *report = report_; }
  void Fill(Observations* seen) const;

 private:
  const v1::HealthPlan* plan_;
  uint32_t failed_in_row_ = 0;
  v1::HealthReport report_;
};

// How a check ended, from what waitid(2) says: "exit 0", "SIGSEGV".
std::string EndText(int code, int status);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_HEALTH_LOG_H_
