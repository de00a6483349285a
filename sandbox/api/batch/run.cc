// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/run.h"

#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"
#include "policy/normalize.h"
#include "sandbox/api/batch/job_request.h"
#include "sandbox/api/batch/talk_job.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/api/run_job.h"
#include "sandbox/api/stdio_files.h"
#include "sandbox/host/scope.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr char kNothing[] = "/dev/null";
constexpr uint64_t kSignals = ~uint64_t{0};  // tokens; others are slots
constexpr uint64_t kInput = kSignals - 1;
constexpr uint64_t kCancel = kInput - 1;

// Of a stream, this much is read before it can be started: enough that jobs which need not wait for
// others are seen, and no more, so that a long stream stays in the pipe.
constexpr size_t kMostQueued = 1024;
constexpr uint64_t kMostQueuedBytes = uint64_t{16} << 20;

std::string OrNothing(const std::string& path) { return path.empty() ? kNothing : path; }

// A job that has one processor for itself. On cgroup v2 its group has to hold it there: before
// Linux 6.2 a process that enters a group with a cpuset forgets its own affinity. Elsewhere the
// affinity that it inherits from the worker does.
v1::JobSpec Pinned(v1::JobSpec spec, std::optional<uint32_t> cpu, const NormalPolicy& policy,
                   const v1::HostFacts& facts) {
  const v1::Cgroup& cgroup = policy.proto().cgroup();
  const auto& controllers = facts.cgroup_controllers();
  const bool by_group =
      facts.cgroup_mode() == v1::HostFacts::CGROUP_V2 &&
      std::find(controllers.begin(), controllers.end(), "cpuset") != controllers.end();
  if (cpu.has_value() && by_group && cgroup.enforcement() != v1::OFF &&
      cgroup.cpuset_cpus().empty()) {
    spec.set_cpuset_cpus(absl::StrCat(*cpu));
  }
  return spec;
}

v1::Report ReportOf(absl::StatusOr<std::string> bytes) {
  v1::Report report;
  if (bytes.ok() && report.ParseFromString(*bytes)) return report;
  report.set_verdict(v1::SETUP_FAILED);
  *report.mutable_error() = DetailsOf(
      bytes.ok() ? absl::InternalError("the worker's report is broken") : bytes.status())[0];
  return report;
}

// What later jobs may ask for: the artifacts that the job has left.
v1::JobResult WithoutMostOf(const v1::JobResult& result) {
  v1::JobResult rest;
  for (const v1::Collected& row : result.report().collected()) {
    if (!row.artifact().empty()) *rest.mutable_report()->add_collected() = row;
  }
  return rest;
}

}  // namespace

BatchRun::BatchRun(BatchSetup setup, BatchCheck check, v1::HostFacts facts,
                   std::optional<BatchInput> input, BatchListener* listener)
    : setup_(std::move(setup)),
      check_(std::move(check)),
      facts_(std::move(facts)),
      input_(std::move(input)),
      cpus_(AllowedCpus()),
      listener_(listener),
      store_(setup_.store, setup_.journal),
      slots_(setup_.at_once) {}

absl::Status BatchRun::Open(std::vector<CheckedTask> tasks) {
  CORDON_ASSIGN_OR_RETURN(epoll_, Epoll::Make());
  CORDON_ASSIGN_OR_RETURN(signals_, SignalFd::Make());
  CORDON_RETURN_IF_ERROR(epoll_.Add(signals_.fd(), EPOLLIN, kSignals).status());
  if (setup_.cancel_fd >= 0) {
    CORDON_RETURN_IF_ERROR(epoll_.Add(setup_.cancel_fd, EPOLLIN, kCancel).status());
  }
  std::vector<BatchTask> order;  // those of a list may come after later ones
  for (CheckedTask& each : tasks) {
    CORDON_RETURN_IF_ERROR(store_.Need(each.task));
    order.push_back({{}, "", each.task.after});
    Admit(std::move(each));
  }
  schedule_ = Schedule(order);
  listener_->SetJobs(jobs_.size(), !may_come());
  if (setup_.journal.empty()) return absl::OkStatus();
  v1::JournalHead head;
  head.set_stream(input_.has_value());
  if (!head.stream()) {
    head.set_digest(check_.digest());
    head.set_jobs(static_cast<uint32_t>(jobs_.size()));
  }
  CORDON_ASSIGN_OR_RETURN(BatchJournal journal, BatchJournal::Open(setup_.journal, head));
  journal_.emplace(std::move(journal));
  return absl::OkStatus();
}

// The workers would stand beside this process in a group that cannot hand controllers down then.
absl::Status BatchRun::Run() {
  CORDON_ASSIGN_OR_RETURN(const absl::optional<SupervisorLeaf> leaf, StepAside());
  absl::Status ran = RunJobs();
  for (Slot& slot : slots_) slot.worker.reset();  // after an error some are left
  if (leaf.has_value()) leaf->Return();
  return ran;
}

absl::Status BatchRun::RunJobs() {
  while (running_ > 0 || !stopping_) {
    bool taken = stopping_;
    while (!taken) {
      TakeLines();
      taken = HasRoom();  // then there is no whole line any more
      CORDON_RETURN_IF_ERROR(StartWhatMay());
      taken = taken || !HasRoom();
    }
    if (running_ == 0 && !may_come()) break;  // there was nothing more, or it cannot be
    if (input_.has_value()) {
      CORDON_RETURN_IF_ERROR(input_->Watch(!stopping_ && HasRoom(), kInput, &epoll_));
    }
    CORDON_ASSIGN_OR_RETURN(const std::vector<Epoll::Event> events, epoll_.Wait(-1));
    for (const Epoll::Event& event : events) CORDON_RETURN_IF_ERROR(Hear(event.token));
  }
  return absl::OkStatus();
}

const v1::BatchReport& BatchRun::Finish() {
  report_.set_digest(check_.digest());
  report_.set_jobs(static_cast<uint32_t>(jobs_.size()));
  report_.set_not_run(report_.jobs() - report_.good() - report_.bad() - report_.skipped());
  for (Job& job : jobs_) {
    if (!setup_.keep_results) break;
    v1::JobResult* result = report_.add_result();
    if (job.result != nullptr) {
      *result = std::move(*job.result);
    } else {
      result->set_name(job.task->task.job.name());
    }
  }
  return report_;
}

bool BatchRun::HasRoom() const { return queued_ < kMostQueued && queued_bytes_ < kMostQueuedBytes; }

void BatchRun::Admit(CheckedTask task) {
  ++queued_;
  queued_bytes_ += task.task.job.ByteSizeLong();
  jobs_.push_back({std::make_unique<CheckedTask>(std::move(task)), nullptr});
}

void BatchRun::LeaveQueue(const CheckedTask& task) {
  --queued_;
  queued_bytes_ -= task.task.job.ByteSizeLong();
}

// A line as a whole or not at all.
void BatchRun::TakeLines() {
  while (input_.has_value() && !input_failed_ && HasRoom()) {
    absl::StatusOr<std::optional<std::vector<BatchTask>>> next = input_->Next();
    if (!next.ok()) return FailInput(next.status());
    if (!next->has_value()) break;
    absl::StatusOr<std::vector<CheckedTask>> tasks = check_.Add(**std::move(next));
    absl::Status status = tasks.status();
    if (status.ok()) status = CheckLine(*tasks);
    if (!status.ok()) return FailInput(status);
    for (CheckedTask& task : *tasks) {
      const std::vector<size_t> after = task.task.after;
      Admit(std::move(task));
      const std::optional<size_t> because = schedule_.Add(after);
      if (because.has_value()) Skip(jobs_.size() - 1, *because, false);
    }
  }
  listener_->SetJobs(jobs_.size(), !may_come());
}

absl::Status BatchRun::CheckLine(const std::vector<CheckedTask>& tasks) {
  for (const CheckedTask& task : tasks) {
    CORDON_RETURN_IF_ERROR(store_.Need(task.task));
    if (!journal_.has_value() || !journal_->HasOther(task)) continue;
    const v1::ErrorDetail error =
        JobComplaint(task.task, "name",
                     absl::StrCat("the journal has a result of another job \"",
                                  task.task.job.name(), "\", or of this one under another policy"));
    return ErrorFromDetails(absl::StatusCode::kInvalidArgument, {error});
  }
  return absl::OkStatus();
}

// What was read before is as good as it was: its results are waited for.
void BatchRun::FailInput(const absl::Status& status) {
  input_failed_ = true;
  input_->Close();
  listener_->SetJobs(jobs_.size(), true);
  listener_->InputFailed(status, jobs_.size());
}

absl::Status BatchRun::StartWhatMay() {
  for (size_t i = 0; i < slots_.size(); ++i) {
    while (!slots_[i].worker.has_value()) {
      const std::optional<size_t> next = held_.has_value() ? held_ : schedule_.Next();
      held_.reset();
      if (!next.has_value()) return absl::OkStatus();
      CORDON_ASSIGN_OR_RETURN(const bool old, FromJournal(*next));
      if (old) continue;
      if (!Fits(*next)) {
        held_ = next;  // the next one to start: none that is smaller may overtake it for ever
        return absl::OkStatus();
      }
      CORDON_RETURN_IF_ERROR(Start(i, *next));
    }
  }
  return absl::OkStatus();
}

absl::Status BatchRun::Start(size_t slot, size_t task) {
  const CheckedTask& checked = *jobs_[task].task;
  const v1::BatchJob& job = checked.task.job;
  // A processor of its own while there are as many: neighbours do not take turns then.
  std::optional<uint32_t> cpu;
  if (slots_.size() <= cpus_.size() && slots_.size() > 1) cpu = cpus_[slot];
  std::vector<RunRequest> requests = RequestsOf(job);
  const auto report_of = [&](size_t n) -> const v1::Report* {
    const std::unique_ptr<v1::JobResult>& before = jobs_[checked.task.after[n]].result;
    return before == nullptr ? nullptr : &before->report();
  };
  const absl::Status ready = store_.Fill(checked.task, report_of, &requests);
  const ReadyPolicy* policy =
      job.sandbox_size() > 0 ? nullptr : &check_.Ready(job.policy(), facts_);
  const auto work = [&] {
    if (input_.has_value()) input_->CloseCopy();
    return RunOne(job, requests, ready, policy, cpu);
  };
  CORDON_ASSIGN_OR_RETURN(Worker worker, Worker::Start(work, cpu));
  slots_[slot].worker.emplace(std::move(worker));
  slots_[slot].task = task;
  LeaveQueue(checked);
  memory_ += checked.memory;
  ++running_;
  return epoll_.Add(slots_[slot].worker->fd(), EPOLLIN, static_cast<uint64_t>(slot)).status();
}

// In the worker. The report as bytes. `ready`: an error that keeps the job from running.
std::string BatchRun::RunOne(const v1::BatchJob& job, const std::vector<RunRequest>& requests,
                             absl::Status ready, const ReadyPolicy* policy,
                             std::optional<uint32_t> cpu) const {
  PolicySource profiles;
  for (const RunRequest& each : requests) {
    if (ready.ok()) ready = store_.CheckBound(each);
  }
  if (policy == nullptr) {
    absl::Status failure;
    return ReportOfTalkJob(job, requests, ready, facts_, profiles, {kNothing, kNothing}, &failure)
        .SerializeAsString();
  }
  const RunRequest& request = requests[0];
  v1::Report report = BeginReport(job.policy(), &facts_);
  const absl::StatusOr<StdioFiles> files =
      StdioFiles::Open({OrNothing(job.stdin()), OrNothing(job.stdout()), OrNothing(job.stderr())});
  if (ready.ok()) ready = files.status();
  if (ready.ok()) {
    ready = RunUnder(*policy, profiles, facts_, Pinned(request.job, cpu, policy->policy, facts_),
                     files->streams(), {}, &report, request.store);
  }
  if (!ready.ok()) FillFailure(ready, &report);
  return report.SerializeAsString();
}

// Jobs that run beside each other must not need more than the machine has: they would push each
// other out of memory. Four fifths are given away; a job alone may have what it likes.
bool BatchRun::Fits(size_t task) const {
  return running_ == 0 || memory_ + jobs_[task].task->memory <= HostMemoryBytes() / 5 * 4;
}

absl::StatusOr<bool> BatchRun::FromJournal(size_t task) {
  if (!journal_.has_value()) return false;
  CORDON_ASSIGN_OR_RETURN(std::optional<v1::JobResult> found, journal_->Find(*jobs_[task].task));
  if (!found.has_value() || !store_.Holds(*found)) return false;
  LeaveQueue(*jobs_[task].task);
  Keep(task, *std::move(found), true);
  return true;
}

absl::Status BatchRun::Hear(uint64_t token) {
  if (token == kSignals) {
    if (signals_.Read() != 0) Stop();
    return absl::OkStatus();
  }
  if (token == kCancel) {
    epoll_.Remove(setup_.cancel_fd);  // it stays readable
    Stop();
    return absl::OkStatus();
  }
  if (token != kInput) return HearWorker(static_cast<size_t>(token));
  if (!may_come()) return absl::OkStatus();  // a signal has come with it
  const absl::Status read = input_->Read();
  if (!read.ok()) FailInput(read);
  return absl::OkStatus();
}

absl::Status BatchRun::HearWorker(size_t slot) {
  if (!slots_[slot].worker.has_value()) return absl::OkStatus();
  Worker& worker = *slots_[slot].worker;
  CORDON_ASSIGN_OR_RETURN(const bool ended, worker.Read());
  if (!ended) return absl::OkStatus();
  epoll_.Remove(worker.fd());
  const size_t task = slots_[slot].task;
  const CheckedTask& checked = *jobs_[task].task;
  v1::JobResult result;
  result.set_name(checked.task.job.name());
  *result.mutable_report() = ReportOf(worker.Take());
  slots_[slot].worker.reset();
  memory_ -= checked.memory;
  --running_;
  if (result.report().verdict() == v1::CANCELLED) {
    // As if it had not been started: the next batch on this journal runs it, and what comes
    // after it.
    result.set_outcome(v1::JobResult::CANCELLED);
    for (const Schedule::Skipped& each : schedule_.Ended(task, false)) {
      LeaveQueue(*jobs_[each.task].task);
    }
    Settle(task, std::move(result), false);
    return absl::OkStatus();
  }
  result.set_why(WhyNotExpected(checked.task.job, result.report()));
  result.set_outcome(result.why().empty() ? v1::JobResult::GOOD : v1::JobResult::BAD);
  if (journal_.has_value()) CORDON_RETURN_IF_ERROR(journal_->Add(checked, result));
  Keep(task, std::move(result), false);
  return absl::OkStatus();
}

// Skips follow from results, so that they are not in the journal.
void BatchRun::Keep(size_t task, v1::JobResult result, bool old) {
  const bool good = result.outcome() == v1::JobResult::GOOD;
  Settle(task, std::move(result), old);
  for (const Schedule::Skipped& each : schedule_.Ended(task, good)) {
    Skip(each.task, each.because, old);
  }
}

void BatchRun::Skip(size_t task, size_t because, bool old) {
  const BatchTask& skipped = jobs_[task].task->task;
  const auto at = std::find(skipped.after.begin(), skipped.after.end(), because);
  v1::JobResult result;
  result.set_name(skipped.job.name());
  result.set_outcome(v1::JobResult::SKIPPED);
  result.set_why(absl::StrCat("comes after ",
                              skipped.job.after(static_cast<int>(at - skipped.after.begin()))));
  LeaveQueue(*jobs_[task].task);
  Settle(task, std::move(result), old);
}

void BatchRun::Settle(size_t task, v1::JobResult result, bool old) {
  listener_->Add(result, old);
  switch (result.outcome()) {
    case v1::JobResult::GOOD:
      report_.set_good(report_.good() + 1);
      break;
    case v1::JobResult::BAD:
      report_.set_bad(report_.bad() + 1);
      break;
    case v1::JobResult::SKIPPED:
      report_.set_skipped(report_.skipped() + 1);
      break;
    default:
      break;  // counts as not run
  }
  Job& job = jobs_[task];
  if (!setup_.keep_results) result = WithoutMostOf(result);
  if (setup_.keep_results || result.has_report()) {
    job.result = std::make_unique<v1::JobResult>(std::move(result));
  }
  job.task.reset();
}

// The first time each job is cancelled by its supervisor, the next one kills them all.
void BatchRun::Stop() {
  for (Slot& slot : slots_) {
    if (slot.worker.has_value()) slot.worker->Signal(stopping_ ? SIGKILL : SIGTERM);
  }
  stopping_ = true;
  if (input_.has_value()) input_->Close();
}

}  // namespace cordon
