// SPDX-License-Identifier: Apache-2.0
// Health checks of real jobs; what a job tries against them is in tests/cli/life_cli_test.py.
#include "sandbox/supervise/health.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/health_of.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

class HealthTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
  }
  void TearDown() override {
    EXPECT_THAT(ChildrenOfTest(), IsEmpty());
    EXPECT_THAT(GroupsOfTest(), IsEmpty());
  }

  static std::vector<std::string> ChildrenOf(const std::string& pid) {
    return absl::StrSplit(FileText("/proc/" + pid + "/task/" + pid + "/children"), ' ',
                          absl::SkipEmpty());
  }

  // What starts the checks of the jobs of this process.
  static std::vector<std::string> Checkers() {
    std::vector<std::string> found;
    for (const std::string& init : ChildrenOfTest()) {
      for (const std::string& pid : ChildrenOf(init)) {
        if (FileText("/proc/" + pid + "/comm") == "cordon-checker\n") found.push_back(pid);
      }
    }
    return found;
  }

  static JobOptions Checked(const std::vector<std::string>& words, uint32_t retries) {
    JobOptions options;
    AddHealth(words, 10'000'000, retries, &options.launch);
    return options;
  }
};

TEST_F(HealthTest, AJobWithoutOneHasNoReportOfIt) {
  const JobResult result = RunPayload({"exit", "0"});
  ASSERT_THAT(result.report, IsOk());
  EXPECT_FALSE(result.report->has_health());
}

TEST_F(HealthTest, ChecksThatPassLetTheJobRun) {
  const JobResult result = RunPayload({"sleep", "700"}, Checked({"exit", "0"}, 1));
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::EXITED);
  EXPECT_TRUE(result.report->health().ready());
  EXPECT_GE(result.report->health().passed(), 1u);
  EXPECT_EQ(result.report->health().failed(), 0u);
}

TEST_F(HealthTest, FailuresInARowEndIt) {
  const JobResult result = RunPayload({"sleep", "1000000"}, Checked({"exit", "9"}, 4));
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::UNHEALTHY);
  EXPECT_EQ(result.report->health().failed(), 4u);
  EXPECT_EQ(EvidenceOf(*result.report, "health.check")->observed(), "exit 9");
}

// The host changes what holds the checks: they are not started, and there is no verdict.
TEST_F(HealthTest, ACheckThatIsHeldOtherwiseIsNotStarted) {
  CORDON_NEEDS("root", IsRoot());
  std::atomic<bool> over{false};
  std::thread host([&over] {
    while (!over) {  // whoever is too early is overruled by the checker's own set-up
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      for (const std::string& checker : Checkers()) {
        std::ofstream("/proc/" + checker + "/oom_score_adj") << "7";
      }
    }
  });
  const JobResult result = RunPayload({"sleep", "1000000"}, Checked({"exit", "0"}, 1));
  over = true;
  host.join();
  ASSERT_FALSE(result.report.ok());
  EXPECT_THAT(result.report, HasErrorWith("oom_score_adj: expected 1000, found 7"));
  EXPECT_EQ(DetailsOf(result.report.status())[0].stage(), "verify");
}

// It is dying while it is read: nothing that is read of it then is a breach of the sandbox.
TEST_F(HealthTest, AChecksDeathAtAnyMomentFailsTheCheckAlone) {
  std::atomic<bool> over{false};
  std::thread host([&] {
    std::set<std::string> met;
    while (!over) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      for (const std::string& checker : Checkers()) {
        for (const std::string& check : ChildrenOf(checker)) {
          pid_t pid = 0;
          if (met.insert(check).second && absl::SimpleAtoi(check, &pid)) ::kill(pid, SIGKILL);
        }
      }
    }
  });
  constexpr uint32_t kChecks = 40;
  JobOptions options = Checked({"sleep", "1000000"}, kChecks);
  options.wall_time = options.cpu_time = "30m";  // each spins in front of its program for a while
  options.launch.mutable_health()->set_interval_ns(1'000'000);
  const JobResult result = RunPayload({"sleep", "1000000"}, options);
  over = true;
  host.join();
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::UNHEALTHY);
  EXPECT_EQ(result.report->health().failed(), kChecks);
}

TEST_F(HealthTest, AListenerOfNotifyIsNotTheChecks) {
  JobOptions options = Checked({"sockets", "1", "1"}, 1);
  options.seccomp += "\nrule { calls: \"socket\" action: NOTIFY errno_name: \"EACCES\" }";
  const JobResult result = RunPayload({"sleep", "1000000"}, options);
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::UNHEALTHY);
  EXPECT_EQ(result.report->health().last().end(), "exit 38");  // ENOSYS
  EXPECT_EQ(result.report->notified_call_size(), 0);
}

}  // namespace
}  // namespace cordon
