// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/talk_verdict.h"

#include <signal.h>

#include "sandbox/supervise/talk_usage.h"

namespace cordon {
namespace {

bool EndedWell(const v1::Report& report) {
  return report.verdict() == v1::EXITED && report.exit_code() == 0;
}

// By itself, and not because of what another one did. `strict`: row 5.
bool Failed(const TalkEnd& end, bool strict) {
  switch (end.report.verdict()) {
    case v1::EXITED:
      return end.report.exit_code() != 0 && (strict || !end.cut_off);
    case v1::SIGNALED:
      return end.report.signal() != SIGPIPE || !end.cut_off;
    case v1::CANCELLED:  // ended because the job was decided
      return false;
    default:
      return true;
  }
}

// The first by time of those that failed; ends.size() when there is none.
size_t FirstFailed(const std::vector<TalkEnd>& ends, size_t decider, bool strict) {
  size_t first = ends.size();
  for (size_t i = 0; i < ends.size(); ++i) {
    if (i == decider || !Failed(ends[i], strict)) continue;
    if (!strict && ends[i].ended_ns > ends[decider].ended_ns) continue;
    if (first == ends.size() || ends[i].ended_ns < ends[first].ended_ns) first = i;
  }
  return first;
}

// What they left behind is what the job did.
void AddFiles(const v1::Report& one, v1::Report* job) {
  job->mutable_collected()->MergeFrom(one.collected());
  job->mutable_not_collected()->MergeFrom(one.not_collected());
  job->set_not_collected_more(job->not_collected_more() + one.not_collected_more());
  if (one.outputs_missing()) job->set_outputs_missing(true);
}

}  // namespace

TalkDecision DecideTalk(const std::vector<TalkEnd>& ends, size_t decider, bool cancelled) {
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].report.verdict() == v1::SETUP_FAILED) return {i, "it could not be set up"};
  }
  if (cancelled) {
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].report.verdict() == v1::CANCELLED) return {i, "Cordon was told to stop"};
    }
  }
  const size_t before = FirstFailed(ends, decider, false);
  if (before != ends.size()) return {before, "it failed by itself before verdict_of ended"};
  if (!EndedWell(ends[decider].report)) return {decider, "verdict_of did not end well"};
  const size_t anyhow = FirstFailed(ends, decider, true);
  if (anyhow != ends.size()) return {anyhow, "it failed, though verdict_of ended well"};
  return {decider, "verdict_of ended well, and no other one failed"};
}

v1::Report TalkReport(const std::vector<TalkEnd>& ends, const TalkDecision& decision) {
  const v1::Report& decisive = ends[decision.sandbox].report;
  v1::Report report;
  report.set_verdict(decisive.verdict());
  if (decisive.has_exit_code()) report.set_exit_code(decisive.exit_code());
  if (decisive.has_signal()) report.set_signal(decisive.signal());
  report.set_signal_name(decisive.signal_name());
  *report.mutable_evidence() = decisive.evidence();
  if (decisive.has_violation()) *report.mutable_violation() = decisive.violation();
  if (decisive.has_error()) *report.mutable_error() = decisive.error();
  *report.mutable_more_errors() = decisive.more_errors();
  report.set_setup_only(decisive.setup_only());
  report.set_policy(decisive.policy());
  report.set_cordon_version(decisive.cordon_version());
  report.set_kernel_release(decisive.kernel_release());
  report.set_decided_by(ends[decision.sandbox].name);
  report.set_decided_why(decision.rule);
  for (const TalkEnd& end : ends) {
    v1::SandboxReport* sandbox = report.add_sandbox();
    sandbox->set_name(end.name);
    *sandbox->mutable_report() = end.report;
    constexpr uint64_t kSecond = 1'000'000'000;
    sandbox->mutable_ended_after()->set_seconds(static_cast<int64_t>(end.ended_ns / kSecond));
    sandbox->mutable_ended_after()->set_nanos(static_cast<int32_t>(end.ended_ns % kSecond));
    AddFiles(end.report, &report);
  }
  AddUsage(&report);
  AddTiming(&report);
  return report;
}

}  // namespace cordon
