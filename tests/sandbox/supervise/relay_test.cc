// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/relay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uint64_t kToken = 20;

// Everything that can be read from a pipe now.
std::string Drain(int fd) {
  std::string text;
  char block[4096];
  while (Readable(fd, 0)) {
    const IoResult got = ReadSome(fd, block, sizeof(block));
    if (got.state != IoState::kProgress) break;
    text.append(block, got.bytes);
  }
  return text;
}

class RelayTest : public testing::Test {
 protected:
  void SetUp() override {
    IgnoreSigpipe();
    job_ = MakePipe().value();
    caller_ = MakePipe().value();
  }
  // Runs the loop until nothing is ready.
  template <typename Relay>
  void Pump(Relay* relay) {
    for (;;) {
      const auto events = epoll_.Wait(0);
      ASSERT_THAT(events, IsOk());
      if (events->empty()) return;
      ASSERT_THAT(relay->Step(&epoll_), IsOk());
    }
  }
  Pipe job_;
  Pipe caller_;
  Epoll epoll_ = Epoll::Make().value();
  OutputBudget budget_{1 << 20, 0, false};
};

TEST_F(RelayTest, ForwardsBytesAndIsDoneAtTheEnd) {
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", absl::string_view("a\0b", 3)), IsOk());
  Pump(&relay);
  EXPECT_EQ(Drain(caller_.read.get()), std::string("a\0b", 3));
  EXPECT_FALSE(relay.done());
  job_.write.Reset();
  Pump(&relay);
  EXPECT_TRUE(relay.done());
  EXPECT_EQ(budget_.used, 3u);
}

TEST_F(RelayTest, AStreamsOwnLimitIsExceededBeforeThatOfBoth) {
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_, false,
                    {3, false});
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "abc"), IsOk());
  Pump(&relay);
  EXPECT_FALSE(relay.exceeded());
  EXPECT_FALSE(budget_.exceeded);
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "de"), IsOk());
  Pump(&relay);
  EXPECT_TRUE(relay.exceeded());
  EXPECT_TRUE(budget_.exceeded);  // what the supervisor looks at
  EXPECT_EQ(relay.seen(), 5u);
  EXPECT_EQ(Drain(caller_.read.get()), "abc");
}

TEST_F(RelayTest, WhatIsTruncatedIsReadAndCountsNowhere) {
  budget_.limit = 10;
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_, false,
                    {3, true});
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(WriteAll(job_.write.get(), "job", "abcd"), IsOk());
    Pump(&relay);
  }
  EXPECT_EQ(relay.seen(), 20u);
  EXPECT_EQ(budget_.used, 3u);
  EXPECT_FALSE(relay.exceeded());
  EXPECT_FALSE(budget_.exceeded);
  EXPECT_EQ(Drain(caller_.read.get()), "abc");
  job_.write.Reset();
  Pump(&relay);
  EXPECT_TRUE(relay.done());
}

// The two limits are apart: what is below its own may still be too much for both.
TEST_F(RelayTest, ATruncatedStreamStillFillsTheBudgetOfBoth) {
  budget_.limit = 2;
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_, false,
                    {3, true});
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "abcd"), IsOk());
  Pump(&relay);
  EXPECT_TRUE(budget_.exceeded);
  EXPECT_FALSE(relay.exceeded());
  EXPECT_EQ(Drain(caller_.read.get()), "ab");
}

TEST_F(RelayTest, ForwardsExactlyTheBudgetOfBothStreams) {
  budget_.limit = 5;
  budget_.used = 2;  // the other stream's
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "abc"), IsOk());
  Pump(&relay);
  EXPECT_FALSE(budget_.exceeded);
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "d"), IsOk());
  Pump(&relay);
  EXPECT_TRUE(budget_.exceeded);
  EXPECT_EQ(Drain(caller_.read.get()), "abc");
}

// A consumer that does not read stops the reading of the job's pipe: memory stays bounded.
TEST_F(RelayTest, ASlowConsumerStopsTheReading) {
  budget_.limit = 1 << 30;
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(SetNonBlocking(job_.write.get()), IsOk());
  const std::string block(65536, 'x');
  uint64_t sent = 0;
  for (int round = 0; round < 100; ++round) {
    const IoResult put = WriteSome(job_.write.get(), block.data(), block.size());
    if (put.state == IoState::kProgress) sent += put.bytes;
    Pump(&relay);
  }
  EXPECT_LT(budget_.used, 1u << 19);
  // It goes on where it stopped.
  uint64_t received = 0;
  job_.write.Reset();
  for (int round = 0; round < 1000 && !relay.done(); ++round) {
    received += Drain(caller_.read.get()).size();
    Pump(&relay);
  }
  received += Drain(caller_.read.get()).size();
  EXPECT_TRUE(relay.done());
  EXPECT_EQ(received, sent);
}

TEST_F(RelayTest, AConsumerThatIsGoneClosesTheJobsPipe) {
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  caller_.read.Reset();
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "x"), IsOk());
  for (int i = 0; i < 5 && !relay.done(); ++i) ASSERT_THAT(relay.Step(&epoll_), IsOk());
  EXPECT_TRUE(relay.done());
  EXPECT_THAT(WriteAll(job_.write.get(), "job", "x"), HasErrorWith("EPIPE"));
}

TEST_F(RelayTest, AFullDiskIsToldToTheCaller) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  CORDON_NEEDS("/dev/full", full.valid());
  OutputRelay relay(std::move(job_.read), full.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "x"), IsOk());
  EXPECT_THAT(relay.Step(&epoll_), HasErrorWith("ENOSPC"));
}

TEST_F(RelayTest, EscapesControlBytesForATerminal) {
  OutputRelay relay(std::move(job_.read), caller_.write.get(), true, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "a\x1b]0;\x07\x7f\t\n\r"), IsOk());
  Pump(&relay);
  EXPECT_EQ(Drain(caller_.read.get()), "a\\x1b]0;\\x07\\x7f\t\n\\x0d");
}

TEST_F(RelayTest, ACharacterThatIsCutOffAtTheEndIsShown) {
  OutputRelay relay(std::move(job_.read), caller_.write.get(), true, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "a\xe2\x80"), IsOk());
  Pump(&relay);
  job_.write.Reset();
  Pump(&relay);
  EXPECT_EQ(Drain(caller_.read.get()), "a\\xe2\\x80");
}

TEST_F(RelayTest, AbandonedItWaitsForNobody) {
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  relay.Abandon(&epoll_);
  EXPECT_TRUE(relay.done());
}

TEST_F(RelayTest, InputArrivesWholeAndThenEnds) {
  const std::string sent(300000, 'i');
  const StreamFile file(sent);
  InputRelay relay(file.fd(), std::move(job_.write), kToken);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  std::string received;
  for (int round = 0; round < 1000; ++round) {
    received += Drain(job_.read.get());
    const auto events = epoll_.Wait(0);
    if (events->empty()) break;
    ASSERT_THAT(relay.Step(&epoll_), IsOk());
  }
  received += Drain(job_.read.get());
  EXPECT_TRUE(received == sent);
  char byte;
  EXPECT_EQ(ReadSome(job_.read.get(), &byte, 1).state, IoState::kEnd);
}

TEST_F(RelayTest, AJobThatClosesItsInputStopsTheRelay) {
  const StreamFile file(std::string(300000, 'i'));
  InputRelay relay(file.fd(), std::move(job_.write), kToken);
  job_.read.Reset();
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  EXPECT_TRUE(epoll_.Wait(0)->empty());  // nothing is watched any more
}

// Between two jobs a broken pipe is one at once, not at the next write.
TEST_F(RelayTest, AJobThatIsGoneClosesTheOthersPipeThoughNothingIsOnItsWay) {
  ASSERT_THAT(SetNonBlocking(caller_.write.get()), IsOk());
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_, true);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "abc"), IsOk());
  Pump(&relay);
  EXPECT_EQ(relay.delivered(), 3u);
  EXPECT_FALSE(relay.done());
  EXPECT_EQ(relay.cut_ns(), 0u);
  caller_.read.Reset();
  Pump(&relay);
  EXPECT_TRUE(relay.done());
  EXPECT_NE(relay.cut_ns(), 0u);
  EXPECT_TRUE(ReaderIsGone(job_.write.get()));
}

TEST_F(RelayTest, TheEndOfAStreamIsNoCut) {
  ASSERT_THAT(SetNonBlocking(caller_.write.get()), IsOk());
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_, true);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  job_.write.Reset();
  Pump(&relay);
  EXPECT_TRUE(relay.done());
  caller_.read.Reset();
  Pump(&relay);
  EXPECT_EQ(relay.cut_ns(), 0u);
}

TEST_F(RelayTest, QuietIsWhatOnlyAnotherProcessCanChange) {
  ASSERT_THAT(SetNonBlocking(caller_.write.get()), IsOk());
  ASSERT_THAT(SetNonBlocking(job_.write.get()), IsOk());
  budget_.limit = 1 << 30;
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_, true);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  EXPECT_TRUE(relay.Quiet());
  ASSERT_THAT(WriteAll(job_.write.get(), "job", "abc"), IsOk());
  EXPECT_FALSE(relay.Quiet());  // a byte that is to be carried
  Pump(&relay);
  EXPECT_TRUE(relay.Quiet());
  const std::string block(65536, 'x');
  for (int round = 0; round < 100; ++round) {
    WriteSome(job_.write.get(), block.data(), block.size());
    Pump(&relay);
  }
  EXPECT_TRUE(relay.Quiet());  // everything is full
  Drain(caller_.read.get());
  EXPECT_FALSE(relay.Quiet());
  Pump(&relay);
}

// To a consumer outside that is slow, something may move at any time.
TEST_F(RelayTest, AFullConsumerOutsideIsNotQuiet) {
  ASSERT_THAT(SetNonBlocking(job_.write.get()), IsOk());
  budget_.limit = 1 << 30;
  OutputRelay relay(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  const std::string block(65536, 'x');
  for (int round = 0; round < 100; ++round) {
    WriteSome(job_.write.get(), block.data(), block.size());
    Pump(&relay);
  }
  EXPECT_FALSE(relay.Quiet());
}

TEST_F(RelayTest, AnInputThatMayStillComeIsNotQuiet) {
  InputRelay waits(caller_.read.get(), std::move(job_.write), kToken);
  ASSERT_THAT(waits.Start(&epoll_), IsOk());
  EXPECT_FALSE(waits.Quiet());
  caller_.write.Reset();
  Pump(&waits);
  EXPECT_TRUE(waits.Quiet());
  InputRelay fed_by_another(caller_.read.get(), UniqueFd(), kToken);
  ASSERT_THAT(fed_by_another.Start(&epoll_), IsOk());
  EXPECT_TRUE(fed_by_another.Quiet());
}

// The loop of the limits goes on, whatever the caller's terminal does.
TEST_F(RelayTest, ATerminalThatNobodyReadsStopsNothing) {
  ::alarm(30);
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::unlockpt(master.get()), 0);
  const UniqueFd slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(slave.valid());
  budget_.limit = 1 << 30;
  OutputRelay relay(std::move(job_.read), slave.get(), true, kToken, &budget_);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  ASSERT_THAT(SetNonBlocking(job_.write.get()), IsOk());
  const std::string block(65536, '\n');
  for (int round = 0; round < 20; ++round) {
    WriteSome(job_.write.get(), block.data(), block.size());
    Pump(&relay);
  }
  EXPECT_TRUE(relay.waits());
  EXPECT_GT(relay.delivered(), 0u);
  relay.Abandon(&epoll_);
  EXPECT_TRUE(relay.done());
  ::alarm(0);
}

TEST_F(RelayTest, BothStreamsMayGoToOnePipeThatIsFull) {
  ::alarm(30);
  budget_.limit = 1 << 30;
  Pipe second = MakePipe().value();
  OutputRelay out(std::move(job_.read), caller_.write.get(), false, kToken, &budget_);
  OutputRelay err(std::move(second.read), caller_.write.get(), false, kToken + 10, &budget_);
  ASSERT_THAT(out.Start(&epoll_), IsOk());
  ASSERT_THAT(err.Start(&epoll_), IsOk());
  const std::string block(65536, 'x');
  for (const int fd : {job_.write.get(), second.write.get()}) {
    ASSERT_THAT(SetNonBlocking(fd), IsOk());
    WriteSome(fd, block.data(), block.size());
  }
  for (int round = 0; round < 10; ++round) {
    ASSERT_THAT(out.Step(&epoll_), IsOk());
    ASSERT_THAT(err.Step(&epoll_), IsOk());
  }
  EXPECT_TRUE(err.waits());
  ::alarm(0);
}

// The job would take half of its input for all of it.
TEST_F(RelayTest, InputThatCannotBeReadIsAnErrorAndNotItsEnd) {
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));  // nothing is at 0
  ASSERT_TRUE(memory.valid());
  InputRelay relay(memory.get(), std::move(job_.write), kToken);
  EXPECT_THAT(relay.Start(&epoll_), HasErrorWith("EIO"));
}

// nohup(1) makes such a stdin.
TEST_F(RelayTest, InputThatIsOpenForWritingOnlyIsEmpty) {
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  InputRelay relay(null.get(), std::move(job_.write), kToken);
  ASSERT_THAT(relay.Start(&epoll_), IsOk());
  char byte;
  EXPECT_EQ(ReadSome(job_.read.get(), &byte, 1).state, IoState::kEnd);
}

}  // namespace
}  // namespace cordon
