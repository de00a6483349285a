// SPDX-License-Identifier: Apache-2.0
// `cordon batch`: many jobs, some at a time, each by a worker process that is the job's supervisor.
// The batch itself only hands out work and keeps the results: what goes wrong with one job, a crash
// of its supervisor too, stays with that job.
#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/html_report.h"
#include "policy/batch/jobs.h"
#include "policy/batch/junit.h"
#include "policy/batch/schedule.h"
#include "policy/normalize.h"
#include "sandbox/api/cordon.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/api/run_job.h"
#include "sandbox/api/stdio_files.h"
#include "sandbox/host/probe.h"
#include "sandbox/host/scope.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/worker.h"
#include "tools/cordon/batch_check.h"
#include "tools/cordon/batch_journal.h"
#include "tools/cordon/batch_output.h"
#include "tools/cordon/batch_store.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/job_request.h"
#include "tools/cordon/json_text.h"
#include "tools/cordon/report_writer.h"
#include "tools/cordon/talk_job.h"

namespace cordon::cli {
namespace {

constexpr char kNothing[] = "/dev/null";
constexpr uint64_t kSignals = ~uint64_t{0};  // token of the signalfd; others are slots

absl::StatusOr<std::vector<BatchTask>> LoadTasks(const BatchOptions& options) {
  if (options.jobs.empty()) {
    CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadAll(0, "standard input", kMaxJobsBytes));
    return ReadJobs(bytes, JobsForm::kJsonLines, "standard input");
  }
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(options.jobs, kMaxJobsBytes));
  return ReadJobs(bytes, FormOfJobs(options.jobs), options.jobs);
}

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

class Batch {
 public:
  Batch(const BatchOptions& options, std::vector<BatchTask> tasks, CheckedBatch checked,
        v1::HostFacts facts)
      : options_(options),
        tasks_(std::move(tasks)),
        checked_(std::move(checked)),
        facts_(std::move(facts)),
        schedule_(tasks_),
        results_(tasks_.size()),
        progress_(tasks_.size(), options.json, options.quiet) {}

  absl::Status Open() {
    report_.set_digest(checked_.digest);
    CORDON_ASSIGN_OR_RETURN(epoll_, Epoll::Make());
    CORDON_ASSIGN_OR_RETURN(signals_, SignalFd::Make());
    CORDON_RETURN_IF_ERROR(epoll_.Add(signals_.fd(), EPOLLIN, kSignals).status());
    CORDON_ASSIGN_OR_RETURN(store_, BatchStore::Open(options_.store, options_.journal, tasks_));
    if (options_.journal.empty()) return absl::OkStatus();
    CORDON_ASSIGN_OR_RETURN(BatchJournal journal,
                            BatchJournal::Open(options_.journal, checked_.digest,
                                               static_cast<uint32_t>(tasks_.size())));
    journal_.emplace(std::move(journal));
    return absl::OkStatus();
  }

  // What a policy is to its jobs is the same for all of them. Of one that this host cannot hold
  // each job says so itself.
  void CompilePolicies() {
    for (auto& [name, ready] : checked_.policies) {
      absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(ready.policy, facts_);
      if (plan.ok()) ready.plan.emplace(*std::move(plan));
    }
  }

  absl::Status Run() {
    CompilePolicies();
    const std::vector<uint32_t> cpus = AllowedCpus();
    slots_.resize(options_.at_once);
    while (!schedule_.done() || running_ > 0) {
      if (!stopping_) CORDON_RETURN_IF_ERROR(StartWhatMay(cpus));
      if (running_ == 0) break;  // stopped, or everything came from the journal
      CORDON_ASSIGN_OR_RETURN(const std::vector<Epoll::Event> events, epoll_.Wait(-1));
      for (const Epoll::Event& event : events) {
        if (event.token == kSignals) {
          Stop();
        } else {
          CORDON_RETURN_IF_ERROR(Hear(static_cast<size_t>(event.token)));
        }
      }
    }
    return absl::OkStatus();
  }

  bool stopped() const { return stopping_; }

  const v1::BatchReport& Finish() {
    report_.set_jobs(static_cast<uint32_t>(tasks_.size()));
    for (size_t i = 0; i < tasks_.size(); ++i) {
      v1::JobResult* result = report_.add_result();
      *result = std::move(results_[i]);
      result->set_name(tasks_[i].job.name());
    }
    CountOutcomes(&report_);
    progress_.End(report_);
    return report_;
  }

 private:
  struct Slot {
    std::optional<Worker> worker;
    size_t task = 0;
  };

  absl::Status StartWhatMay(const std::vector<uint32_t>& cpus) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      while (!slots_[i].worker.has_value()) {
        const std::optional<size_t> next = held_.has_value() ? held_ : schedule_.Next();
        held_.reset();
        if (!next.has_value()) return absl::OkStatus();
        if (FromJournal(*next)) continue;
        if (!Fits(*next)) {
          held_ = next;  // the next one to start: none that is smaller may overtake it for ever
          return absl::OkStatus();
        }
        // A processor of its own while there are as many: neighbours do not take turns then.
        std::optional<uint32_t> cpu;
        if (slots_.size() <= cpus.size() && slots_.size() > 1) cpu = cpus[i];
        const v1::BatchJob& job = tasks_[*next].job;
        RunRequest request = RequestOf(job);
        const absl::Status ready = store_.Fill(tasks_[*next], tasks_, results_, &request);
        CORDON_ASSIGN_OR_RETURN(
            Worker worker, Worker::Start([&] { return RunOne(job, request, ready, cpu); }, cpu));
        slots_[i].worker.emplace(std::move(worker));
        slots_[i].task = *next;
        memory_ += checked_.memory[*next];
        ++running_;
        CORDON_RETURN_IF_ERROR(
            epoll_.Add(slots_[i].worker->fd(), EPOLLIN, static_cast<uint64_t>(i)).status());
      }
    }
    return absl::OkStatus();
  }

  // In the worker. The report as bytes. `ready`: an error that keeps the job from running.
  std::string RunOne(const v1::BatchJob& job, const RunRequest& request, absl::Status ready,
                     std::optional<uint32_t> cpu) const {
    if (job.sandbox_size() > 0) {
      PolicySource profiles;
      absl::Status failure;
      return ReportOfTalk(job, profiles, {kNothing, kNothing}, &failure).SerializeAsString();
    }
    v1::Report report;
    report.set_policy(job.policy());
    report.set_cordon_version(std::string(Version()));
    report.set_kernel_release(facts_.kernel_release());
    const absl::StatusOr<StdioFiles> files = StdioFiles::Open(
        {OrNothing(job.stdin()), OrNothing(job.stdout()), OrNothing(job.stderr())});
    if (ready.ok()) ready = store_.CheckBound(request);
    if (ready.ok()) ready = files.status();
    if (ready.ok()) {
      const ReadyPolicy& policy = checked_.policies.at(job.policy());
      ready = RunUnder(policy, facts_, Pinned(request.job, cpu, policy.policy, facts_),
                       files->streams(), {}, &report, request.store);
    }
    if (!ready.ok()) FillFailure(ready, &report);
    return report.SerializeAsString();
  }

  // Jobs that run beside each other must not need more than the machine has: they would push each
  // other out of memory. Four fifths are given away; a job alone may have what it likes.
  bool Fits(size_t task) const {
    return running_ == 0 || memory_ + checked_.memory[task] <= HostMemoryBytes() / 5 * 4;
  }

  bool FromJournal(size_t task) {
    if (!journal_.has_value()) return false;
    const auto found = journal_->results().find(tasks_[task].job.name());
    if (found == journal_->results().end() || !store_.Holds(found->second)) return false;
    Keep(task, found->second, true);
    return true;
  }

  absl::Status Hear(size_t slot) {
    if (!slots_[slot].worker.has_value()) return absl::OkStatus();
    Worker& worker = *slots_[slot].worker;
    CORDON_ASSIGN_OR_RETURN(const bool ended, worker.Read());
    if (!ended) return absl::OkStatus();
    epoll_.Remove(worker.fd());
    const size_t task = slots_[slot].task;
    v1::JobResult result;
    result.set_name(tasks_[task].job.name());
    *result.mutable_report() = ReportOf(worker.Take());
    slots_[slot].worker.reset();
    memory_ -= checked_.memory[task];
    --running_;
    if (result.report().verdict() == v1::CANCELLED) {
      // As if it had not been started: the next batch on this journal runs it, and what comes
      // after it.
      result.set_outcome(v1::JobResult::CANCELLED);
      progress_.Add(result, false);
      results_[task] = std::move(result);
      schedule_.Ended(task, false);
      return absl::OkStatus();
    }
    result.set_why(WhyNotExpected(tasks_[task].job, result.report()));
    result.set_outcome(result.why().empty() ? v1::JobResult::GOOD : v1::JobResult::BAD);
    if (journal_.has_value()) CORDON_RETURN_IF_ERROR(journal_->Add(result));
    Keep(task, std::move(result), false);
    return absl::OkStatus();
  }

  // Skips follow from results, so that they are not in the journal.
  void Keep(size_t task, v1::JobResult result, bool old) {
    const bool good = result.outcome() == v1::JobResult::GOOD;
    progress_.Add(result, old);
    results_[task] = std::move(result);
    for (const Schedule::Skipped& each : schedule_.Ended(task, good)) {
      v1::JobResult skipped;
      skipped.set_name(tasks_[each.task].job.name());
      skipped.set_outcome(v1::JobResult::SKIPPED);
      skipped.set_why(absl::StrCat("comes after ", tasks_[each.because].job.name()));
      progress_.Add(skipped, old);
      results_[each.task] = std::move(skipped);
    }
  }

  // The first signal lets each job be cancelled by its supervisor, the next one kills them all.
  void Stop() {
    if (signals_.Read() == 0) return;
    for (Slot& slot : slots_) {
      if (slot.worker.has_value()) slot.worker->Signal(stopping_ ? SIGKILL : SIGTERM);
    }
    stopping_ = true;
  }

  const BatchOptions& options_;
  std::vector<BatchTask> tasks_;
  CheckedBatch checked_;
  v1::HostFacts facts_;  // probed once: nothing that a job does changes them
  Schedule schedule_;
  std::vector<v1::JobResult> results_;
  BatchProgress progress_;
  v1::BatchReport report_;
  Epoll epoll_;
  SignalFd signals_;
  BatchStore store_;
  std::optional<BatchJournal> journal_;
  std::vector<Slot> slots_;
  size_t running_ = 0;
  uint64_t memory_ = 0;  // that those which run may use
  std::optional<size_t> held_;
  bool stopping_ = false;
};

// The paths are absolute: host paths of jobs are relative to the folder of the list, or to the
// current one when the list comes from standard input.
absl::StatusOr<int> RunBatch(const BatchOptions& options) {
  CORDON_ASSIGN_OR_RETURN(std::vector<BatchTask> tasks, LoadTasks(options));
  tasks = ShardOf(std::move(tasks), options.shard, options.shard_count);
  if (!options.jobs.empty()) {
    CORDON_RETURN_IF_ERROR(ChangeDirectory(std::string(ParentPath(options.jobs))));
  }
  CORDON_ASSIGN_OR_RETURN(CheckedBatch checked, CheckBatch(tasks));
  if (options.dry_run) {
    if (!options.quiet) std::fprintf(stderr, "%zu jobs, no error\n", tasks.size());
    return 0;
  }
  // What cannot be written is known before anything runs.
  CORDON_ASSIGN_OR_RETURN(ReportWriter whole, ReportWriter::Open(options.report, -1));
  CORDON_ASSIGN_OR_RETURN(ReportWriter junit, ReportWriter::Open(options.junit, -1));
  CORDON_ASSIGN_OR_RETURN(ReportWriter html, ReportWriter::Open(options.html, -1));
  const absl::Status scope = EnterOwnScope();
  CORDON_ASSIGN_OR_RETURN(const absl::optional<SupervisorLeaf> leaf, StepAside());
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ProbeHost());
  ExplainScope(scope, &facts);  // each job says why there is no group
  Batch batch(options, std::move(tasks), std::move(checked), std::move(facts));
  absl::Status status = batch.Open();
  if (status.ok()) status = batch.Run();
  if (leaf.has_value()) leaf->Return();
  CORDON_RETURN_IF_ERROR(status);
  const v1::BatchReport& report = batch.Finish();
  CORDON_RETURN_IF_ERROR(whole.Write(JsonText(report)));
  CORDON_RETURN_IF_ERROR(junit.Write(JUnitXml(report)));
  const std::string title(LastComponent(options.jobs));
  CORDON_RETURN_IF_ERROR(html.Write(HtmlReport(report, title)));
  if (batch.stopped()) return kExitStopped;
  return report.good() == report.jobs() ? 0 : kExitNotAllGood;
}

// "2/5": the second of five.
absl::Status ReadShard(const std::string& text, BatchOptions* options) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &options->shard) &&
      absl::SimpleAtoi(parts[1], &options->shard_count) && options->shard >= 1 &&
      options->shard <= options->shard_count) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("--shard \"", EscapeForPeople(text), "\" is not I/N with 1 <= I <= N"))
      .Stage("parse");
}

}  // namespace

int RunBatchCommand(BatchOptions options) {
  const std::string here = CurrentDirectory();
  if (options.jobs == "-") options.jobs.clear();
  for (std::string* path : {&options.jobs, &options.journal, &options.report, &options.junit,
                            &options.html, &options.store}) {
    if (!path->empty()) *path = LexicalJoin(here, *path);
  }
  absl::Status status;
  if (!options.shard_text.empty()) status = ReadShard(options.shard_text, &options);
  absl::StatusOr<int> code = status.ok() ? RunBatch(options) : absl::StatusOr<int>(status);
  if (code.ok()) return *code;
  PrintErrors(code.status());
  return kExitCordon;
}

}  // namespace cordon::cli
