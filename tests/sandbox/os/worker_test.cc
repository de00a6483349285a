// SPDX-License-Identifier: Apache-2.0
// A worker gives its result, or says how it ended without one, and never outlives its owner.
#include "sandbox/os/worker.h"

#include <signal.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

absl::StatusOr<std::string> ResultOf(Worker& worker) {
  for (;;) {
    CORDON_ASSIGN_OR_RETURN(const bool there, AwaitReadable(worker.fd(), 60000));
    if (!there) return absl::DeadlineExceededError("no result");
    CORDON_ASSIGN_OR_RETURN(const bool ended, worker.Read());
    if (ended) return worker.Take();
  }
}

TEST(WorkerTest, GivesItsWholeResult) {
  const std::string big(3'000'000, 'x');
  absl::StatusOr<Worker> worker = Worker::Start([&] { return big + "end"; }, std::nullopt);
  ASSERT_THAT(worker, IsOk());
  const auto result = ResultOf(*worker);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(*result, big + "end");
  EXPECT_TRUE(ChildrenOfTest().empty());
}

TEST(WorkerTest, WorksInAProcessOfItsOwn) {
  int touched = 0;
  absl::StatusOr<Worker> worker = Worker::Start(
      [&] {
        touched = 1;
        return std::to_string(::getpid());
      },
      std::nullopt);
  ASSERT_THAT(worker, IsOk());
  const pid_t pid = worker->pid();
  EXPECT_EQ(ResultOf(*worker).value(), std::to_string(pid));
  EXPECT_EQ(touched, 0);
}

TEST(WorkerTest, ADeathIsAnErrorThatNamesIt) {
  absl::StatusOr<Worker> worker = Worker::Start(
      [] {
        ::raise(SIGKILL);
        return std::string("never");
      },
      std::nullopt);
  ASSERT_THAT(worker, IsOk());
  EXPECT_THAT(ResultOf(*worker), HasErrorWith("signal 9"));
}

TEST(WorkerTest, ASignalReachesIt) {
  absl::StatusOr<Worker> worker = Worker::Start(
      [] {
        for (;;) ::pause();
        return std::string();
      },
      std::nullopt);
  ASSERT_THAT(worker, IsOk());
  worker->Signal(SIGKILL);
  EXPECT_THAT(ResultOf(*worker), HasErrorWith("signal 9"));
}

TEST(WorkerTest, EndsWithItsOwner) {
  {
    absl::StatusOr<Worker> worker = Worker::Start(
        [] {
          for (;;) ::pause();
          return std::string();
        },
        std::nullopt);
    ASSERT_THAT(worker, IsOk());
    EXPECT_EQ(ChildrenOfTest().size(), 1u);
  }
  EXPECT_TRUE(ChildrenOfTest().empty());
}

TEST(WorkerTest, StaysOnTheProcessorThatItWasGiven) {
  const std::vector<uint32_t> cpus = AllowedCpus();
  ASSERT_FALSE(cpus.empty());
  absl::StatusOr<Worker> worker = Worker::Start(
      [] {
        std::string text;
        for (const uint32_t cpu : AllowedCpus()) text += std::to_string(cpu) + " ";
        return text;
      },
      cpus.back());
  ASSERT_THAT(worker, IsOk());
  EXPECT_EQ(ResultOf(*worker).value(), std::to_string(cpus.back()) + " ");
  EXPECT_EQ(AllowedCpus(), cpus);
}

TEST(WorkerTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_THAT(ChangeDirectory("/no/such/folder"), HasErrorWith("ENOENT"));
  EXPECT_THAT(ChangeDirectory(CurrentDirectory()), IsOk());
}

}  // namespace
}  // namespace cordon
