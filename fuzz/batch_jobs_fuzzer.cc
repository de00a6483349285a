// SPDX-License-Identifier: Apache-2.0
// Any bytes as a list of jobs, in the form that the first byte names. What is accepted is in order:
// names are unique, every job that another comes after is there, no matrix is left, each job can be
// reached by the schedule, each artifact is of a job that comes before, and the shards hold each
// job once; sandboxes that talk can. As a stream, in pieces of any length, the same lines are the
// same jobs where each comes after earlier ones only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/batch/job_stream.h"
#include "policy/batch/jobs.h"
#include "policy/batch/schedule.h"
#include "policy/batch/talk.h"
#include "policy/job_files.h"
#include "policy/job_watch.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

// Streams join two sandboxes that are there, and none is used twice.
void CheckSandboxes(const cordon::v1::BatchJob& job) {
  const auto count = static_cast<size_t>(job.sandbox_size());
  Check(count >= cordon::kMinSandboxes && count <= cordon::kMaxSandboxes);
  for (const cordon::v1::BatchJob& one : job.sandbox()) {
    Check(one.argv_size() > 0 && !one.policy().empty() && one.sandbox_size() == 0);
  }
  Check(job.sandbox(static_cast<int>(cordon::DeciderOf(job))).name() == job.verdict_of());
  const auto links = cordon::LinksOf(job);
  Check(links.size() == static_cast<size_t>(job.connect_size()));
  std::set<std::pair<size_t, int>> used;
  for (const cordon::SandboxLink& link : links) {
    Check(link.from < count && link.to < count && link.from != link.to);
    Check(used.insert({link.from, link.stream}).second && used.insert({link.to, 0}).second);
  }
}

// It is one that a job before this one leaves.
void CheckArtifact(const cordon::BatchTask& task, const std::string& text) {
  const auto name = cordon::ParseArtifactName(text);
  Check(name.ok());
  bool made = false;
  for (const std::string& before : task.job.after()) made = made || before == name->job;
  Check(made);
}

// What the supervisor gets of it has no value that it could not work with.
void CheckWatchOf(const cordon::v1::BatchJob& job) {
  constexpr uint64_t kMillisecond = 1'000'000;
  cordon::v1::JobSpec spec;
  cordon::v1::LaunchPlan launch;
  cordon::CopyWatch(job, &spec);
  cordon::CompileWatch(spec, &launch);
  Check(launch.timeline_interval_ns() == 0 || launch.timeline_interval_ns() >= kMillisecond);
  Check((launch.cancel_grace_ns() != 0) == (launch.cancel_signal() != 0));
  Check(launch.cancel_signal() <= 64);
  if (!launch.has_health()) return;
  const cordon::v1::HealthPlan& health = launch.health();
  Check(health.argv_size() > 0 && !health.argv(0).empty() && health.retries() > 0);
  Check(health.interval_ns() >= kMillisecond && health.timeout_ns() >= kMillisecond);
}

void CheckTasks(const std::vector<cordon::BatchTask>& tasks) {
  std::set<std::string> names;
  for (const cordon::BatchTask& task : tasks) {
    Check(names.insert(task.job.name()).second && task.job.matrix_size() == 0);
    if (cordon::IsTalk(task.job)) {
      CheckSandboxes(task.job);
    } else {
      Check(task.job.argv_size() > 0 && !task.job.policy().empty());
    }
    CheckWatchOf(task.job);
    Check(task.after.size() == static_cast<size_t>(task.job.after_size()));
    for (const size_t before : task.after) Check(before < tasks.size());
    for (const cordon::v1::CopyIn& entry : task.job.copy_in()) {
      if (entry.has_artifact()) CheckArtifact(task, entry.artifact());
    }
    for (const cordon::v1::BindArtifact& entry : task.job.bind_artifact()) {
      CheckArtifact(task, entry.artifact());
    }
  }
  cordon::Schedule schedule(tasks);
  size_t ran = 0;
  while (!schedule.done()) {
    const auto next = schedule.Next();
    Check(next.has_value());
    ran += 1 + schedule.Ended(*next, tasks[*next].job.name().size() % 2 == 0).size();
  }
  Check(ran == tasks.size());
  Check(cordon::ShardOf(tasks, 1, 2).size() + cordon::ShardOf(tasks, 2, 2).size() == tasks.size());
}

// What of `bytes` the stream takes, in pieces of `piece` bytes; `good`: all of it.
std::vector<cordon::BatchTask> Streamed(absl::string_view bytes, size_t piece, bool* good) {
  cordon::JobStream stream("jobs", 1, 1);
  std::vector<cordon::BatchTask> taken;
  *good = true;
  for (size_t at = 0;; at += piece) {
    if (at < bytes.size()) {
      stream.Add(bytes.substr(at, piece));
    } else {
      stream.End();
    }
    for (;;) {
      auto next = stream.Next();
      *good = *good && next.ok();
      if (!next.ok() || !next->has_value()) break;
      for (cordon::BatchTask& task : **next) taken.push_back(std::move(task));
    }
    if (at >= bytes.size()) return taken;
  }
}

void CheckStream(absl::string_view bytes, size_t piece,
                 const absl::StatusOr<std::vector<cordon::BatchTask>>& list) {
  bool good = false;
  const std::vector<cordon::BatchTask> taken = Streamed(bytes, piece, &good);
  for (size_t i = 0; i < taken.size(); ++i) {
    for (const size_t before : taken[i].after) Check(before < i);
  }
  if (good) {
    Check(list.ok());
    CheckTasks(taken);
  }
  if (!list.ok()) return;
  bool forward = false;
  for (size_t i = 0; i < list->size(); ++i) {
    for (const size_t before : (*list)[i].after) forward = forward || before > i;
  }
  Check(good == !forward);
  for (size_t i = 0; i < taken.size(); ++i) {
    Check(taken[i].job.SerializeAsString() == (*list)[i].job.SerializeAsString());
    Check(taken[i].after == (*list)[i].after && taken[i].place == (*list)[i].place);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr cordon::JobsForm kForms[] = {cordon::JobsForm::kText, cordon::JobsForm::kJson,
                                         cordon::JobsForm::kJsonLines};
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto tasks = cordon::ReadJobs(bytes, kForms[data[0] % 3], "jobs");
  if (tasks.ok()) CheckTasks(*tasks);
  if (data[0] % 3 == 2) CheckStream(bytes, size_t{data[0]} + 1, tasks);
  return 0;
}
