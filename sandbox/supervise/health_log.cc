// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/health_log.h"

#include <signal.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "policy/base/signal_name.h"
#include "sandbox/supervise/usage.h"

namespace cordon {

void HealthLog::Add(const CheckResult& result) {
  if (result.passed) {
    failed_in_row_ = 0;
    report_.set_passed(report_.passed() + 1);
    if (!report_.ready()) {
      report_.set_ready(true);
      SetDuration(result.ended_ns, report_.mutable_ready_after());
    }
  } else {
    report_.set_failed(report_.failed() + 1);
    if (result.timed_out) report_.set_timed_out(report_.timed_out() + 1);
    if (report_.ready() || result.began_ns >= plan_->start_period_ns()) ++failed_in_row_;
  }
  report_.set_failed_in_row(failed_in_row_);
  v1::HealthResult* last = report_.mutable_last();
  SetDuration(result.ended_ns, last->mutable_offset());
  SetDuration(result.ended_ns - std::min(result.ended_ns, result.began_ns),
              last->mutable_duration());
  last->set_end(result.end);
  last->set_output(result.output);
}

void HealthLog::Fill(Observations* seen) const {
  seen->health_end = report_.last().end();
  seen->health_output = report_.last().output();
  seen->health_in_row = failed_in_row_;
  seen->health_retries = plan_->retries();
}

std::string EndText(int code, int status) {
  return code == CLD_EXITED ? absl::StrCat("exit ", status) : SignalName(status);
}

}  // namespace cordon
