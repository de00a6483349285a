// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/log_tally.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/denial/kernel_line.h"

namespace cordon {

AuditLine LogTally::Read(absl::string_view record,
                         absl::FunctionRef<AuditLine(absl::string_view)> reader) {
  const absl::StatusOr<KernelLine> line = ParseKernelLine(record);
  if (line.ok() && !line->by_kernel) return AuditLine::kOther;
  const AuditLine kind = line.ok() ? reader(line->text) : AuditLine::kUnreadable;
  if (kind == AuditLine::kUnreadable) ++unreadable_;
  if (kind == AuditLine::kLost) ++lost_;
  return kind;
}

void LogTally::Fill(absl::string_view layer, v1::Report* report) const {
  if (lost_ > 0) {
    report->add_denials_unknown(absl::StrCat(layer, ": the kernel's log has lost lines meanwhile"));
  }
  if (unreadable_ > 0) {
    report->add_denials_unknown(absl::StrCat(
        layer,
        ": lines of the log that were cut, so that nobody knows whose they are: ", unreadable_));
  }
}

void DenialEntries::Add(const v1::Denial& denial) {
  const auto [found, fresh] = places_.emplace(
      std::make_tuple(denial.operation(), denial.object(), denial.requested(), denial.profile()),
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
  v1::Denial& shown = shown_.emplace_back(denial);
  for (std::string* text :
       {shown.mutable_operation(), shown.mutable_object(), shown.mutable_requested(),
        shown.mutable_process(), shown.mutable_profile()}) {
    *text = EscapeForPeople(*text);
  }
  shown.set_count(1);
}

void DenialEntries::Fill(v1::Report* report) const {
  for (const v1::Denial& each : shown_) *report->add_denial() = each;
  report->set_denials_more(report->denials_more() + more_);
}

}  // namespace cordon
