// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <signal.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

// What must be the same before and after a sandbox.
struct Traces {
  std::vector<std::string> children = ChildrenOfTest();
  std::vector<std::string> groups = GroupsOfTest();
  size_t descriptors = DescriptorsOfTest().size();
  std::string mounts = MountsOfTest();
};

void ExpectNoTraces(const Traces& before) {
  EXPECT_THAT(ChildrenOfTest(), IsEmpty());
  EXPECT_THAT(GroupsOfTest(), IsEmpty());
  EXPECT_EQ(DescriptorsOfTest().size(), before.descriptors);
  EXPECT_EQ(MountsOfTest(), before.mounts);
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
  }

  absl::StatusOr<std::unique_ptr<Sandbox>> PrepareWith(const JobOptions& options) {
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(WithoutListener(options)));
    return Sandbox::Prepare(plan, HostFactsOfTest());
  }

  v1::LaunchPlan LaunchWith(const std::vector<std::string>& arguments) {
    const absl::StatusOr<CompiledPlan> plan = PlanOf(WithoutListener());
    return LaunchOf(*plan, arguments).value();
  }

  std::map<std::string, std::string> StatusOf(const Sandbox& sandbox, pid_t pid) {
    (void)sandbox;
    return ParseStatus(FileText("/proc/" + std::to_string(pid) + "/status"));
  }
};

TEST_F(SandboxTest, PrepareStandsAtTheGateWithEveryLayerConfirmed) {
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  std::set<std::string> confirmed;
  for (const v1::LayerReport& layer : (*sandbox)->layers()) {
    const bool enforced =
        layer.state() == v1::ENFORCED_VERIFIED || layer.state() == v1::ENFORCED_PROBED;
    if (enforced) confirmed.insert(layer.layer());
    if (enforced) {
      EXPECT_FALSE(layer.confirmed_by().empty()) << layer.layer();
    }
  }
  for (const char* name :
       {"namespaces", "userns", "mount", "net", "rlimit", "caps", "seccomp", "process"}) {
    EXPECT_EQ(confirmed.count(name), 1u) << name;
  }
  EXPECT_EQ(confirmed.count("cgroup"), HaveCgroup() ? 1u : 0u);
  // Nothing of the payload runs: the init is alone in its pid namespace.
  const std::string pid = std::to_string((*sandbox)->child().pid);
  EXPECT_EQ(FileText("/proc/" + pid + "/task/" + pid + "/children"), "");
}

TEST_F(SandboxTest, DestroyingWithoutLaunchLeavesNothing) {
  const Traces before;
  {
    const auto sandbox = PrepareWith({});
    ASSERT_THAT(sandbox, IsOk());
    EXPECT_EQ(ChildrenOfTest().size(), 1u);
    EXPECT_EQ(GroupsOfTest().empty(), !HaveCgroup());
  }
  ExpectNoTraces(before);
}

TEST_F(SandboxTest, DestroyingARunningJobKillsItsWholeTree) {
  const std::string token = "token_" + std::to_string(::getpid()) + "_running";
  const Traces before;
  {
    const auto sandbox = PrepareWith({});
    ASSERT_THAT(sandbox, IsOk());
    ASSERT_THAT((*sandbox)->Launch(LaunchWith({"ignore_signals", "1000000", token})), IsOk());
    for (int i = 0; i < 200 && ProcessesWith(token).empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(ProcessesWith(token).size(), 1u);
  }
  EXPECT_THAT(ProcessesWith(token), IsEmpty());
  ExpectNoTraces(before);
}

TEST_F(SandboxTest, RefusesASecondLaunch) {
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  ASSERT_THAT((*sandbox)->Launch(LaunchWith({"exit", "0"})), IsOk());
  EXPECT_THAT((*sandbox)->Launch(LaunchWith({"exit", "0"})),
              StatusIs(absl::StatusCode::kFailedPrecondition, "one job only"));
}

TEST_F(SandboxTest, KillEndsItAndCollectProvesTheGroupEmpty) {
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  ASSERT_THAT((*sandbox)->Launch(LaunchWith({"loop"})), IsOk());
  ASSERT_THAT((*sandbox)->Kill(), IsOk());
  const absl::StatusOr<WaitResult> ended = WaitPidfd((*sandbox)->child().pidfd.get(), true);
  ASSERT_THAT(ended, IsOk());
  (*sandbox)->child().reaped = true;
  EXPECT_EQ(ended->status, SIGKILL);
  EXPECT_THAT((*sandbox)->Collect(), IsOk());
  EXPECT_THAT(GroupsOfTest(), IsEmpty());
}

TEST_F(SandboxTest, CollectFailsWhileAProcessIsInTheGroup) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  EXPECT_THAT((*sandbox)->Collect(), HasErrorWith("EBUSY"));
}

TEST_F(SandboxTest, TheJobIsNobodyOnTheHostAndHasNoGroups) {
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  auto status = StatusOf(**sandbox, (*sandbox)->child().pid);
  EXPECT_NE(status["Uid"].substr(0, 2), "0\t");
  EXPECT_NE(status["Gid"].substr(0, 2), "0\t");
  // Only root may drop them.
  EXPECT_EQ(status["Groups"], IsRoot() ? "" : StatusOf(**sandbox, ::getpid())["Groups"]);
  EXPECT_EQ(status["CapBnd"], "0000000000000000");
  EXPECT_EQ(status["CapEff"], "0000000000000000");
  EXPECT_EQ(status["NoNewPrivs"], "1");
}

TEST_F(SandboxTest, TwoSandboxesOfRootHaveDifferentHostIds) {
  CORDON_NEEDS("root", IsRoot());
  const auto one = PrepareWith({});
  const auto two = PrepareWith({});
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  EXPECT_NE((*one)->child().ids.uid, (*two)->child().ids.uid);
}

TEST_F(SandboxTest, AMissingSourceIsAnErrorThatNamesTheFieldAndLeavesNothing) {
  const Traces before;
  JobOptions options;
  options.mounts = "bind { source: \"/nowhere/at/all\" target: \"/z\" }";
  const auto sandbox = PrepareWith(options);
  EXPECT_THAT(sandbox, HasErrorWith("mounts.bind[1].source"));
  EXPECT_THAT(sandbox, HasErrorWith("ENOENT"));
  ExpectNoTraces(before);
}

TEST_F(SandboxTest, AnOptionalMissingSourceIsReportedAsSkipped) {
  JobOptions options;
  options.mounts = "bind { source: \"/nowhere/at/all\" target: \"/z\" optional: true }";
  const auto sandbox = PrepareWith(options);
  ASSERT_THAT(sandbox, IsOk());
  EXPECT_THAT((*sandbox)->skipped(), testing::ElementsAre("mounts.bind[1]: /nowhere/at/all"));
}

// The step fails in the child; the error has the step, the call, the object and a hint.
TEST_F(SandboxTest, AFailedStepOfTheChildNamesItselfAndLeavesNothing) {
  const Traces before;
  JobOptions options;
  // Inside the payload's folder, which is bound and never modified.
  options.mounts = "tmpfs { target: \"/payload/missing\" size: \"1MiB\" }";
  const auto sandbox = PrepareWith(options);
  ASSERT_FALSE(sandbox.ok());
  const v1::ErrorDetail detail = DetailsOf(sandbox.status())[0];
  EXPECT_EQ(detail.stage(), "prepare");
  EXPECT_EQ(detail.step(), "MountTmpfs");
  EXPECT_EQ(detail.layer(), "mount");
  EXPECT_EQ(detail.policy_field(), "mounts.tmpfs[0]");
  EXPECT_EQ(detail.object(), "/payload/missing");
  EXPECT_EQ(detail.errno_name(), "ENOENT");
  EXPECT_FALSE(detail.hint().empty());
  ExpectNoTraces(before);
}

TEST_F(SandboxTest, StepsAreTimedAndInTheOrderOfTheProgram) {
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  std::vector<std::string> names;
  for (const v1::Step& step : (*sandbox)->Steps()) names.push_back(step.name());
  const auto at = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  const auto end = static_cast<long>(names.size());
  for (const char* name : {"lower", "verify", "AdoptFds", "PivotRoot", "NoNewPrivs"}) {
    EXPECT_LT(at(name), end) << name;
  }
  EXPECT_LT(at("AdoptFds"), at("PivotRoot"));
  EXPECT_LT(at("PivotRoot"), at("NoNewPrivs"));
  EXPECT_EQ(at("Exec"), end);  // not yet
}

TEST_F(SandboxTest, NoDescriptorOfTheCallerReachesTheInit) {
  std::vector<UniqueFd> mine;
  for (int i = 0; i < 40; ++i) {
    mine.emplace_back(::open("/dev/null", O_RDONLY));  // on purpose without O_CLOEXEC
  }
  const auto sandbox = PrepareWith({});
  ASSERT_THAT(sandbox, IsOk());
  const std::string pid = std::to_string((*sandbox)->child().pid);
  EXPECT_LE(NamesIn("/proc/" + pid + "/fd").size(), 6u);
  for (const std::string& fd : NamesIn("/proc/" + pid + "/fd")) {
    std::error_code error;
    const std::string where =
        std::filesystem::read_symlink("/proc/" + pid + "/fd/" + fd, error).string();
    EXPECT_NE(where, "/dev/null") << fd;
  }
}

}  // namespace
}  // namespace cordon
