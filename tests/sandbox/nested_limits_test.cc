// SPDX-License-Identifier: Apache-2.0
// Jobs in a group above which another one has lower limits: what such a limit takes from a job is
// not the job's fault. Each with its control, in which the job's own limit is the lower one.
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "sandbox/layers/cgroup_base.h"
#include "sandbox/layers/cgroup_group.h"
#include "sandbox/os/file.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::StartsWith;

class NestedLimitsTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    if (IsSkipped()) return;
    CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
    const auto all = FindHierarchies();
    ASSERT_THAT(all, IsOk());
    v1_ = FindV1(*all, "memory") != nullptr;
    if (v1_) {
      for (const char* controller : {"memory", "pids"}) {
        Add(FindV1(*all, controller)->own_dir);
        doors_.push_back(outer_.back().directory());
      }
      return;
    }
    const auto base = FindOwnCgroupBase(*all);
    ASSERT_THAT(base, IsOk());
    CORDON_NEEDS("a group for others that the test does not stand in", !base->leave);
    ASSERT_THAT(EnableControllers(*base, {"memory", "pids"}), IsOk());
    Add(base->directory);
    doors_.push_back(outer_[0].directory() + "/self");
    ASSERT_THAT(outer_[0].Write("cgroup.subtree_control", "+memory +pids"), IsOk());
    ASSERT_THAT(MakeDirectoryAt(kCwd, doors_[0], 0755), IsOk());
  }
  void TearDown() override {
    if (!v1_ && !doors_.empty()) RemoveDirectoryAt(kCwd, doors_[0]).IgnoreError();
    for (Group& each : outer_) EXPECT_THAT(each.Remove(500), IsOk());
    outer_.clear();
    JobTest::TearDown();
  }
  void Add(const std::string& parent) {
    auto group = Group::Make(parent, "/", absl::StrCat("nested-", ::getpid()));
    ASSERT_THAT(group, IsOk());
    outer_.push_back(*std::move(group));
  }
  bool KnowsPeak() const { return outer_.back().Has("pids.peak"); }
  void LimitMemory(const std::string& bytes) {
    EXPECT_THAT(outer_[0].Write(v1_ ? "memory.limit_in_bytes" : "memory.max", bytes), IsOk());
  }
  void LimitProcesses(const std::string& number) {
    EXPECT_THAT(outer_.back().Write("pids.max", number), IsOk());
  }

  // The verdict, or stage and text of the error, of a job of a process below the outer group.
  std::string RunBelow(const std::vector<std::string>& arguments, const JobOptions& options) {
    const StreamFile answer;
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (const std::string& door : doors_) {
        if (!WriteAt(kCwd, door + "/cgroup.procs", "0").ok()) ::_exit(1);
      }
      const JobResult result = Run(arguments, options);
      std::string text = result.verdict();
      if (!result.report.ok()) {
        const v1::ErrorDetail detail = DetailsOf(result.report.status())[0];
        text = absl::StrCat(detail.stage(), ": ", detail.message());
      }
      ::_exit(WriteAll(answer.fd(), "the answer", text).ok() ? 0 : 2);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    return answer.Text();
  }

  bool v1_ = false;
  std::vector<Group> outer_;        // one, or those of memory and pids
  std::vector<std::string> doors_;  // groups to enter
};

TEST_F(NestedLimitsTest, MemoryThatAGroupAboveTheJobLacksIsNoVerdict) {
  LimitMemory("67108864");
  JobOptions options;
  options.memory = "256MiB";
  EXPECT_THAT(RunBelow({"memory"}, options),
              StartsWith("run: the host was out of memory and killed "));
  options.memory = "16MiB";
  EXPECT_EQ(RunBelow({"memory"}, options), "MEMORY_LIMIT");
}

TEST_F(NestedLimitsTest, ProcessesThatAGroupAboveTheJobRefusesAreNoVerdict) {
  CORDON_NEEDS("the peak of processes (Linux 6.1)", KnowsPeak());
  LimitProcesses("10");
  JobOptions options;
  options.processes = 40;
  EXPECT_THAT(RunBelow({"fork_bomb"}, options), StartsWith("run: the host refused the job "));
  options.processes = 3;
  EXPECT_EQ(RunBelow({"fork_bomb"}, options), "PROCESS_LIMIT");
}

}  // namespace
}  // namespace cordon
