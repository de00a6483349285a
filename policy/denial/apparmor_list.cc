// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/apparmor_list.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/denial/kernel_line.h"
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
  const absl::StatusOr<KernelLine> line = ParseKernelLine(record);
  if (line.ok() && !line->by_kernel) return;
  AppArmorDenial denial;
  switch (line.ok() ? ReadAppArmorLine(line->text, &denial) : AuditLine::kUnreadable) {
    case AuditLine::kDenial:
      return AddDenial(denial);
    case AuditLine::kUnreadable:
      ++unreadable_;
      return;
    case AuditLine::kLost:
      ++lost_;
      return;
    case AuditLine::kDomain:
    case AuditLine::kOther:
      return;
  }
}

void AppArmorList::AddDenial(const AppArmorDenial& denial) {
  if (!OfItsProfiles(denial)) return;
  if (job_.own_user.has_value() && denial.user.has_value()) {
    if (*denial.user != *job_.own_user) return;  // another job's
  } else if (job_.main_pid == 0 || denial.pid != job_.main_pid) {
    ++whose_;
    return;
  }
  const auto [found, fresh] = places_.emplace(
      std::make_tuple(denial.operation, denial.object, denial.denied, denial.profile),
      shown_.size());
  if (!fresh) {
    v1::Denial& known = shown_[found->second];
    known.set_count(known.count() + 1);
    return;
  }
  if (shown_.size() == kMostShown) {
    places_.erase(found);
    ++more_;
    return;
  }
  v1::Denial& shown = shown_.emplace_back();
  shown.set_layer("apparmor");
  shown.set_operation(EscapeForPeople(denial.operation));
  shown.set_object(EscapeForPeople(denial.object));
  shown.set_requested(EscapeForPeople(denial.denied));
  shown.set_count(1);
  shown.set_process(EscapeForPeople(denial.process));
  shown.set_profile(EscapeForPeople(denial.profile));
}

void AppArmorList::Fill(v1::Report* report) const {
  for (const v1::Denial& each : shown_) *report->add_denial() = each;
  report->set_denials_more(report->denials_more() + more_);
  if (lost_ > 0) report->add_denials_unknown("apparmor: the kernel's log has lost lines meanwhile");
  if (unreadable_ > 0) {
    report->add_denials_unknown(
        absl::StrCat("apparmor: lines of the log that were cut, so that "
                     "nobody knows whose they are: ",
                     unreadable_));
  }
  if (whose_ > 0) {
    report->add_denials_unknown(
        absl::StrCat("apparmor: denials of the same profile, by processes that need not be of "
                     "this job: ",
                     whose_));
  }
}

}  // namespace cordon
