// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/denials.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/denial/apparmor_list.h"
#include "policy/denial/landlock_list.h"
#include "policy/uapi/uapi.h"
#include "sandbox/os/audit.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

// The log holds some thousand records; whoever fills it faster than this reads is not waited for.
constexpr int kMostRecords = 100'000;
// The thread that writes the lines has nothing else to do; on a busy host it may wait its turn.
constexpr int kWriterMs = 2000;

std::string Reason(absl::string_view what, const absl::Status& status) {
  return absl::StrCat(what, ": ", RenderError(DetailsOf(status).front()));
}

std::string Setting(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, path);
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

}  // namespace

DenialWatch::DenialWatch(const v1::Plan& plan) {
  landlock_.set_enabled(plan.landlock().enabled());
  landlock_.set_abi(plan.landlock().abi());
  landlock_.set_log_denials(plan.landlock().enabled() && plan.landlock().log_denials());
  const v1::AppArmorPlan& apparmor = plan.apparmor();
  if (apparmor.enabled()) {
    apparmor_.set_enabled(true);
    apparmor_.set_source(apparmor.source());
    apparmor_.set_name(apparmor.name());
    apparmor_.set_policy_namespace(apparmor.policy_namespace());
    apparmor_.set_stacked(apparmor.stacked());
    layers_ = "apparmor";
  }
  if (landlock_.log_denials()) absl::StrAppend(&layers_, layers_.empty() ? "" : ", ", "landlock");
  if (layers_.empty()) return;
  absl::StatusOr<KernelLog> log = KernelLog::OpenAtEnd();
  if (log.ok()) {
    log_ = *std::move(log);
  } else {
    why_not_ = Reason("the kernel's log cannot be read", log.status());
  }
}

void DenialWatch::AddUnknown(absl::string_view why, v1::Report* report) const {
  report->add_denials_unknown(absl::StrCat(layers_, ": ", why));
}

void DenialWatch::Fill(const JobInLog& job, v1::Report* report) {
  if (landlock_.enabled() && !landlock_.log_denials()) {
    report->add_denials_unknown(
        landlock_.abi() < uapi::kLandlockLogAbi
            ? "landlock: before Linux 6.15 the kernel does not say what it denied"
            : "landlock: what it denied is known to root, where the kernel's audit is on (audit=1) "
              "and no audit daemon takes the lines");
  }
  if (layers_.empty()) return;
  if (!log_.has_value()) return AddUnknown(why_not_, report);
  if (!InFirstNamespaces()) {
    return AddUnknown(
        "the kernel's log speaks of processes and users by other numbers than this namespace",
        report);
  }
  if (const absl::Status written = AwaitAudit(kWriterMs); !written.ok()) {
    AddUnknown(Reason("the last lines may not be written yet", written), report);
  }
  ReadLog(job, report);
  AddDoubts(report);
}

void DenialWatch::ReadLog(const JobInLog& job, v1::Report* report) {
  AppArmorList apparmor(apparmor_, job);
  LandlockList landlock(job);
  int left = kMostRecords;
  for (; left > 0; --left) {
    const absl::StatusOr<std::optional<std::string>> record = log_->Next();
    if (absl::IsDataLoss(record.status())) {
      apparmor.Overwritten();
      landlock.Overwritten();
      continue;
    }
    if (!record.ok()) {
      AddUnknown(Reason("the kernel's log cannot be read on", record.status()), report);
      break;
    }
    if (!record->has_value()) break;
    if (apparmor_.enabled()) apparmor.Add(**record);
    if (landlock_.log_denials()) landlock.Add(**record);
  }
  if (left == 0) AddUnknown("the kernel's log grows too fast", report);
  if (apparmor_.enabled()) apparmor.Fill(report);
  if (landlock_.log_denials()) landlock.Fill(report);
}

// What keeps lines out of the log without a trace there.
void DenialWatch::AddDoubts(v1::Report* report) const {
  const absl::StatusOr<AuditState> audit = ReadAudit();
  if (!audit.ok()) {
    AddUnknown(Reason("whether an audit daemon takes the lines is not known", audit.status()),
               report);
  } else if (audit->daemon != 0) {
    AddUnknown(absl::StrCat("an audit daemon (process ", audit->daemon,
                            ") takes the lines, so that they are not in the kernel's log: "
                            "ausearch -m AVC,LANDLOCK_ACCESS"),
               report);
  } else if (landlock_.log_denials() && !audit->on) {
    report->add_denials_unknown("landlock: the kernel's audit was turned off");
  }
  if (apparmor_.enabled()) AddAppArmorDoubts(report);
  // Kernel: what is cut has no newline at its end, and the last record without one is not shown.
  AddUnknown(
      "the log cuts lines of over 1024 bytes, so that a denial of a long path may be missing",
      report);
  uint64_t seconds = 0;
  const std::string limit = Setting("/proc/sys/kernel/printk_ratelimit");
  if (!absl::SimpleAtoi(limit, &seconds) || seconds != 0) {
    AddUnknown(
        "the log takes few lines at a time (kernel.printk_ratelimit=0 lifts that), and does not "
        "always say that there were more",
        report);
  }
}

void DenialWatch::AddAppArmorDoubts(v1::Report* report) const {
  const std::string quiet = Setting("/sys/module/apparmor/parameters/audit");
  if (quiet != "normal" && quiet != "noquiet" && quiet != "all") {
    report->add_denials_unknown(absl::StrCat("apparmor: its parameter `audit` says ",
                                             quiet.empty() ? "nothing" : EscapeForPeople(quiet),
                                             ", so that not all is logged"));
  }
  if (apparmor_.source() == v1::AppArmorPlan::ADMINISTRATOR) {
    report->add_denials_unknown(absl::StrCat("apparmor: what ", apparmor_.name(),
                                             " denies by a rule without `audit` is not logged"));
  }
}

}  // namespace cordon
