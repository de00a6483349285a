// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/event.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class EventTest : public testing::Test {
 protected:
  void SetUp() override {
    IgnoreSigpipe();
    pipe_ = MakePipe().value();
  }
  Pipe pipe_;
  Epoll epoll_ = Epoll::Make().value();
};

TEST_F(EventTest, WhatACallerHandedDownIsSettled) {
  ::signal(SIGCHLD, SIG_IGN);
  ::alarm(1000);
  const struct itimerval soon = {{1000, 0}, {1000, 0}};
  ::setitimer(ITIMER_PROF, &soon, nullptr);
  ::setitimer(ITIMER_VIRTUAL, &soon, nullptr);
  SettleSignals();
  EXPECT_EQ(::signal(SIGCHLD, SIG_DFL), SIG_DFL);
  EXPECT_EQ(::alarm(0), 0u);
  for (const auto timer : {ITIMER_PROF, ITIMER_VIRTUAL}) {
    struct itimerval left = {};
    ::getitimer(timer, &left);
    EXPECT_EQ(left.it_value.tv_sec, 0);
  }
  for (const int number : {SIGXFSZ, SIGXCPU, SIGTTIN, SIGTTOU}) {
    EXPECT_EQ(::signal(number, SIG_DFL), SIG_IGN) << number;
  }
}

TEST_F(EventTest, EpollGivesTheTokenOfWhatIsReady) {
  ASSERT_TRUE(epoll_.Add(pipe_.read.get(), EPOLLIN, 42).value());
  EXPECT_TRUE(epoll_.Wait(0)->empty());
  ASSERT_THAT(WriteAll(pipe_.write.get(), "pipe", "x"), IsOk());
  const auto events = epoll_.Wait(-1);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->at(0).token, 42u);
  EXPECT_NE(events->at(0).events & EPOLLIN, 0u);
  ASSERT_THAT(epoll_.Modify(pipe_.read.get(), 0, 42), IsOk());
  EXPECT_TRUE(epoll_.Wait(0)->empty());
  epoll_.Remove(pipe_.read.get());
  EXPECT_FALSE(epoll_.Modify(pipe_.read.get(), EPOLLIN, 42).ok());
}

TEST_F(EventTest, ARegularFileCannotBeWatchedAndThatIsNoError) {
  const StreamFile file;
  EXPECT_FALSE(epoll_.Add(file.fd(), EPOLLIN, 1).value());
  EXPECT_THAT(epoll_.Add(-1, EPOLLIN, 1), HasErrorWith("EBADF"));
}

TEST_F(EventTest, ATimerFiresAtItsTimeAndAPastTimeAtOnce) {
  Timer timer = Timer::Make().value();
  ASSERT_TRUE(epoll_.Add(timer.fd(), EPOLLIN, 1).value());
  const uint64_t start = MonotonicNs();
  ASSERT_THAT(timer.ArmAt(start + 30'000'000), IsOk());
  EXPECT_TRUE(epoll_.Wait(1)->empty());
  EXPECT_EQ(epoll_.Wait(5000)->size(), 1u);
  EXPECT_GE(MonotonicNs() - start, 30'000'000u);
  timer.Acknowledge();
  EXPECT_TRUE(epoll_.Wait(0)->empty());
  for (const uint64_t past : {uint64_t{0}, start - 1}) {
    ASSERT_THAT(timer.ArmAt(past), IsOk());
    EXPECT_EQ(epoll_.Wait(5000)->size(), 1u);
    timer.Acknowledge();
  }
}

TEST_F(EventTest, ADisarmedTimerIsSilentAndAcknowledgingItDoesNotBlock) {
  Timer timer = Timer::Make().value();
  ASSERT_TRUE(epoll_.Add(timer.fd(), EPOLLIN, 1).value());
  ASSERT_THAT(timer.ArmAt(MonotonicNs() + 5'000'000), IsOk());
  timer.Disarm();
  EXPECT_TRUE(epoll_.Wait(30)->empty());
  timer.Acknowledge();
}

TEST_F(EventTest, SignalsAreReadInsteadOfDelivered) {
  SignalFd signals = SignalFd::Make().value();
  EXPECT_EQ(signals.Read(), 0);
  ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), SIGTERM);
  EXPECT_TRUE(Readable(signals.fd(), 1000));
  EXPECT_EQ(signals.Read(), SIGTERM);
  EXPECT_EQ(signals.Read(), 0);
}

TEST_F(EventTest, TheMaskIsAsItWasAfterwards) {
  sigset_t before;
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  { const SignalFd signals = SignalFd::Make().value(); }
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(sigismember(&before, number), sigismember(&after, number));
  }
}

TEST_F(EventTest, AnInnerSignalFdDoesNotUnblockWhatTheOuterHolds) {
  SignalFd outer = SignalFd::Make().value();
  { const SignalFd inner = SignalFd::Make().value(); }
  // Would end this process if it were delivered.
  ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), SIGTERM);
  EXPECT_EQ(outer.Read(), SIGTERM);
}

TEST_F(EventTest, ReadAndWriteSayWhatHappened) {
  ASSERT_THAT(SetNonBlocking(pipe_.read.get()), IsOk());
  ASSERT_THAT(SetNonBlocking(pipe_.write.get()), IsOk());
  char buffer[16];
  EXPECT_EQ(ReadSome(pipe_.read.get(), buffer, sizeof(buffer)).state, IoState::kWouldBlock);
  EXPECT_FALSE(Readable(pipe_.read.get(), 0));
  EXPECT_TRUE(Writable(pipe_.write.get()));
  EXPECT_EQ(WriteSome(pipe_.write.get(), "abc", 3).bytes, 3u);
  EXPECT_TRUE(Readable(pipe_.read.get(), 0));
  const IoResult got = ReadSome(pipe_.read.get(), buffer, sizeof(buffer));
  EXPECT_EQ(got.state, IoState::kProgress);
  EXPECT_EQ(std::string(buffer, got.bytes), "abc");
  const std::string block(1 << 20, 'x');
  while (WriteSome(pipe_.write.get(), block.data(), block.size()).state == IoState::kProgress) {
    continue;
  }
  EXPECT_FALSE(Writable(pipe_.write.get()));
  pipe_.read.Reset();
  const IoResult broken = WriteSome(pipe_.write.get(), "x", 1);
  EXPECT_EQ(broken.state, IoState::kError);
  EXPECT_EQ(broken.error, EPIPE);
  EXPECT_EQ(ReadSome(-1, buffer, 1).state, IoState::kError);
}

TEST_F(EventTest, AnEndOfFileIsReadable) {
  pipe_.write.Reset();
  EXPECT_TRUE(Readable(pipe_.read.get(), 0));
  char byte;
  EXPECT_EQ(ReadSome(pipe_.read.get(), &byte, 1).state, IoState::kEnd);
  EXPECT_FALSE(IsTerminal(pipe_.read.get()));
}

TEST_F(EventTest, WhileItIsHeldAWriteWithoutAReaderIsOnlyAnError) {
  ::signal(SIGPIPE, SIG_DFL);
  pipe_.read.Reset();
  sigset_t seen;
  {
    const auto hold = WriteSignalHold::Make();
    ASSERT_THAT(hold, IsOk());
    EXPECT_EQ(WriteSome(pipe_.write.get(), "x", 1).error, EPIPE);
    ::sigpending(&seen);
    EXPECT_EQ(sigismember(&seen, SIGPIPE), 1);
  }
  // Unblocked again, nothing came: this process is there to look.
  ::sigpending(&seen);
  EXPECT_EQ(sigismember(&seen, SIGPIPE), 0);
  ::sigprocmask(SIG_SETMASK, nullptr, &seen);
  EXPECT_EQ(sigismember(&seen, SIGPIPE), 0);
  EXPECT_EQ(sigismember(&seen, SIGXFSZ), 0);
  IgnoreSigpipe();
}

TEST_F(EventTest, WhatWasPendingOrBlockedBeforeStays) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ::signal(SIGPIPE, SIG_DFL);
  ASSERT_EQ(::sigprocmask(SIG_BLOCK, &set, nullptr), 0);
  ::raise(SIGPIPE);
  { ASSERT_THAT(WriteSignalHold::Make(), IsOk()); }
  sigset_t seen;
  ::sigpending(&seen);
  EXPECT_EQ(sigismember(&seen, SIGPIPE), 1);
  ::sigprocmask(SIG_SETMASK, nullptr, &seen);
  EXPECT_EQ(sigismember(&seen, SIGPIPE), 1);
  IgnoreSigpipe();  // which drops it
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

TEST_F(EventTest, AnEventFdStartsSilent) {
  const auto fd = MakeEventFd();
  ASSERT_THAT(fd, IsOk());
  EXPECT_FALSE(Readable(fd->get(), 0));
}

TEST_F(EventTest, BothEndsTellHowMuchIsInAPipe) {
  EXPECT_EQ(BytesInPipe(pipe_.read.get()), 0u);
  ASSERT_THAT(WriteAll(pipe_.write.get(), "pipe", "abc"), IsOk());
  EXPECT_EQ(BytesInPipe(pipe_.read.get()), 3u);
  EXPECT_EQ(BytesInPipe(pipe_.write.get()), 3u);
  EXPECT_EQ(BytesInPipe(-1), 0u);
}

TEST_F(EventTest, AWriterCanSeeThatNobodyReads) {
  EXPECT_FALSE(ReaderIsGone(pipe_.write.get()));
  UniqueFd second(::dup(pipe_.read.get()));
  pipe_.read.Reset();
  EXPECT_FALSE(ReaderIsGone(pipe_.write.get()));
  second.Reset();
  EXPECT_TRUE(ReaderIsGone(pipe_.write.get()));
}

TEST_F(EventTest, AnEpollIsReadableWhenItHasSomething) {
  ASSERT_THAT(epoll_.Add(pipe_.read.get(), EPOLLIN, 1), IsOk());
  EXPECT_FALSE(Readable(epoll_.fd(), 0));
  ASSERT_THAT(WriteAll(pipe_.write.get(), "pipe", "a"), IsOk());
  EXPECT_TRUE(Readable(epoll_.fd(), 0));
}

}  // namespace
}  // namespace cordon
