// SPDX-License-Identifier: Apache-2.0
// The engine: what it tells its listener, in which order. What a batch does to jobs is tested
// through the command (tests/cli/batch_cli_test.py, batch_stream_test.py).
#include "sandbox/api/batch/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "tests/support/batch_tasks.h"
#include "tests/support/job_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

class Notes : public BatchListener {
 public:
  void SetJobs(size_t jobs, bool all) override {
    const std::string note = absl::StrCat("jobs ", jobs, all ? "" : " so far");
    if (note != jobs_) notes.push_back(note);  // it may be told again
    jobs_ = note;
  }
  void Add(const v1::JobResult& result, bool old) override {
    notes.push_back(absl::StrCat(result.name(), " ", v1::JobResult::Outcome_Name(result.outcome()),
                                 old ? " old" : ""));
  }
  void InputFailed(const absl::Status& status, size_t jobs) override {
    notes.push_back(absl::StrCat("failed behind ", jobs));
    error = status;
  }
  std::vector<std::string> notes;
  absl::Status error;

 private:
  std::string jobs_;
};

class BatchRunTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    if (IsSkipped()) return;
    std::ofstream(Policy()) << JobPolicyText({});
  }
  std::string Policy() const { return folder_.path() + "/p.textproto"; }
  std::string Job(const std::string& name, const std::string& code, const std::string& more = "") {
    return "job { name: \"" + name + "\" policy: \"" + Policy() +
           "\" argv: \"/payload/payload\" argv: \"exit\" argv: \"" + code + "\" argv: \"" + token_ +
           "\" " + more + " }\n";
  }
  std::string Line(const std::string& name) const {
    return R"({"name":")" + name + R"(","policy":")" + Policy() +
           R"(","argv":["/payload/payload","exit","0"]})" + "\n";
  }
  absl::Status RunList(const std::string& text, BatchSetup setup = {}) {
    BatchCheck check;
    std::vector<CheckedTask> tasks = CheckedTasksOf(text, &check);
    BatchRun run(std::move(setup), std::move(check), HostFactsOfTest(), std::nullopt, &notes_);
    CORDON_RETURN_IF_ERROR(run.Open(std::move(tasks)));
    CORDON_RETURN_IF_ERROR(run.Run());
    report_ = run.Finish();
    return absl::OkStatus();
  }

  SharedFolder folder_;
  Notes notes_;
  v1::BatchReport report_;
};

TEST_F(BatchRunTest, ResultsAreToldWhenTheyAreThereAndKeptInTheListsOrder) {
  ASSERT_THAT(
      RunList(Job("b", "1", "after: \"a\"") + Job("a", "0") + Job("c", "0", "after: \"b\"")),
      IsOk());
  EXPECT_THAT(notes_.notes, ElementsAre("jobs 3", "a GOOD", "b BAD", "c SKIPPED"));
  ASSERT_EQ(report_.result_size(), 3);
  EXPECT_EQ(report_.result(0).name(), "b");
  EXPECT_EQ(report_.good() + report_.bad() + report_.skipped(), 3u);
}

TEST_F(BatchRunTest, WithoutAReportOnlyNumbersAreKept) {
  BatchSetup setup;
  setup.keep_results = false;
  ASSERT_THAT(RunList(Job("a", "0"), setup), IsOk());
  EXPECT_EQ(report_.result_size(), 0);
  EXPECT_EQ(report_.good(), 1u);
}

TEST_F(BatchRunTest, ResultsOfAJournalAreOld) {
  BatchSetup setup;
  setup.journal = folder_.path() + "/journal";
  ASSERT_THAT(RunList(Job("a", "0"), setup), IsOk());
  ASSERT_THAT(RunList(Job("a", "0"), setup), IsOk());
  EXPECT_THAT(notes_.notes, ElementsAre("jobs 1", "a GOOD", "a GOOD old"));
}

TEST_F(BatchRunTest, CancelledBeforeItBeginsItRunsNothing) {
  const absl::StatusOr<UniqueFd> event = MakeEventFd();
  ASSERT_THAT(event, IsOk());
  const uint64_t one = 1;
  ASSERT_EQ(::write(event->get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  BatchSetup setup;
  setup.cancel_fd = event->get();
  ASSERT_THAT(RunList(Job("a", "0") + Job("b", "0"), setup), IsOk());
  // The first one may have been started before it was looked at; then it was cancelled.
  EXPECT_EQ(report_.not_run(), 2u);
  EXPECT_EQ(report_.good() + report_.bad(), 0u);
}

TEST_F(BatchRunTest, ALineThatIsNotRightEndsTheStreamAndNotTheJobsBeforeIt) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const int saved = ::dup(0);
  ASSERT_EQ(::dup2(ends[0], 0), 0);
  ::close(ends[0]);
  const std::string lines = Line("a") + "{\"name\":1}\n" + Line("b");
  ASSERT_EQ(::write(ends[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  ::close(ends[1]);
  absl::StatusOr<std::optional<BatchInput>> input = BatchInput::Take(1, 1);
  ASSERT_THAT(input, IsOk());
  {
    BatchRun run({}, {}, HostFactsOfTest(), *std::move(input), &notes_);
    ASSERT_THAT(run.Open({}), IsOk());
    ASSERT_THAT(run.Run(), IsOk());
    EXPECT_TRUE(run.input_failed());
    EXPECT_EQ(run.Finish().good(), 1u);
  }
  ::dup2(saved, 0);
  ::close(saved);
  EXPECT_THAT(notes_.error, HasErrorWith("standard input:2"));
  EXPECT_THAT(notes_.notes, testing::Contains("failed behind 1"));
  EXPECT_EQ(notes_.notes.back(), "a GOOD");
}

}  // namespace
}  // namespace cordon
