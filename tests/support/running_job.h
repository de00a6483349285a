// SPDX-License-Identifier: Apache-2.0
// A job that sleeps, so that a test can look at it from the host: through /proc/PID of its init
// and of its payload.
#ifndef CORDON_TESTS_SUPPORT_RUNNING_JOB_H_
#define CORDON_TESTS_SUPPORT_RUNNING_JOB_H_

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {

class RunningJobTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
  }

  // Ends with a payload that has done its exec.
  void Start(const JobOptions& options = {}) {
    const absl::StatusOr<CompiledPlan> plan = PlanOf(WithoutListener(options));
    ASSERT_THAT(plan, IsOk());
    absl::StatusOr<std::unique_ptr<Sandbox>> sandbox = Sandbox::Prepare(*plan, HostFactsOfTest());
    ASSERT_THAT(sandbox, IsOk());
    sandbox_ = *std::move(sandbox);
    ASSERT_THAT(sandbox_->Launch(LaunchOf(*plan, {"sleep", "1000000"}).value()), IsOk());
    init_ = std::to_string(sandbox_->child().pid);
    for (int i = 0; i < 500 && payload_.empty(); ++i) {
      std::ifstream children("/proc/" + init_ + "/task/" + init_ + "/children");
      std::string pid;
      children >> pid;
      const std::string line = FileText("/proc/" + pid + "/cmdline");
      if (line.compare(0, 16, "/payload/payload") == 0) payload_ = pid;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_FALSE(payload_.empty());
  }

  std::map<std::string, std::string> Status(const std::string& pid) const {
    return ParseStatus(FileText("/proc/" + pid + "/status"));
  }

  std::unique_ptr<Sandbox> sandbox_;
  std::string init_;
  std::string payload_;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_RUNNING_JOB_H_
