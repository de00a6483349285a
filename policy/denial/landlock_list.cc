// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/landlock_list.h"

#include "absl/strings/str_cat.h"

namespace cordon {

void LandlockList::Add(absl::string_view record) {
  LandlockLine line;
  const auto read = [&](absl::string_view text) { return ReadLandlockLine(text, &line); };
  const AuditLine kind = tally_.Read(record, read);
  if (kind == AuditLine::kDenial) AddDenial(line);
  if (kind == AuditLine::kDomain) AddOwner(line);
}

void LandlockList::AddDenial(const LandlockLine& line) {
  if (domains_.size() == kMostDomains && domains_.count(line.domain) == 0) {
    ++homeless_;
    return;
  }
  Domain& domain = domains_[line.domain];
  if (domain.owner == Owner::kOther) return;
  v1::Denial entry;
  entry.set_layer("landlock");
  entry.set_operation(line.blockers);
  entry.set_object(line.object);
  domain.entries.Add(entry);
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
    if (domain.owner == Owner::kJob) domain.entries.Fill(report);
  }
  tally_.Fill("landlock", report);
  if (homeless_ > 0) {
    report->add_denials_unknown(
        absl::StrCat("landlock: denials of more domains than are kept apart here: ", homeless_));
  }
}

}  // namespace cordon
