// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/hard_limits.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"
#include "policy/message_check.h"
#include "policy/parse.h"
#include "policy/proto/error.pb.h"
#include "sandbox/api/batch/check.h"
#include "sandbox/api/batch/run.h"
#include "sandbox/api/json_text.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

constexpr char kJobs[] = "jobs";

class ToCaller : public BatchListener {
 public:
  explicit ToCaller(const BatchOptions& options) : options_(options) {}
  void SetJobs(size_t /*jobs*/, bool /*all*/) override {}
  void Add(const v1::JobResult& result, bool old) override {
    if (options_.on_result) options_.on_result(result, old);
  }
  void InputFailed(const absl::Status& /*status*/, size_t /*jobs*/) override {}

 private:
  const BatchOptions& options_;
};

absl::Status CheckThreads() {
  CORDON_ASSIGN_OR_RETURN(const std::string status, ReadAt(kCwd, "/proc/self/status"));
  const std::string threads = ParseStatus(status)["Threads"];
  if (threads == "1") return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("the process has ", threads,
                            " threads; a batch forks the supervisor of each job from it"))
      .Stage("prepare")
      .Hint(
          "run the jobs with Runner::Run, one in each of your threads, or call RunBatch before "
          "they are started");
}

// As a list in a file: one way to read jobs. What that text could not hold is refused before.
absl::StatusOr<std::vector<BatchTask>> TasksOf(const std::vector<v1::BatchJob>& jobs) {
  std::vector<v1::ErrorDetail> errors;
  std::string lines;
  for (size_t i = 0; i < jobs.size() && errors.size() < kMaxErrors; ++i) {
    CheckMessage(jobs[i], SourceMap(absl::StrCat(kJobs, ":", i + 1, ":1")), &errors);
    lines += JsonLine(jobs[i]);
  }
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  return ReadJobs(lines, JobsForm::kJsonLines, kJobs);
}

std::string Absolute(const std::string& path) {
  return path.empty() ? "" : LexicalJoin(CurrentDirectory(), path);
}

}  // namespace

absl::StatusOr<v1::BatchReport> RunBatch(const Host& host, const std::vector<v1::BatchJob>& jobs,
                                         const BatchOptions& options) {
  CORDON_RETURN_IF_ERROR(CheckThreads());
  if (options.at_once < 1 || options.at_once > kMostAtOnce) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(options.at_once, " is not from 1 to ", kMostAtOnce))
        .Stage("parse")
        .Field("at_once");
  }
  CORDON_ASSIGN_OR_RETURN(std::vector<BatchTask> tasks, TasksOf(jobs));
  BatchCheck check;
  CORDON_ASSIGN_OR_RETURN(std::vector<CheckedTask> checked, check.Add(std::move(tasks)));
  BatchSetup setup;
  setup.at_once = options.at_once;
  setup.journal = Absolute(options.journal);
  setup.store = Absolute(options.store);
  if (options.cancel.has_value()) setup.cancel_fd = options.cancel->fd();
  ToCaller listener(options);
  BatchRun batch(std::move(setup), std::move(check), host.facts(), std::nullopt, &listener);
  CORDON_RETURN_IF_ERROR(batch.Open(std::move(checked)));
  CORDON_RETURN_IF_ERROR(batch.Run());
  return batch.Finish();
}

}  // namespace cordon
