// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/landlock_list.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/denial/kernel_line.h"

namespace cordon {

void LandlockList::Add(absl::string_view record) {
  const absl::StatusOr<KernelLine> line = ParseKernelLine(record);
  if (line.ok() && !line->by_kernel) return;
  LandlockLine read;
  switch (line.ok() ? ReadLandlockLine(line->text, &read) : AuditLine::kUnreadable) {
    case AuditLine::kDenial:
      return AddDenial(read);
    case AuditLine::kDomain:
      return AddOwner(read);
    case AuditLine::kUnreadable:
      ++unreadable_;
      return;
    case AuditLine::kLost:
      ++lost_;
      return;
    case AuditLine::kOther:
      return;
  }
}

void LandlockList::AddDenial(const LandlockLine& line) {
  if (domains_.size() == kMostDomains && domains_.count(line.domain) == 0) {
    ++homeless_;
    return;
  }
  Domain& domain = domains_[line.domain];
  if (domain.owner == Owner::kOther) return;
  const auto [found, fresh] =
      domain.places.emplace(std::make_pair(line.blockers, line.object), domain.shown.size());
  if (!fresh) {
    v1::Denial& known = domain.shown[found->second];
    known.set_count(known.count() + 1);
    return;
  }
  if (domain.shown.size() == kMostShown) {
    domain.places.erase(found);
    ++domain.more;
    return;
  }
  v1::Denial& shown = domain.shown.emplace_back();
  shown.set_layer("landlock");
  shown.set_operation(EscapeForPeople(line.blockers));
  shown.set_object(EscapeForPeople(line.object));
  shown.set_count(1);
}

// Kernel: it stands in the same event as the first denial, behind it.
void LandlockList::AddOwner(const LandlockLine& line) {
  const auto found = domains_.find(line.domain);
  if (found == domains_.end()) return;
  const bool ours = job_.main_pid != 0 && line.pid == job_.main_pid &&
                    line.user == job_.own_user.value_or(line.user);
  if (!ours) found->second = Domain();
  found->second.owner = ours ? Owner::kJob : Owner::kOther;
}

// A domain without an owner was named before the job began, and is another's; or its line is among
// those that the log has lost, which is said.
void LandlockList::Fill(v1::Report* report) const {
  for (const auto& [id, domain] : domains_) {
    if (domain.owner != Owner::kJob) continue;
    for (const v1::Denial& each : domain.shown) *report->add_denial() = each;
    report->set_denials_more(report->denials_more() + domain.more);
  }
  if (lost_ > 0) report->add_denials_unknown("landlock: the kernel's log has lost lines meanwhile");
  if (unreadable_ > 0) {
    report->add_denials_unknown(
        absl::StrCat("landlock: lines of the log that were cut, so that nobody knows whose they "
                     "are: ",
                     unreadable_));
  }
  if (homeless_ > 0) {
    report->add_denials_unknown(
        absl::StrCat("landlock: denials of more domains than are kept apart here: ", homeless_));
  }
}

}  // namespace cordon
