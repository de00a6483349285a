// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/journal.h"

#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/batch_tasks.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    tasks_ = CheckedTasksOf(
        R"(job { name: "a" policy: "judge/cpp" argv: "/x" }
           job { name: "b" policy: "judge/cpp" argv: "/x" })",
        &check_);
    ASSERT_EQ(tasks_.size(), 2u);
    head_.set_digest(check_.digest());
    head_.set_jobs(2);
  }
  std::string Path() const { return folder_.path() + "/journal"; }
  std::string Text() const { return FileText(Path()); }
  absl::StatusOr<BatchJournal> Open() const { return BatchJournal::Open(Path(), head_); }
  void Write(const std::string& text) const { std::ofstream(Path()) << text; }
  // A journal with a result of "a".
  void Begin() {
    absl::StatusOr<BatchJournal> journal = Open();
    ASSERT_THAT(journal, IsOk());
    ASSERT_THAT(journal->Add(tasks_[0], ResultOf("a")), IsOk());
  }
  static v1::JobResult ResultOf(const std::string& name) {
    v1::JobResult result;
    result.set_name(name);
    result.set_outcome(v1::JobResult::GOOD);
    result.mutable_report()->set_exit_code(5);
    return result;
  }

  SharedFolder folder_;
  BatchCheck check_;
  std::vector<CheckedTask> tasks_;
  v1::JournalHead head_;
};

TEST_F(JournalTest, ResultsAreThereWhenItIsOpenedAgain) {
  Begin();
  const absl::StatusOr<BatchJournal> journal = Open();
  ASSERT_THAT(journal, IsOk());
  const auto found = journal->Find(tasks_[0]);
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->SerializeAsString(), ResultOf("a").SerializeAsString());
  const auto other = journal->Find(tasks_[1]);
  ASSERT_THAT(other, IsOk());
  EXPECT_FALSE(other->has_value());
}

// At every byte of the last line: a kill may come in the middle of a write.
TEST_F(JournalTest, ALastLineThatIsCutOffIsDroppedWhereverItIsCut) {
  Begin();
  const std::string whole = Text();
  const size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (size_t end = last; end < whole.size(); ++end) {
    Write(whole.substr(0, end));
    const absl::StatusOr<BatchJournal> journal = Open();
    ASSERT_THAT(journal, IsOk());
    EXPECT_FALSE(journal->Find(tasks_[0]).value().has_value()) << end;
    EXPECT_EQ(Text(), whole.substr(0, last)) << end;
  }
  // In the first line: as if there had been none.
  Write(whole.substr(0, last - 1));
  EXPECT_THAT(Open(), IsOk());
  EXPECT_EQ(Text(), whole.substr(0, last));
}

TEST_F(JournalTest, WhatIsBrokenBeforeIsAnErrorAndStaysAsItIs) {
  Begin();
  const std::string whole = Text();
  const size_t second = whole.find('\n') + 1;
  const struct {
    std::string text;
    const char* error;
    const char* line;
  } cases[] = {
      {whole.substr(0, second) + "{\"name\":\n" + whole.substr(second), "not a result", ":2"},
      {whole + "{}\n", "not a result", ":3"},
      {"{\"journal\":\"another\"}\n", "not a journal of a batch", ":1"},
      {"text\n" + whole, "not a journal of a batch", ":1"},
      {"{\"journal\":\"cordon batch\",\"digest\":\"00\"}\n", "about other jobs", ":1"},
      {"{\"journal\":\"cordon batch\",\"stream\":true}\n", "came as a stream", ":1"},
  };
  for (const auto& each : cases) {
    Write(each.text);
    const absl::Status status = Open().status();
    EXPECT_THAT(status, HasErrorWith(each.error));
    EXPECT_EQ(DetailsOf(status)[0].source(), Path() + each.line);
    EXPECT_EQ(Text(), each.text);
  }
}

TEST_F(JournalTest, OneBatchAtATimeAndRegularFilesOnly) {
  const absl::StatusOr<BatchJournal> first = Open();
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Open(), HasErrorWith("another batch is using this journal"));
  const std::string pipe = folder_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(BatchJournal::Open(pipe, head_), HasErrorWith("not a regular file"));
}

TEST_F(JournalTest, OfAStreamEachResultSaysWhichJobItIsAbout) {
  head_ = v1::JournalHead();
  head_.set_stream(true);
  Begin();
  const absl::StatusOr<BatchJournal> journal = Open();
  ASSERT_THAT(journal, IsOk());
  EXPECT_FALSE(journal->HasOther(tasks_[0]));
  EXPECT_FALSE(journal->HasOther(tasks_[1]));
  BatchCheck check;
  const std::vector<CheckedTask> changed =
      CheckedTasksOf(R"(job { name: "a" policy: "judge/cpp" argv: "/y" })", &check);
  EXPECT_TRUE(journal->HasOther(changed[0]));
  const auto found = journal->Find(tasks_[0]);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ((*found)->digest(), "") << "which is the journal's own matter";
}

}  // namespace
}  // namespace cordon
