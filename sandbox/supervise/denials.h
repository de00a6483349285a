// SPDX-License-Identifier: Apache-2.0
// What AppArmor and Landlock denied one job: read from the kernel's log when the job is over, and
// explained by nobody here. It is evidence and never a verdict; what cannot be known is said
// (denials_unknown).
#ifndef CORDON_SANDBOX_SUPERVISE_DENIALS_H_
#define CORDON_SANDBOX_SUPERVISE_DENIALS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "policy/denial/job_in_log.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/os/kernel_log.h"

namespace cordon {

class DenialWatch {
 public:
  // Before the gate opens: three calls for a job whose denials the log has, none for any other.
  explicit DenialWatch(const v1::Plan& plan);

  // Whether it will be asked for a main process at all.
  bool reads() const { return log_.has_value(); }

  // After the last process of the job has ended.
  void Fill(const JobInLog& job, v1::Report* report);

 private:
  void ReadLog(const JobInLog& job, v1::Report* report);
  void AddDoubts(v1::Report* report) const;
  void AddAppArmorDoubts(v1::Report* report) const;
  // Of all layers that the log is read for.
  void AddUnknown(absl::string_view why, v1::Report* report) const;

  v1::AppArmorPlan apparmor_;  // without its text
  v1::LandlockPlan landlock_;  // without its rules
  std::string layers_;         // that the log is read for: "apparmor, landlock"
  std::optional<KernelLog> log_;
  std::string why_not_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_DENIALS_H_
