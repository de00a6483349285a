// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/store.h"

#include <utility>

#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/artifacts.h"

namespace cordon {

BatchStore::BatchStore(const std::string& folder, const std::string& journal)
    : folder_(folder.empty() && !journal.empty() ? journal + ".store" : folder) {}

absl::Status BatchStore::Need(const BatchTask& task) {
  if (store_.has_value() || !UsesArtifacts(task.job)) return absl::OkStatus();
  if (folder_.empty()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 "this job uses artifacts, and there is no store for them")
        .Stage("store")
        .Source(task.place)
        .Hint("name a folder with --store, or a --journal, which has one beside it");
  }
  CORDON_ASSIGN_OR_RETURN(store_, FileStore::Open(folder_));
  return absl::OkStatus();
}

bool BatchStore::Holds(const v1::JobResult& result) const {
  for (const v1::Collected& row : result.report().collected()) {
    if (row.artifact().empty()) continue;
    if (!store_.has_value() || !store_->Has(row.sha256(), row.bytes())) return false;
  }
  return true;
}

absl::Status BatchStore::Fill(const BatchTask& task,
                              const std::function<const v1::Report*(size_t n)>& report_of,
                              std::vector<RunRequest>* requests) const {
  if (!store_.has_value()) return absl::OkStatus();
  const auto by_name = [&](const std::string& name) -> const v1::Report* {
    for (int i = 0; i < task.job.after_size(); ++i) {
      if (task.job.after(i) == name) return report_of(static_cast<size_t>(i));
    }
    return nullptr;
  };
  for (size_t i = 0; i < requests->size(); ++i) {
    RunRequest& request = (*requests)[i];
    request.store = &*store_;
    const bool of_several = task.job.sandbox_size() > 0;
    const v1::BatchJob& part = of_several ? task.job.sandbox(static_cast<int>(i)) : task.job;
    CORDON_RETURN_IF_ERROR(ResolveArtifacts(part, store_->path(), by_name, &request.job));
  }
  return absl::OkStatus();
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

}  // namespace cordon
