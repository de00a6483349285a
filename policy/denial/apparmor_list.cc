// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/apparmor_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/layers/apparmor.h"

namespace cordon {

AppArmorList::AppArmorList(const v1::AppArmorPlan& plan, const JobInLog& job) : job_(job) {
  // Kernel: namespaces have full names, from the root's.
  const std::string& where = plan.policy_namespace();
  profiles_.emplace_back(where.empty() ? "" : absl::StrCat("root//", where), plan.name());
  if (plan.stacked()) profiles_.emplace_back("", std::string(kAppArmorFamily));
}

bool AppArmorList::OfItsProfiles(const AppArmorDenial& denial) const {
  return std::find(profiles_.begin(), profiles_.end(),
                   std::make_pair(denial.policy_namespace, denial.profile)) != profiles_.end();
}

void AppArmorList::Add(absl::string_view record) {
  AppArmorDenial denial;
  const auto read = [&](absl::string_view text) { return ReadAppArmorLine(text, &denial); };
  if (tally_.Read(record, read) == AuditLine::kDenial) AddDenial(denial);
}

void AppArmorList::AddDenial(const AppArmorDenial& denial) {
  if (!OfItsProfiles(denial)) return;
  if (job_.own_user.has_value() && denial.user.has_value()) {
    if (*denial.user != *job_.own_user) return;  // another job's
  } else if (job_.main_pid == 0 || denial.pid != job_.main_pid) {
    ++whose_;
    return;
  }
  v1::Denial entry;
  entry.set_layer("apparmor");
  entry.set_operation(denial.operation);
  entry.set_object(denial.object);
  entry.set_requested(denial.denied);
  entry.set_process(denial.process);
  entry.set_profile(denial.profile);
  entries_.Add(entry);
}

void AppArmorList::Fill(v1::Report* report) const {
  entries_.Fill(report);
  tally_.Fill("apparmor", report);
  if (whose_ > 0) {
    report->add_denials_unknown(
        absl::StrCat("apparmor: denials of the same profile, by processes that need not be of "
                     "this job: ",
                     whose_));
  }
}

}  // namespace cordon
