// SPDX-License-Identifier: Apache-2.0
// Standard input is taken over, so each test is a process of its own.
#include "sandbox/api/batch/input.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/process.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr char kLine[] = "{\"name\":\"a\",\"argv\":[\"/x\"]}\n";

class InputTest : public testing::Test {
 protected:
  void SetUp() override {
    IgnoreSigpipe();
    ASSERT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    saved_ = ::dup(0);
    ASSERT_EQ(::dup2(ends_[0], 0), 0);
    ::close(ends_[0]);
  }
  void TearDown() override {
    ::dup2(saved_, 0);
    ::close(saved_);
    CloseWriter();
  }
  void CloseWriter() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  void Send(const std::string& text) const {
    ASSERT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  static BatchInput Take() { return **BatchInput::Take(1, 1); }

  int ends_[2] = {-1, -1};
  int saved_ = -1;
};

TEST_F(InputTest, JobsAreThereLineByLineAndTheLastOneWithoutANewline) {
  BatchInput input = Take();
  const std::string line = kLine;
  Send(line.substr(0, 10));
  ASSERT_THAT(input.Read(), IsOk());
  EXPECT_FALSE(input.Next().value().has_value());
  Send(line.substr(10) + "{\"name\":\"b\",\"argv\":[\"/x\"]}");
  ASSERT_THAT(input.Read(), IsOk());
  EXPECT_EQ(input.Next().value()->at(0).job.name(), "a");
  EXPECT_FALSE(input.Next().value().has_value());
  EXPECT_TRUE(input.may_come());
  CloseWriter();
  ASSERT_THAT(input.Read(), IsOk());
  EXPECT_FALSE(input.may_come());
  EXPECT_EQ(input.Next().value()->at(0).job.name(), "b");
}

TEST_F(InputTest, NoJobCanReadFromItsNumber) {
  const BatchInput input = Take();
  Send(kLine);
  char byte = 0;
  EXPECT_EQ(::read(0, &byte, 1), 0) << "it is /dev/null";
}

TEST_F(InputTest, TheWriterGetsToKnowThatItIsOver) {
  BatchInput input = Take();
  input.Close();
  EXPECT_EQ(::write(ends_[1], kLine, 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(InputTest, WatchedItIsToldAndOtherwiseNot) {
  BatchInput input = Take();
  absl::StatusOr<Epoll> epoll = Epoll::Make();
  ASSERT_THAT(epoll, IsOk());
  Send(kLine);
  for (const bool on : {true, false, true}) {
    ASSERT_THAT(input.Watch(on, 7, &*epoll), IsOk());
    EXPECT_EQ(epoll->Wait(0)->size(), on ? 1u : 0u);
  }
  // Its end is told as well, also while a child has a copy, which forgets it for itself.
  CloseWriter();
  EXPECT_EQ(epoll->Wait(0)->at(0).token, 7u);
  input.Close();
  EXPECT_EQ(epoll->Wait(0)->size(), 0u);
}

TEST_F(InputTest, AFileIsNoStream) {
  const int file = ::memfd_create("list", MFD_CLOEXEC);
  ASSERT_EQ(::dup2(file, 0), 0);
  ::close(file);
  const auto input = BatchInput::Take(1, 1);
  ASSERT_THAT(input, IsOk());
  EXPECT_FALSE(input->has_value());
}

}  // namespace
}  // namespace cordon
