// SPDX-License-Identifier: Apache-2.0
// Runs one job with one fault, and looks from outside at what is left. Three processes: the
// observer (the test), a supervisor that it forks and that uses the library as `cordon run` does,
// and the child of the sandbox. Entry points: FaultMatrix::RunWith, Leftovers.
#ifndef CORDON_TESTS_SUPPORT_FAULTS_MATRIX_H_
#define CORDON_TESTS_SUPPORT_FAULTS_MATRIX_H_

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/cgroup_group.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"
#include "tests/support/faults/points.h"
#include "tests/support/faults/rich_job.h"
#include "tests/support/faults/state.h"
#include "tests/support/faults/temporary.h"
#include "tests/support/good_program.h"
#include "tests/support/health_of.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {

inline constexpr int kErrnos[] = {EPERM, EACCES, ENOMEM, EAGAIN, ENOSPC};

// What the supervisor says at its end, in memory that the observer shares.
struct Ending {
  bool prepared;
  bool ended;     // normally, with all of the below
  bool ok;        // there is a report
  bool as_usual;  // the job exited with 0 and every layer is as without a fault; its file was
                  // taken, or the report says why not
  v1::Verdict verdict;
  uint32_t size;     // of `error`
  char error[8192];  // the first ErrorDetail
  char left[256];    // what the supervisor still has of the sandbox: nothing, if all is well
};

struct Shared {
  faults::State faults;
  Ending ending;
};

// Everything about one run.
struct Seen {
  bool hung = false;
  bool killed = false;  // the supervisor, by a signal
  bool canary = false;  // the payload has run
  bool fired = false;   // the fault was reached
  Ending ending = {};
  faults::State faults = {};
  v1::ErrorDetail error;
  std::string left;  // of processes, groups and files, after the supervisor's end
};

// kSupervisorOnly: the child goes on as soon as there is nobody above it. kInitOfHeld: the
// supervisor goes on when init has ended.
// kChildOfInit: the first, which is the twin, and later the checker. kPayload: the last.
enum class Victim {
  kNone,
  kInit,
  kInitOfHeld,
  kChildOfInit,
  kPayload,
  kSupervisor,
  kSupervisorOnly
};

class FaultMatrix : public testing::Test {
 protected:
  static void SetUpTestSuite() { TemporaryPlaces::Isolate(); }
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
    // Orphans of a killed supervisor become our children: none can hide.
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    void* memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    shared_ = static_cast<Shared*>(memory);
    facts_ = HostFactsOfTest();
    JobOptions options;
    rich_.Adjust(folder_.path(), &options);
    Adjust(&options);
    absl::StatusOr<CompiledPlan> plan = PlanOf(options);
    ASSERT_THAT(plan, IsOk());
    launch_ = LaunchOf(*plan, {"canary", "/out/canary"}).value();
    AdjustLaunch(&launch_);
    ASSERT_THAT(rich_.Open(plan->proto()), IsOk());
    plan_ = std::make_unique<CompiledPlan>(*std::move(plan));
    usual_ = UsualLayers();
    const uint64_t begin = MonotonicNs();
    const Seen good = RunWith(faults::Unbroken(), Victim::kNone);
    fault_points_ = FaultPoints(MonotonicNs() - begin);
    ASSERT_TRUE(good.canary) << "without a fault the canary must be written";
    ASSERT_TRUE(good.ending.as_usual) << good.error.ShortDebugString();
    ASSERT_EQ(good.left, "");
  }

  void TearDown() override {
    faults::state = nullptr;
    if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
  }

  // Before the plan is made.
  virtual void Adjust(JobOptions* /*options*/) {}
  // The job, after that; it has the folder that it may write to at /out.
  virtual void AdjustLaunch(v1::LaunchPlan* launch) {
    AddHealth({"exit", "0"}, 60'000'000'000, 1, launch);
  }

  // The set-up program that the plan becomes here.
  SetupProgram ProgramOfPlan() {
    const ResolvedSources sources =
        ResolveSources(plan_->proto().mount(), facts_.privileged()).value();
    return BuildProgram({plan_->proto(), sources, facts_.privileged(), &rich_.in()}, InitFilter())
        .value()
        .program();
  }

  // One run. With a victim, that process is killed once the fault is reached.
  Seen RunWith(const faults::State& fault, Victim victim) {
    Seen seen;
    std::memset(static_cast<void*>(shared_), 0, sizeof(Shared));
    shared_->faults = fault;
    const std::string canary = folder_.path() + "/canary";
    for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
      std::filesystem::remove(file.path());
    }
    rich_.Clear();
    const std::set<std::string> files = temporary_.Names();
    const pid_t supervisor = ::fork();
    if (supervisor == 0) Supervise();
    if (victim == Victim::kInitOfHeld) {
      KillInitOfHeld(supervisor);
    } else if (victim != Victim::kNone) {
      KillVictim(supervisor, victim);
    }
    const int status = WaitFor(supervisor, &seen.hung);
    seen.killed = WIFSIGNALED(status);
    seen.left = Leftovers(seen.killed, supervisor) + rich_.Left(seen.killed);
    for (const std::string& name : temporary_.Names()) {
      if (files.count(name) == 0) seen.left += "file " + name + " ";
    }
    seen.ending = shared_->ending;
    seen.faults = shared_->faults;
    seen.fired = seen.faults.op_reached != 0 || seen.faults.call_reached != 0;
    seen.error.ParseFromArray(seen.ending.error, static_cast<int>(seen.ending.size));
    seen.canary = std::filesystem::exists(canary);
    return seen;
  }

  const SharedFolder& folder() const { return folder_; }

  const FaultPoints& points() const { return fault_points_; }
  size_t step() const { return fault_points_.every(); }

 private:
  static std::string LayersOf(const v1::Report& report) {
    std::string text;
    for (const v1::LayerReport& layer : report.layers()) {
      absl::StrAppend(&text, layer.layer(), "=", layer.state(), " ");
    }
    return text;
  }

  std::string UsualLayers() {
    absl::StatusOr<v1::Report> report = RunJobOnce();
    return report.ok() ? LayersOf(*report) : "";
  }

  absl::StatusOr<v1::Report> RunJobOnce() {
    CORDON_ASSIGN_OR_RETURN(const std::unique_ptr<Sandbox> sandbox,
                            Sandbox::Prepare(*plan_, facts_, rich_.files()));
    shared_->ending.prepared = true;
    CORDON_ASSIGN_OR_RETURN(
        v1::Report report,
        RunJob(*sandbox, launch_, {in_.fd(), out_.fd(), out_.fd(), false, false}));
    CORDON_RETURN_IF_ERROR(rich_.Collect(*sandbox, &report));
    return report;
  }

  // The supervisor's process.
  [[noreturn]] void Supervise() {
    const size_t descriptors = DescriptorsOfTest().size();
    const std::string mounts = MountsOfTest();
    faults::state = &shared_->faults;
    shared_->faults.armed = ::getpid();
    const absl::StatusOr<v1::Report> report = RunJobOnce();
    shared_->faults.armed = 0;
    Ending& ending = shared_->ending;
    ending.ok = report.ok();
    if (report.ok()) {
      ending.verdict = report->verdict();
      ending.as_usual = report->verdict() == v1::EXITED && report->exit_code() == 0 &&
                        LayersOf(*report) == usual_ &&
                        report->collected_size() + report->not_collected_size() == 1;
    } else {
      const std::string bytes = DetailsOf(report.status())[0].SerializeAsString();
      ending.size = static_cast<uint32_t>(std::min(bytes.size(), sizeof(ending.error)));
      std::memcpy(ending.error, bytes.data(), ending.size);
    }
    std::string left;
    if (!ChildrenOfTest().empty()) left += "child ";
    if (DescriptorsOfTest().size() != descriptors) left += "descriptor ";
    if (MountsOfTest() != mounts) left += "mount ";
    std::strncpy(ending.left, left.c_str(), sizeof(ending.left) - 1);
    ending.ended = true;
    ::_exit(0);
  }

  static void Nap() {
    struct timespec time = {0, 200000};
    ::nanosleep(&time, nullptr);
  }

  // In the order of their forks.
  static std::vector<pid_t> ChildrenOf(pid_t pid) {
    const std::string number = std::to_string(pid);
    std::istringstream text(FileText("/proc/" + number + "/task/" + number + "/children"));
    std::vector<pid_t> children;
    for (pid_t child = 0; text >> child;) children.push_back(child);
    return children;
  }
  static pid_t FirstChildOf(pid_t pid) {
    const std::vector<pid_t> children = ChildrenOf(pid);
    return children.empty() ? 0 : children.front();
  }
  static pid_t LastChildOf(pid_t pid) {
    const std::vector<pid_t> children = ChildrenOf(pid);
    return children.empty() ? 0 : children.back();
  }

  static char StateOf(pid_t pid) {
    const std::string state =
        ParseStatus(FileText("/proc/" + std::to_string(pid) + "/status"))["State"];
    return state.empty() ? 'X' : state[0];
  }

  // Waits until the child stands at its fault and the supervisor before its call, ends the child,
  // and only then lets the supervisor go on. One that sleeps does not come to that call any more.
  void KillInitOfHeld(pid_t supervisor) {
    int asleep = 0;
    while (__atomic_load_n(&shared_->faults.hold_reached, __ATOMIC_SEQ_CST) == 0 && asleep < 500) {
      asleep = StateOf(supervisor) == 'S' ? asleep + 1 : 0;
      if (shared_->ending.ended) return;
      Nap();
    }
    KillVictim(supervisor, Victim::kInitOfHeld);
    __atomic_store_n(&shared_->faults.hold_released, 1, __ATOMIC_SEQ_CST);
  }

  // Waits until the child stands at the fault, then kills.
  void KillVictim(pid_t supervisor, Victim victim) {
    for (int i = 0; i < 100000; ++i) {
      if (shared_->faults.op < 0) break;  // it stands where the supervisor lets it
      if (__atomic_load_n(&shared_->faults.op_reached, __ATOMIC_SEQ_CST) != 0) break;
      if (shared_->ending.ended) return;
      Nap();
    }
    pid_t pid = supervisor;
    if (victim != Victim::kSupervisor && victim != Victim::kSupervisorOnly) {
      pid = FirstChildOf(pid);
    }
    if (victim == Victim::kPayload) pid = LastChildOf(pid);
    if (victim == Victim::kChildOfInit) pid = FirstChildOf(pid);
    if (pid > 1) ::kill(pid, SIGKILL);
    if (victim == Victim::kInitOfHeld) {
      while (StateOf(pid) != 'Z' && StateOf(pid) != 'X') Nap();
    }
    if (victim != Victim::kSupervisorOnly) return;
    siginfo_t info = {};
    ::waitid(P_PID, static_cast<id_t>(supervisor), &info, WEXITED | WNOWAIT);
    __atomic_store_n(&shared_->faults.op_released, 1, __ATOMIC_SEQ_CST);
  }

  int WaitFor(pid_t pid, bool* hung) {
    int status = 0;
    for (int i = 0; i < 100000; ++i) {
      if (::waitpid(pid, &status, WNOHANG) == pid) return status;
      Nap();
    }
    *hung = true;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return status;
  }

  // Processes that outlived their supervisor, and groups: of a killed one those that the next run
  // would not remove, else any.
  std::string Leftovers(bool killed, pid_t supervisor) {
    std::string left;
    for (int i = 0; i < 20000 && !ChildrenOfTest().empty(); ++i) {
      while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
      if (!ChildrenOfTest().empty()) Nap();
    }
    for (const std::string& pid : ChildrenOfTest()) left += "process " + pid + " ";
    const std::string prefix = GroupPrefixOf(supervisor);
    std::vector<std::string> groups = GroupsNamed(prefix);
    if (killed && !groups.empty()) ++groups_swept_;
    // Several times: newer kernels take a reaped process out of its group a moment later, and rmdir
    // refuses until then.
    for (int i = 0; killed && i < 1000 && !groups.empty(); ++i) {
      for (const std::string& group : groups) {
        SweepStaleGroups(std::filesystem::path(group).parent_path().string());
      }
      groups = GroupsNamed(prefix);
      if (!groups.empty()) Nap();
    }
    for (const std::string& group : groups) left += group + " ";
    return left;
  }

  const StreamFile in_;  // made before the first fault
  const StreamFile out_;
  SharedFolder folder_;
  RichJob rich_;
  TemporaryPlaces temporary_;
  Shared* shared_ = nullptr;
  v1::HostFacts facts_;
  std::unique_ptr<CompiledPlan> plan_;
  v1::LaunchPlan launch_;
  std::string usual_;
  FaultPoints fault_points_;

 protected:
  int groups_swept_ = 0;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_FAULTS_MATRIX_H_
