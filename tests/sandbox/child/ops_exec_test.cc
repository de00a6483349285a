// SPDX-License-Identifier: Apache-2.0
// Handlers between fork and exec, seen from the host on a running job.
#include <signal.h>

#include <filesystem>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class OpsExecTest : public RunningJobTest {};

TEST_F(OpsExecTest, ThePayloadIsTheFirstThatTheKernelKillsForMemory) {
  Start();
  EXPECT_EQ(FileText("/proc/" + payload_ + "/oom_score_adj"), "1000\n");
  EXPECT_NE(FileText("/proc/" + init_ + "/oom_score_adj"), "1000\n");
}

TEST_F(OpsExecTest, UmaskIsTheUsualOne) {
  Start();
  EXPECT_EQ(Status(payload_)["Umask"], "0022");
}

TEST_F(OpsExecTest, AWorkingDirectoryThatIsNotThereIsAnErrorOfItsStep) {
  const absl::StatusOr<CompiledPlan> plan = PlanOf({});
  ASSERT_THAT(plan, IsOk());
  const auto sandbox = Sandbox::Prepare(*plan, HostFactsOfTest());
  ASSERT_THAT(sandbox, IsOk());
  v1::LaunchPlan launch = LaunchOf(*plan, {"exit", "0"}).value();
  launch.set_working_directory("/nowhere");
  const StreamFile file;
  const auto report = RunJob(**sandbox, launch, {file.fd(), file.fd(), file.fd(), false, false});
  EXPECT_THAT(report, HasErrorWith("Chdir"));
  EXPECT_THAT(report, HasErrorWith("ENOENT"));
}

// As execvp(3): a candidate that does not exist does not end the search.
TEST_F(OpsExecTest, CandidatesAreTriedInOrder) {
  const absl::StatusOr<CompiledPlan> plan = PlanOf({});
  ASSERT_THAT(plan, IsOk());
  const struct {
    std::vector<std::string> paths;
    const char* error;
  } cases[] = {{{"/nowhere/x", "/payload/payload/x", "/payload/payload"}, ""},
               {{"/work", "/payload/payload"}, ""},
               {{"/work", "/nowhere"}, "EACCES"},
               {{"/nowhere", "/payload/payload/x"}, "ENOENT"}};
  for (const auto& each : cases) {
    const auto sandbox = Sandbox::Prepare(*plan, HostFactsOfTest());
    ASSERT_THAT(sandbox, IsOk());
    v1::LaunchPlan launch = LaunchOf(*plan, {"exit", "0"}).value();
    launch.clear_exec_path();
    for (const std::string& path : each.paths) launch.add_exec_path(path);
    const StreamFile file;
    const auto report = RunJob(**sandbox, launch, {file.fd(), file.fd(), file.fd(), false, false});
    if (*each.error == '\0') {
      EXPECT_THAT(report, IsOk());
    } else {
      EXPECT_THAT(report, HasErrorWith(each.error));
    }
  }
}

}  // namespace
}  // namespace cordon
