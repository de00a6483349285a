// SPDX-License-Identifier: Apache-2.0
// Batches as a program runs them through the library; what they are is tested through the command
// (tests/cli/batch_cli_test.py), which has the same engine.
#include "sandbox/api/batch.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class BatchTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    if (IsSkipped()) return;
    ::signal(SIGPIPE, SIG_DFL);  // as in a program that knows nothing of it
    absl::StatusOr<Host> host = Host::Open();
    ASSERT_THAT(host, IsOk());
    host_.emplace(*std::move(host));
    std::ofstream(Policy()) << JobPolicyText({});
    descriptors_ = DescriptorsOfTest().size();
  }
  std::string Policy() const { return folder_.path() + "/policy.textproto"; }

  v1::BatchJob Job(const std::string& name, std::vector<std::string> words) const {
    v1::BatchJob job;
    job.set_name(name);
    job.set_policy(Policy());
    job.add_argv("/payload/payload");
    words.push_back(token_);
    for (const std::string& word : words) job.add_argv(word);
    return job;
  }

  // Names of results, "+" for those of the journal.
  BatchOptions Noted() {
    BatchOptions options;
    options.on_result = [this](const v1::JobResult& result, bool old) {
      told_.push_back(result.name() + (old ? "+" : ""));
    };
    return options;
  }

  // What a report says of it when it was verified.
  static std::string GroupOf(const v1::Report& report) {
    for (const v1::LayerReport& row : report.layers()) {
      if (row.layer() == "cgroup" && row.state() == v1::ENFORCED_VERIFIED) return row.detail();
    }
    return "";
  }

  absl::optional<Host> host_;
  std::vector<std::string> told_;
  SharedFolder folder_;
};

TEST_F(BatchTest, EachJobHasAResultInTheOrderOfTheList) {
  std::vector<v1::BatchJob> jobs = {Job("a", {"sleep", "200"}), Job("b", {"exit", "0"}),
                                    Job("c", {"exit", "7"}), Job("d", {"exit", "0"})};
  jobs[3].add_after("c");
  BatchOptions options = Noted();
  options.at_once = 2;
  const absl::StatusOr<v1::BatchReport> report = RunBatch(*host_, jobs, options);
  ASSERT_THAT(report, IsOk());
  ASSERT_EQ(report->result_size(), 4);
  EXPECT_EQ(report->good(), 2u);
  EXPECT_EQ(report->bad(), 1u);
  EXPECT_EQ(report->skipped(), 1u);
  EXPECT_EQ(report->result(0).name(), "a");
  EXPECT_EQ(report->result(0).report().layers_size(), 11);
  EXPECT_EQ(report->result(2).why(), "exit code 7, expected 0");
  EXPECT_EQ(report->result(3).why(), "comes after c");
  EXPECT_THAT(told_, UnorderedElementsAre("a", "b", "c", "d"));
}

// In a group that has to be left (scenario systemd of the VM lab) the batch stands aside for its
// workers, also a second time.
TEST_F(BatchTest, EveryJobHasItsControlGroupAndSandboxesThatTalkHaveTheirs) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  v1::BatchJob talk;
  talk.set_name("talk");
  talk.set_verdict_of("g");
  for (const char* name : {"g", "c"}) {
    *talk.add_sandbox() = name[0] == 'g' ? Job(name, {"talk_ask", "5"}) : Job(name, {"cat"});
  }
  for (const auto& [from, to] :
       {std::pair("g.stdout", "c.stdin"), std::pair("c.stdout", "g.stdin")}) {
    talk.add_connect()->set_from(from);
    talk.mutable_connect(talk.connect_size() - 1)->set_to(to);
  }
  BatchOptions options;
  options.at_once = 2;
  for (int round = 0; round < 2; ++round) {
    const absl::StatusOr<v1::BatchReport> report =
        RunBatch(*host_, {Job("a", {"exit", "0"}), talk, Job("b", {"exit", "0"})}, options);
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->good(), 3u) << report->ShortDebugString();
    for (const int alone : {0, 2}) {
      EXPECT_THAT(GroupOf(report->result(alone).report()), StartsWith("cgroup v"));
    }
    for (const v1::SandboxReport& each : report->result(1).report().sandbox()) {
      EXPECT_THAT(GroupOf(each.report()), StartsWith("cgroup v"));
    }
  }
}

TEST_F(BatchTest, AJobThatReadsNothingOfItsInputIsNoEndOfItsSupervisor) {
  v1::BatchJob job = Job("deaf", {"exit", "0"});
  job.set_stdin(folder_.path() + "/much");
  std::ofstream(job.stdin()) << std::string(1 << 20, 'x');
  const absl::StatusOr<v1::BatchReport> report = RunBatch(*host_, {job});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->good(), 1u) << report->result(0).why();
}

TEST_F(BatchTest, AJournalIsTakenUp) {
  BatchOptions options = Noted();
  options.journal = folder_.path() + "/journal";
  const std::vector<v1::BatchJob> jobs = {Job("a", {"exit", "0"}), Job("b", {"exit", "1"})};
  for (const char* mark : {"", "+"}) {
    told_.clear();
    const absl::StatusOr<v1::BatchReport> report = RunBatch(*host_, jobs, options);
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->good(), 1u);
    EXPECT_THAT(told_, ElementsAre(std::string("a") + mark, std::string("b") + mark));
  }
  const absl::StatusOr<v1::BatchReport> other = RunBatch(*host_, {jobs[0]}, options);
  EXPECT_THAT(other, HasErrorWith("this journal is about other jobs"));
}

TEST_F(BatchTest, WhatIsWrongIsToldBeforeAnythingRuns) {
  v1::BatchJob loop = Job("b", {"exit", "0"});
  loop.add_after("c");
  EXPECT_THAT(RunBatch(*host_, {Job("a", {"exit", "0"}), loop}, Noted()),
              HasErrorWith("there is no job \"c\""));
  EXPECT_THAT(RunBatch(*host_, {}, Noted()), HasErrorWith("there is no job"));
  v1::BatchJob wide = Job("w", {"exit", "0"});
  wide.mutable_limits()->set_memory("900GiB");
  const absl::StatusOr<v1::BatchReport> above = RunBatch(*host_, {wide}, Noted());
  EXPECT_FALSE(above.ok());
  EXPECT_EQ(DetailsOf(above.status())[0].policy_field(), "limits.memory");
  EXPECT_EQ(DetailsOf(above.status())[0].source().substr(0, 7), "jobs:1:");
  BatchOptions none = Noted();
  none.at_once = 0;
  EXPECT_THAT(RunBatch(*host_, {wide}, none), HasErrorWith("not from 1 to 1024"));
  EXPECT_THAT(told_, IsEmpty());
}

// Text that JSON cannot hold would otherwise be another job than the caller's.
TEST_F(BatchTest, BytesThatAreNoTextAreRefusedAndNotChanged) {
  v1::BatchJob job = Job("a", {"exit", "0"});
  job.set_stdin("/tmp/\xff");
  EXPECT_THAT(RunBatch(*host_, {job}, Noted()), HasErrorWith("UTF-8"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(BatchTest, AHandleCancelsWhatRunsAndTheRestIsNotRun) {
  BatchOptions options = Noted();
  const absl::StatusOr<CancelHandle> cancel = CancelHandle::Make();
  ASSERT_THAT(cancel, IsOk());
  options.cancel = *cancel;
  options.on_result = [&](const v1::JobResult& result, bool) {
    told_.push_back(result.name());
    cancel->Cancel();
  };
  const absl::StatusOr<v1::BatchReport> report = RunBatch(
      *host_, {Job("a", {"exit", "0"}), Job("b", {"sleep", "1000000"}), Job("c", {"exit", "0"})},
      options);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->good(), 1u);
  EXPECT_EQ(report->not_run(), 2u);
  EXPECT_EQ(report->result_size(), 3);
  EXPECT_FALSE(report->result(2).has_report());
}

TEST_F(BatchTest, AProcessWithThreadsIsRefused) {
  std::promise<void> over;
  std::thread other([&over] { over.get_future().wait(); });
  const absl::StatusOr<v1::BatchReport> report =
      RunBatch(*host_, {Job("a", {"exit", "0"})}, Noted());
  over.set_value();
  other.join();
  EXPECT_THAT(report, HasErrorWith("the process has 2 threads"));
  EXPECT_EQ(report.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace cordon
