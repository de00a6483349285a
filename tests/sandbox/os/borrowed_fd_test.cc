// SPDX-License-Identifier: Apache-2.0
// No call waits, whatever the other end does. Where it would, the alarm ends the test.
#include "sandbox/os/borrowed_fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

struct Terminal {
  UniqueFd master;
  UniqueFd slave;
};

Terminal MakeTerminal() {
  Terminal made;
  made.master.Reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_EQ(::grantpt(made.master.get()), 0);
  EXPECT_EQ(::unlockpt(made.master.get()), 0);
  made.slave.Reset(::open(::ptsname(made.master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_TRUE(made.slave.valid());
  return made;
}

class BorrowedFdTest : public testing::Test {
 protected:
  void SetUp() override {
    IgnoreSigpipe();
    ::alarm(30);
  }
  void TearDown() override { ::alarm(0); }
  // Puts until there is no room; how much that was.
  static size_t Fill(BorrowedFd* to) {
    const std::string block(4096, '\n');
    size_t taken = 0;
    for (int i = 0; i < 1 << 20; ++i) {
      const IoResult put = to->Put(block.data(), block.size());
      if (put.state != IoState::kProgress) {
        EXPECT_EQ(put.state, IoState::kWouldBlock) << put.error;
        return taken;
      }
      taken += put.bytes;
    }
    ADD_FAILURE() << "without end";
    return taken;
  }
  // There is nothing to be got, though poll may have said otherwise before somebody took it.
  static void ExpectNothing(BorrowedFd* from) {
    char byte;
    EXPECT_EQ(from->Get(&byte, 1).state, IoState::kWouldBlock);
  }
};

TEST_F(BorrowedFdTest, AFullPipeTakesNothingAndTheCallersFlagsStay) {
  const Pipe pipe = MakePipe().value();
  auto to = BorrowedFd::ForWriting(pipe.write.get());
  ASSERT_THAT(to, IsOk());
  EXPECT_GT(Fill(&*to), 4096u);
  EXPECT_EQ(::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_FALSE(Writable(to->fd()));
}

TEST_F(BorrowedFdTest, AnEmptyPipeGivesNothingAndThenItsEnd) {
  Pipe pipe = MakePipe().value();
  auto from = BorrowedFd::ForReading(pipe.read.get());
  ASSERT_THAT(from, IsOk());
  ExpectNothing(&*from);
  ASSERT_THAT(WriteAll(pipe.write.get(), "pipe", "ab"), IsOk());
  char bytes[8];
  EXPECT_EQ(from->Get(bytes, sizeof(bytes)).bytes, 2u);
  EXPECT_EQ(::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK, 0);
  pipe.write.Reset();
  EXPECT_EQ(from->Get(bytes, sizeof(bytes)).state, IoState::kEnd);
}

// A pipe of packets cannot be opened again: each call says that it does not wait.
TEST_F(BorrowedFdTest, NeitherWaitsAPipeThatCannotBeOpenedAgain) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  auto to = BorrowedFd::ForWriting(in.get());
  auto from = BorrowedFd::ForReading(out.get());
  ASSERT_THAT(to, IsOk());
  ASSERT_THAT(from, IsOk());
  ExpectNothing(&*from);
  EXPECT_GT(Fill(&*to), 4096u);
  char bytes[4096];
  EXPECT_EQ(from->Get(bytes, sizeof(bytes)).bytes, 4096u);
}

TEST_F(BorrowedFdTest, ATerminalThatNobodyReadsTakesNoMore) {
  const Terminal terminal = MakeTerminal();
  auto to = BorrowedFd::ForWriting(terminal.slave.get());
  ASSERT_THAT(to, IsOk());
  EXPECT_GT(Fill(&*to), 1024u);
  EXPECT_EQ(::fcntl(terminal.slave.get(), F_GETFL) & O_NONBLOCK, 0);
  // It goes on when somebody does.
  char bytes[4096];
  size_t more = 0;
  while (more == 0) {  // the kernel moves what is in between when it comes to it
    ASSERT_GT(::read(terminal.master.get(), bytes, sizeof(bytes)), 0);
    more = Fill(&*to);
  }
}

TEST_F(BorrowedFdTest, AStoppedTerminalTakesNothing) {
  const Terminal terminal = MakeTerminal();
  auto to = BorrowedFd::ForWriting(terminal.slave.get());
  ASSERT_THAT(to, IsOk());
  ASSERT_EQ(::tcflow(terminal.slave.get(), TCOOFF), 0);
  EXPECT_EQ(Fill(&*to), 0u);
}

// Opened again it would be another one. So little is written that what poll says holds.
TEST_F(BorrowedFdTest, TheMasterOfATerminalStaysTheSameAndTakesNoMore) {
  const Terminal terminal = MakeTerminal();
  struct termios raw = {};
  ASSERT_EQ(::tcgetattr(terminal.slave.get(), &raw), 0);
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(terminal.slave.get(), TCSANOW, &raw), 0);
  auto to = BorrowedFd::ForWriting(terminal.master.get());
  ASSERT_THAT(to, IsOk());
  EXPECT_EQ(to->fd(), terminal.master.get());
  EXPECT_GT(Fill(&*to), 1024u);
  char byte = 0;
  ASSERT_EQ(::read(terminal.slave.get(), &byte, 1), 1);
  EXPECT_EQ(byte, '\n');
}

TEST_F(BorrowedFdTest, ATerminalThatHungUpIsAtItsEnd) {
  Terminal terminal = MakeTerminal();
  auto from = BorrowedFd::ForReading(terminal.slave.get());
  ASSERT_THAT(from, IsOk());
  ExpectNothing(&*from);
  terminal.master.Reset();
  char byte;
  EXPECT_EQ(from->Get(&byte, 1).state, IoState::kEnd);
}

TEST_F(BorrowedFdTest, ASocketDoesNotWait) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]);
  UniqueFd other(ends[1]);
  auto to = BorrowedFd::ForWriting(one.get());
  auto from = BorrowedFd::ForReading(one.get());
  ASSERT_THAT(to, IsOk());
  ASSERT_THAT(from, IsOk());
  EXPECT_GT(Fill(&*to), 4096u);
  ExpectNothing(&*from);
  other.Reset();
  const IoResult put = to->Put("x", 1);
  EXPECT_EQ(put.state, IoState::kError);
  EXPECT_EQ(put.error, EPIPE);
}

// A description of its own does not know that there was a writer, and would wait for one.
TEST_F(BorrowedFdTest, AFifoWhoseWriterIsGoneIsAtItsEnd) {
  const SharedFolder folder;
  const std::string path = folder.path() + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const UniqueFd read(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  UniqueFd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  writer.Reset();
  auto from = BorrowedFd::ForReading(read.get());
  ASSERT_THAT(from, IsOk());
  EXPECT_TRUE(Readable(from->fd(), 0));
  char byte;
  EXPECT_EQ(from->Get(&byte, 1).state, IoState::kEnd);
}

TEST_F(BorrowedFdTest, WhatTheCallersDescriptorCannotDoIsNotDone) {
  const SharedFolder folder;
  const std::string path = folder.path() + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const UniqueFd read(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  auto to = BorrowedFd::ForWriting(read.get());
  ASSERT_THAT(to, IsOk());
  EXPECT_NE(to->Put("x", 1).state, IoState::kProgress);
  char byte;
  EXPECT_NE(::read(read.get(), &byte, 1), 1);
}

TEST_F(BorrowedFdTest, FilesAreAsTheyAre) {
  const StreamFile file("content");
  auto from = BorrowedFd::ForReading(file.fd());
  ASSERT_THAT(from, IsOk());
  EXPECT_EQ(from->fd(), file.fd());
  char bytes[16];
  EXPECT_EQ(from->Get(bytes, sizeof(bytes)).bytes, 7u);
  EXPECT_EQ(from->Get(bytes, sizeof(bytes)).state, IoState::kEnd);
  EXPECT_THAT(BorrowedFd::ForReading(-1).status(), HasErrorWith("EBADF"));
}

}  // namespace
}  // namespace cordon
