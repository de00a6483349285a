// SPDX-License-Identifier: Apache-2.0
// Which lines of the kernel's log are AppArmor's denials of one job, and why there may be more.
// Pure.
//
// A profile may hold several jobs at once, so its name is not enough: a denial of a file names the
// user who tried, and a job that root started has a user of its own as long as it lives. Everywhere
// else it is the job's main process, or nobody knows whose it was, and it is counted and not shown.
#ifndef CORDON_POLICY_DENIAL_APPARMOR_LIST_H_
#define CORDON_POLICY_DENIAL_APPARMOR_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "policy/denial/apparmor_line.h"
#include "policy/denial/job_in_log.h"
#include "policy/denial/log_tally.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"

namespace cordon {

class AppArmorList {
 public:
  static constexpr size_t kMostShown = DenialEntries::kMostShown;

  AppArmorList(const v1::AppArmorPlan& plan, const JobInLog& job);

  // A record of /dev/kmsg, in the order of the log.
  void Add(absl::string_view record);
  // The log has overwritten records that were not read yet.
  void Overwritten() { tally_.Overwritten(); }

  // Adds to denial, denials_more and denials_unknown.
  void Fill(v1::Report* report) const;

 private:
  void AddDenial(const AppArmorDenial& denial);
  bool OfItsProfiles(const AppArmorDenial& denial) const;

  JobInLog job_;
  std::vector<std::pair<std::string, std::string>> profiles_;  // namespace, name
  LogTally tally_;
  DenialEntries entries_;
  uint64_t whose_ = 0;
};

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_APPARMOR_LIST_H_
