// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/talk_job.h"

#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/base/status.h"
#include "policy/batch/talk.h"
#include "sandbox/api/run_job.h"
#include "sandbox/api/stdio_files.h"
#include "sandbox/supervise/talk.h"
#include "sandbox/supervise/talk_verdict.h"
#include "tools/cordon/job_request.h"

namespace cordon::cli {
namespace {

constexpr char kNothing[] = "/dev/null";

class TalkRun {
 public:
  TalkRun(const v1::BatchJob& job, ProfileSource& profiles, const TalkDefaults& defaults)
      : job_(job), profiles_(profiles), defaults_(defaults), links_(LinksOf(job)) {
    for (const v1::BatchJob& one : job.sandbox()) {
      ends_.emplace_back();
      ends_.back().name = one.name();
      ends_.back().report = BeginReport(one.policy());
    }
  }

  v1::Report Run(absl::Status* failure) {
    *failure = Prepare();
    if (failure->ok()) *failure = Talk();
    const TalkDecision decision = DecideTalk(ends_, DeciderOf(job_), cancelled_);
    v1::Report report = TalkReport(ends_, decision);
    for (v1::StreamReport& stream : streams_) *report.add_stream() = std::move(stream);
    return report;
  }

 private:
  // Files first: what cannot be opened is known while there is nothing to undo.
  absl::Status Prepare() {
    for (size_t i = 0; i < ends_.size(); ++i) {
      absl::StatusOr<StdioFiles> files = StdioFiles::Open(PathsOf(i));
      if (!files.ok()) return Failed(i, files.status());
      files_.push_back(*std::move(files));
    }
    const absl::StatusOr<v1::HostFacts> facts = ReadyHost();
    if (!facts.ok()) return Failed(0, facts.status());
    for (size_t i = 0; i < ends_.size(); ++i) {
      const v1::BatchJob& one = job_.sandbox(static_cast<int>(i));
      absl::StatusOr<ReadyJob> ready =
          PrepareJob(RequestOf(one), profiles_, *facts, &ends_[i].report);
      if (!ready.ok()) return Failed(i, ready.status());
      talkers_.push_back(
          {one.name(), std::move(ready->sandbox), std::move(ready->launch), files_[i].streams()});
    }
    return absl::OkStatus();
  }

  StdioPaths PathsOf(size_t index) const {
    const v1::BatchJob& one = job_.sandbox(static_cast<int>(index));
    std::set<int> linked;
    for (const SandboxLink& link : links_) {
      if (link.from == index) linked.insert(link.stream);
    }
    StdioPaths paths;
    paths.in = one.stdin().empty() ? kNothing : one.stdin();
    paths.out = linked.count(1) > 0 ? kNothing : Or(one.stdout(), defaults_.out);
    paths.err = linked.count(2) > 0 ? kNothing : Or(one.stderr(), defaults_.err);
    return paths;
  }

  static std::string Or(const std::string& path, const std::string& otherwise) {
    return path.empty() ? otherwise : path;
  }

  absl::Status Talk() {
    std::vector<TalkLink> links;
    for (const SandboxLink& link : links_) links.push_back({link.from, link.stream, link.to});
    absl::StatusOr<TalkResult> result = RunTalk(std::move(talkers_), links, DeciderOf(job_));
    if (!result.ok()) return Failed(0, result.status());
    absl::Status failure;
    for (size_t i = 0; i < ends_.size(); ++i) {
      const TalkResult::End& end = result->ends[i];
      ends_[i].ended_ns = end.ended_ns;
      ends_[i].cut_off = end.cut_off;
      if (end.report.ok()) {
        ends_[i].report.MergeFrom(*end.report);
      } else {
        FillFailure(end.report.status(), &ends_[i].report);
        failure.Update(end.report.status());
      }
    }
    streams_ = std::move(result->streams);
    cancelled_ = result->cancelled;
    return failure;
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

  const v1::BatchJob& job_;
  ProfileSource& profiles_;
  const TalkDefaults& defaults_;
  std::vector<SandboxLink> links_;
  std::vector<StdioFiles> files_;
  std::vector<Talker> talkers_;
  std::vector<TalkEnd> ends_;
  std::vector<v1::StreamReport> streams_;
  bool cancelled_ = false;
};

}  // namespace

v1::Report ReportOfTalk(const v1::BatchJob& job, ProfileSource& profiles,
                        const TalkDefaults& defaults, absl::Status* failure) {
  return TalkRun(job, profiles, defaults).Run(failure);
}

}  // namespace cordon::cli
