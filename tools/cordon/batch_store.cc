// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/batch_store.h"

#include <utility>

#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/artifacts.h"

namespace cordon::cli {

absl::StatusOr<BatchStore> BatchStore::Open(const std::string& folder, const std::string& journal,
                                            const std::vector<BatchTask>& tasks) {
  BatchStore opened;
  const BatchTask* user = nullptr;
  for (const BatchTask& task : tasks) {
    if (user == nullptr && UsesArtifacts(task.job)) user = &task;
  }
  if (user == nullptr) return opened;
  if (folder.empty() && journal.empty()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 "this job uses artifacts, and there is no store for them")
        .Stage("store")
        .Source(user->place)
        .Hint("name a folder with --store, or a --journal, which has one beside it");
  }
  CORDON_ASSIGN_OR_RETURN(opened.store_,
                          FileStore::Open(folder.empty() ? journal + ".store" : folder));
  return opened;
}

bool BatchStore::Holds(const v1::JobResult& result) const {
  for (const v1::Collected& row : result.report().collected()) {
    if (row.artifact().empty()) continue;
    if (!store_.has_value() || !store_->Has(row.sha256(), row.bytes())) return false;
  }
  return true;
}

absl::Status BatchStore::Fill(const BatchTask& task, const std::vector<BatchTask>& tasks,
                              const std::vector<v1::JobResult>& results,
                              RunRequest* request) const {
  if (!store_.has_value()) return absl::OkStatus();
  request->store = &*store_;
  const auto report_of = [&](const std::string& name) -> const v1::Report* {
    for (const size_t before : task.after) {
      if (tasks[before].job.name() == name) return &results[before].report();
    }
    return nullptr;
  };
  return ResolveArtifacts(task.job, store_->path(), report_of, &request->job);
}

absl::Status BatchStore::CheckBound(const RunRequest& request) const {
  if (!store_.has_value()) return absl::OkStatus();
  for (const v1::Bind& bind : request.job.extra_bind()) {
    if (std::string(ParentPath(bind.source())) != store_->path()) continue;
    CORDON_RETURN_IF_ERROR(
        store_->Get(std::string(LastComponent(bind.source())), nullptr).status());
  }
  return absl::OkStatus();
}

}  // namespace cordon::cli
