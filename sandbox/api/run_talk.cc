// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/run_talk.h"

#include <utility>

#include "sandbox/files/copy_out.h"
#include "sandbox/supervise/talk.h"
#include "sandbox/supervise/talk_verdict.h"

namespace cordon {
namespace {

class TalkRun {
 public:
  TalkRun(const std::vector<TalkPart>& parts, ProfileSource& profiles)
      : parts_(parts), profiles_(profiles) {
    for (const TalkPart& part : parts) {
      ends_.emplace_back();
      ends_.back().name = part.name;
      ends_.back().report = BeginReport(part.policy);
    }
  }

  // What cannot be opened is known while there is nothing to undo.
  absl::Status Prepare() {
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (!parts_[i].ready.ok()) return Failed(i, parts_[i].ready);
    }
    for (size_t i = 0; i < parts_.size(); ++i) {
      absl::StatusOr<ReadyJob> ready = parts_[i].prepare(&ends_[i].report);
      if (!ready.ok()) return Failed(i, ready.status());
      plans_.push_back(ready->sandbox->plan());
      talkers_.push_back({parts_[i].name, std::move(ready->sandbox), std::move(ready->launch),
                          parts_[i].streams, !ready->copy_out.empty()});
      copy_out_.push_back(std::move(ready->copy_out));
      policies_.push_back(std::move(ready->policy));
    }
    return absl::OkStatus();
  }

  absl::Status Run(const std::vector<SandboxLink>& links, size_t decider, const Control& control) {
    std::vector<TalkLink> ends;
    for (const SandboxLink& link : links) ends.push_back({link.from, link.stream, link.to});
    absl::StatusOr<TalkResult> result = WatchTalk(std::move(talkers_), ends, decider, control);
    if (!result.ok()) return Failed(0, result.status());
    absl::Status failure;
    for (size_t i = 0; i < ends_.size(); ++i) failure.Update(Take(i, &result->ends[i]));
    streams_ = std::move(result->streams);
    cancelled_ = result->cancelled;
    return failure;
  }

  v1::Report Report(size_t decider) {
    v1::Report report = TalkReport(ends_, DecideTalk(ends_, decider, cancelled_));
    for (v1::StreamReport& stream : streams_) *report.add_stream() = std::move(stream);
    return report;
  }

 private:
  absl::Status Take(size_t index, TalkResult::End* end) {
    TalkEnd& mine = ends_[index];
    mine.ended_ns = end->ended_ns;
    mine.cut_off = end->cut_off;
    absl::Status status = end->report.status();
    if (status.ok()) {
      mine.report.MergeFrom(*end->report);
      if (end->left != nullptr) {
        status = CollectFiles(*end->left, copy_out_[index], &mine.report);
      }
    }
    AddAdvice(policies_[index], *parts_[index].facts, plans_[index], profiles_, &mine.report);
    if (!status.ok()) FillFailure(status, &mine.report);
    return status;
  }

  // None of them has run; the others say so.
  absl::Status Failed(size_t index, const absl::Status& status) {
    for (size_t i = 0; i < ends_.size(); ++i) {
      if (i == index) {
        FillFailure(status, &ends_[i].report);
      } else {
        ends_[i].report.set_verdict(v1::CANCELLED);
        ends_[i].report.set_setup_only(true);
      }
    }
    return status;
  }

  const std::vector<TalkPart>& parts_;
  ProfileSource& profiles_;
  std::vector<Talker> talkers_;
  std::vector<CopyOutFiles> copy_out_;
  std::vector<NormalPolicy> policies_;
  std::vector<v1::Plan> plans_;
  std::vector<TalkEnd> ends_;
  std::vector<v1::StreamReport> streams_;
  bool cancelled_ = false;
};

}  // namespace

v1::Report ReportOfTalk(const std::vector<TalkPart>& parts, const std::vector<SandboxLink>& links,
                        size_t decider, ProfileSource& profiles, const Control& control,
                        absl::Status* failure) {
  TalkRun run(parts, profiles);
  *failure = run.Prepare();
  if (failure->ok()) *failure = run.Run(links, decider, control);
  return run.Report(decider);
}

}  // namespace cordon
