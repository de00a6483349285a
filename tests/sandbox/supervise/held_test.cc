// SPDX-License-Identifier: Apache-2.0
// The host changes what holds a job: before it begins it does not begin, while it runs there is no
// verdict.
#include "sandbox/supervise/held.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/health_of.h"
#include "tests/support/host_watch.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

class HeldTest : public RunningJobTest {
 protected:
  FoundChild Payload() { return FindChild(sandbox_->child().pid, 3).value(); }
};

TEST_F(HeldTest, AProcessIsAsItsTwinWasOrSomethingDiffers) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const FoundChild payload = Payload();
  EXPECT_EQ(LookAtHeld(*sandbox_, payload, VerifyPayload).value(), Held::kYes);
  EXPECT_EQ(LookAtHeld(*sandbox_, payload, VerifyCheck).value(), Held::kYes);
  EXPECT_TRUE(PayloadWaits(*sandbox_, 3).value());
  EXPECT_FALSE(PayloadWaits(*sandbox_, 17).value()) << "there is none, so it has ended";
  FoundChild init;
  init.pid = sandbox_->child().pid;
  init.pidfd = OpenPidfd(init.pid).value();
  EXPECT_THAT(LookAtHeld(*sandbox_, init, VerifyPayload), HasErrorWith("not held as its twin"));
}

TEST_F(HeldTest, WhatIsReadOfTheDyingIsNoDifference) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const FoundChild payload = Payload();
  ASSERT_THAT(SignalPidfd(sandbox_->child().pidfd.get(), SIGKILL), IsOk());
  ASSERT_TRUE(Readable(sandbox_->child().pidfd.get(), 60000));
  EXPECT_EQ(LookAtHeld(*sandbox_, payload, VerifyPayload).value(), Held::kEnds);
  EXPECT_FALSE(PayloadWaits(*sandbox_, 3).value());
}

// What a job that its test changes from the host comes to.
class ChangedGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
    IgnoreSigpipe();
  }
  void TearDown() override {
    EXPECT_THAT(ChildrenOfTest(), IsEmpty());
    EXPECT_THAT(GroupsOfTest(), IsEmpty());
  }

  // The job's group that has this file; "" when none has.
  static std::string GroupWith(const std::string& file) {
    for (const std::string& group : GroupsOfTest()) {
      if (std::filesystem::exists(group + "/" + file)) return group;
    }
    return "";
  }

  // Where the process limit is, whatever the version: both have it by this name.
  static std::string Group() { return GroupWith("pids.max"); }

  static JobResult RunChanged(const std::function<void(const std::string& group)>& change,
                              JobOptions options = {}, const char* until = "/out/end") {
    SharedFolder folder;
    options.mounts =
        absl::StrCat("bind { source: \"", folder.path(), "\" target: \"/out\" read_only: false }");
    std::atomic<bool> over{false};
    std::thread host([&] {
      while (!over && !std::filesystem::exists(folder.path() + "/runs")) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      change(Group());
      std::ofstream(folder.path() + "/end") << "";
    });
    const JobResult result =
        RunPayload({"canary_after", until, "/out/canary", "/out/runs"}, options);
    over = true;
    host.join();
    return result;
  }
};

TEST_F(ChangedGroupTest, WithoutAChangeThereIsAVerdict) {
  const JobResult result = RunChanged([](const std::string&) {});
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::EXITED);
}

TEST_F(ChangedGroupTest, ALimitThatWasRaisedMeanwhileEndsInNoVerdict) {
  const JobResult result =
      RunChanged([](const std::string& group) { std::ofstream(group + "/pids.max") << "max"; });
  EXPECT_THAT(result.report, HasErrorWith("was changed while it ran"));
  EXPECT_THAT(result.report, HasErrorWith("pids.max: expected 17, found max"));
  EXPECT_EQ(DetailsOf(result.report.status())[0].stage(), "run") << "it has run";
}

// One process more is the checker's, and no change.
TEST_F(ChangedGroupTest, AHealthCheckChangesTheLimitAndNothingIsSaid) {
  JobOptions options;
  AddHealth({"exit", "0"}, 10'000'000, 1, &options.launch);
  const JobResult result = RunChanged([](const std::string&) {}, options);
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::EXITED);
}

// A job that does not end by itself is looked at before the kill, after which cgroup v1 shows
// nothing any more.
class KilledInAChangedGroupTest : public ChangedGroupTest {
 protected:
  static JobResult RunKilled(const std::function<void(const std::string& group)>& change) {
    JobOptions options;
    options.wall_time = "3s";
    return RunChanged(change, options, "/out/never");
  }
};

TEST_F(KilledInAChangedGroupTest, WithoutAChangeThereIsAVerdict) {
  const JobResult result = RunKilled([](const std::string&) {});
  EXPECT_STREQ(result.verdict(), "WALL_LIMIT");
}

TEST_F(KilledInAChangedGroupTest, ALimitThatWasRaised) {
  const JobResult result =
      RunKilled([](const std::string& group) { std::ofstream(group + "/pids.max") << "max"; });
  EXPECT_THAT(result.report, HasErrorWith("pids.max: expected 17, found max"));
}

TEST_F(KilledInAChangedGroupTest, AJobThatWasMovedOut) {
  std::string other;
  bool moved = false;
  const JobResult result = RunKilled([&](const std::string& group) {
    other = (std::filesystem::path(group).parent_path() / "other-").string() +
            std::to_string(::getpid());
    ::mkdir(other.c_str(), 0755);
    std::ofstream procs(other + "/cgroup.procs");
    procs << ChildrenOfTest()[0];
    procs.close();
    moved = procs.good();
  });
  ::rmdir(other.c_str());
  ASSERT_TRUE(moved);
  EXPECT_THAT(result.report, HasErrorWith("was changed while it ran"));
  EXPECT_THAT(result.report, HasErrorWith("group of init"));
}

}  // namespace
}  // namespace cordon
