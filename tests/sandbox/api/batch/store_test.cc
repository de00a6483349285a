// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "sandbox/api/batch/job_request.h"
#include "sandbox/os/file.h"
#include "tests/support/batch_tasks.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr char kJobs[] = R"(
  job { name: "make" argv: "/x" copy_out { path: "/work/a" artifact: "program" } }
  job { name: "run" after: "make" argv: "/x"
        bind_artifact { artifact: "make:program" target: "/program" }
        copy_in { target: "/work/b" artifact: "make:program" } }
  job { name: "plain" argv: "/x" })";

class BatchStoreTest : public testing::Test {
 protected:
  void SetUp() override { tasks_ = TasksOf(kJobs); }
  std::string Folder() const { return folder_.path() + "/store"; }
  // What "make" has left, as its report says.
  v1::JobResult Left(const std::string& text) const {
    v1::JobResult result;
    v1::Collected* row = result.mutable_report()->add_collected();
    row->set_artifact("program");
    row->set_bytes(text.size());
    row->set_sha256(Sha256Hex(text));
    return result;
  }
  void Put(const std::string& text) const {
    const absl::StatusOr<FileStore> store = FileStore::Open(Folder());
    ASSERT_THAT(store, IsOk());
    absl::StatusOr<StagedFile> file = store->Stage();
    ASSERT_THAT(file, IsOk());
    ASSERT_THAT(WriteAll(file->fd(), "staged", text), IsOk());
    ASSERT_THAT(store->Add(*std::move(file), {text.size(), Sha256Hex(text)}), IsOk());
  }

  SharedFolder folder_;
  std::vector<BatchTask> tasks_;
};

TEST_F(BatchStoreTest, ItIsMadeForTheFirstJobThatNeedsIt) {
  BatchStore store(Folder(), "");
  ASSERT_THAT(store.Need(tasks_[2]), IsOk());
  EXPECT_FALSE(std::filesystem::exists(Folder()));
  ASSERT_THAT(store.Need(tasks_[0]), IsOk());
  EXPECT_TRUE(std::filesystem::exists(Folder()));
}

TEST_F(BatchStoreTest, ItsPlaceIsBesideTheJournalOrIsAskedFor) {
  BatchStore beside("", folder_.path() + "/journal");
  ASSERT_THAT(beside.Need(tasks_[0]), IsOk());
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/journal.store"));
  BatchStore nowhere("", "");
  const absl::Status status = nowhere.Need(tasks_[0]);
  EXPECT_THAT(status, HasErrorWith("there is no store"));
  EXPECT_EQ(DetailsOf(status)[0].source(), tasks_[0].place);
}

TEST_F(BatchStoreTest, AResultStandsAsLongAsWhatItLeftIsThere) {
  BatchStore store(Folder(), "");
  const v1::JobResult result = Left("program text");
  EXPECT_TRUE(store.Holds(v1::JobResult())) << "it has left nothing";
  EXPECT_FALSE(store.Holds(result)) << "there is no store";
  ASSERT_THAT(store.Need(tasks_[0]), IsOk());
  EXPECT_FALSE(store.Holds(result));
  Put("program text");
  EXPECT_TRUE(store.Holds(result));
}

TEST_F(BatchStoreTest, NamesOfArtifactsBecomeObjects) {
  BatchStore store(Folder(), "");
  ASSERT_THAT(store.Need(tasks_[1]), IsOk());
  const v1::JobResult result = Left("program text");
  std::vector<RunRequest> requests = RequestsOf(tasks_[1].job);
  const auto report_of = [&](size_t) { return &result.report(); };
  ASSERT_THAT(store.Fill(tasks_[1], report_of, &requests), IsOk());
  const std::string object = Folder() + "/" + Sha256Hex("program text");
  ASSERT_EQ(requests[0].job.extra_bind_size(), 1);
  EXPECT_EQ(requests[0].job.extra_bind(0).source(), object);
  EXPECT_EQ(requests[0].job.extra_bind(0).target(), "/program");
  EXPECT_EQ(requests[0].job.copy_in(0).stored(), Sha256Hex("program text"));
  EXPECT_NE(requests[0].store, nullptr);
  // A job that was good and has left no such artifact.
  const v1::Report none;
  std::vector<RunRequest> again = RequestsOf(tasks_[1].job);
  EXPECT_THAT(store.Fill(
                  tasks_[1], [&](size_t) { return &none; }, &again),
              HasErrorWith("has left no artifact \"program\""));
}

TEST_F(BatchStoreTest, WhatIsBoundIsComparedWithItsName) {
  BatchStore store(Folder(), "");
  ASSERT_THAT(store.Need(tasks_[1]), IsOk());
  Put("program text");
  RunRequest request;
  const std::string object = Folder() + "/" + Sha256Hex("program text");
  request.job.add_extra_bind()->set_source("/usr");
  request.job.add_extra_bind()->set_source(object);
  EXPECT_THAT(store.CheckBound(request), IsOk());
  ASSERT_EQ(::chmod(object.c_str(), 0600), 0);
  std::ofstream(object) << "another text";
  EXPECT_THAT(store.CheckBound(request), StatusIs(absl::StatusCode::kDataLoss, ""));
}

}  // namespace
}  // namespace cordon
