// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/denials.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/audit.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

// The log holds some thousand records; whoever fills it faster than this reads is not waited for.
constexpr int kMostRecords = 100'000;
// The thread that writes the lines has nothing else to do; on a busy host it may wait its turn.
constexpr int kWriterMs = 2000;

constexpr char kLandlock[] =
    "landlock: the kernel is not asked what it denied (before Linux 6.15 it does not say)";

std::string Reason(absl::string_view what, const absl::Status& status) {
  return absl::StrCat("apparmor: ", what, ": ", RenderError(DetailsOf(status).front()));
}

std::string Setting(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, path);
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

}  // namespace

DenialWatch::DenialWatch(const v1::Plan& plan) : landlock_(plan.landlock().enabled()) {
  const v1::AppArmorPlan& apparmor = plan.apparmor();
  if (!apparmor.enabled()) return;
  apparmor_.set_enabled(true);
  apparmor_.set_source(apparmor.source());
  apparmor_.set_name(apparmor.name());
  apparmor_.set_policy_namespace(apparmor.policy_namespace());
  apparmor_.set_stacked(apparmor.stacked());
  absl::StatusOr<KernelLog> log = KernelLog::OpenAtEnd();
  if (log.ok()) {
    log_ = *std::move(log);
  } else {
    why_not_ = Reason("the kernel's log cannot be read", log.status());
  }
}

void DenialWatch::Fill(const JobInLog& job, v1::Report* report) {
  if (landlock_) report->add_denials_unknown(kLandlock);
  if (!apparmor_.enabled()) return;
  if (!log_.has_value()) {
    report->add_denials_unknown(why_not_);
    return;
  }
  if (!InFirstNamespaces()) {
    report->add_denials_unknown(
        "apparmor: the kernel's log speaks of processes and users by other numbers than this "
        "namespace");
    return;
  }
  if (const absl::Status written = AwaitAudit(kWriterMs); !written.ok()) {
    report->add_denials_unknown(Reason("the last lines may not be written yet", written));
  }
  ReadLog(job, report);
  AddDoubts(report);
}

void DenialWatch::ReadLog(const JobInLog& job, v1::Report* report) {
  DenialList list(apparmor_, job);
  int left = kMostRecords;
  for (; left > 0; --left) {
    const absl::StatusOr<std::optional<std::string>> record = log_->Next();
    if (absl::IsDataLoss(record.status())) {
      list.Overwritten();
      continue;
    }
    if (!record.ok()) {
      report->add_denials_unknown(Reason("the kernel's log cannot be read on", record.status()));
      break;
    }
    if (!record->has_value()) break;
    list.Add(**record);
  }
  if (left == 0) report->add_denials_unknown("apparmor: the kernel's log grows too fast");
  list.Fill(report);
}

// What keeps lines out of the log without a trace there.
void DenialWatch::AddDoubts(v1::Report* report) const {
  const absl::StatusOr<uint32_t> daemon = AuditDaemon();
  if (!daemon.ok()) {
    report->add_denials_unknown(
        Reason("whether an audit daemon takes the lines is not known", daemon.status()));
  } else if (*daemon != 0) {
    report->add_denials_unknown(absl::StrCat(
        "apparmor: an audit daemon (process ", *daemon,
        ") takes the lines, so that they are not in the kernel's log: ausearch -m AVC"));
  }
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
  // Kernel: what is cut has no newline at its end, and the last record without one is not shown.
  report->add_denials_unknown(
      "apparmor: the log cuts lines of over 1024 bytes, so that a denial of a long path may be "
      "missing");
  uint64_t seconds = 0;
  const std::string limit = Setting("/proc/sys/kernel/printk_ratelimit");
  if (!absl::SimpleAtoi(limit, &seconds) || seconds != 0) {
    report->add_denials_unknown(
        "apparmor: the log takes few lines at a time (kernel.printk_ratelimit=0 lifts that), and "
        "does not always say that there were more");
  }
}

}  // namespace cordon
