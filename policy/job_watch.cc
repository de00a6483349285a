// SPDX-License-Identifier: Apache-2.0
#include "policy/job_watch.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/signal_name.h"
#include "policy/base/units.h"
#include "policy/field_scan.h"
#include "policy/quantity.h"

namespace cordon {
namespace {

constexpr char kDefaultSignal[] = "SIGTERM";

// 0 for an absent one.
uint64_t Duration(const std::string& text) { return ParseDuration(text).value_or(0); }

void CheckCancel(const v1::Cancel& cancel, absl::string_view path, Violations* violations) {
  violations->CheckQuantities(cancel, path);
  if (cancel.signal().empty()) return;
  const std::string field = ChildField(path, "signal");
  const absl::optional<int> number = SignalNumber(cancel.signal());
  if (!number.has_value()) {
    violations->Add(field, absl::StrCat(Excerpt(cancel.signal()), " is not the name of a signal"),
                    "write it as SIGTERM or SIGRT1");
  } else if (*number == SignalNumber("SIGKILL") || *number == SignalNumber("SIGSTOP")) {
    violations->Add(field, absl::StrCat("no job can act on ", cancel.signal()));
  } else if (Duration(cancel.grace()) == 0) {
    violations->Add(field, "is never sent: there is no grace");
  }
}

void CheckHealth(const v1::HealthCheck& health, absl::string_view path, Violations* violations) {
  violations->CheckQuantities(health, path);
  if (health.argv_size() == 0 || health.argv(0).empty()) {
    violations->Add(ChildField(path, "argv"), "there is no program to run");
  }
}

}  // namespace

void CopyWatch(const v1::BatchJob& from, v1::JobSpec* to) {
  to->set_timeline(from.timeline());
  if (from.has_cancel()) *to->mutable_cancel() = from.cancel();
  if (from.has_health_check()) *to->mutable_health_check() = from.health_check();
}

void CheckWatch(const v1::JobSpec& job, absl::string_view path, Violations* violations) {
  violations->CheckQuantities(job, path);
  CheckCancel(job.cancel(), ChildField(path, "cancel"), violations);
  if (job.has_health_check()) {
    CheckHealth(job.health_check(), ChildField(path, "health_check"), violations);
  }
}

void CompileWatch(const v1::JobSpec& job, v1::LaunchPlan* launch) {
  launch->set_timeline_interval_ns(Duration(job.timeline()));
  launch->set_cancel_grace_ns(Duration(job.cancel().grace()));
  if (launch->cancel_grace_ns() != 0) {
    const std::string& name = job.cancel().signal();
    launch->set_cancel_signal(
        static_cast<uint32_t>(SignalNumber(name.empty() ? kDefaultSignal : name).value_or(0)));
  }
  if (!job.has_health_check()) return;
  v1::HealthCheck health = job.health_check();
  NormalizeQuantities(&health);  // defaults
  v1::HealthPlan* plan = launch->mutable_health();
  *plan->mutable_argv() = health.argv();
  plan->set_interval_ns(Duration(health.interval()));
  plan->set_timeout_ns(Duration(health.timeout()));
  plan->set_retries(health.retries());
  plan->set_start_period_ns(Duration(health.start_period()));
}

}  // namespace cordon
