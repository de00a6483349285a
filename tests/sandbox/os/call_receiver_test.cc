// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/call_receiver.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

// Loads a filter that asks about getsid, and sends its listener.
bool SendListener(int to) {
  struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                               {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getsid},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const struct sock_fprog program = {4, code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const int listener = static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  if (listener < 0) return false;
  char byte = 'x';
  struct iovec part = {&byte, 1};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &listener, sizeof(listener));
  const bool sent = ::sendmsg(to, &message, 0) == 1;
  ::close(listener);
  return sent;
}

class CallReceiverTest : public testing::Test {
 protected:
  // A child that is under the filter and then does `work`.
  void Start(const std::function<void()>& work) {
    End();
    auto pipe = MakePassingPipe();
    ASSERT_THAT(pipe, IsOk());
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (!SendListener(pipe->write.get())) ::_exit(99);
      work();
      ::_exit(0);
    }
    char byte;
    UniqueFd listener;
    ASSERT_EQ(ReceiveSome(pipe->read.get(), &byte, 1, &listener).state, IoState::kProgress);
    auto adopted = SeccompListener::Adopt(std::move(listener));
    ASSERT_THAT(adopted, IsOk());
    auto made = CallReceiver::Make(*std::move(adopted));
    ASSERT_THAT(made, IsOk());
    receiver_ = *std::move(made);
  }
  void End() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    child_ = 0;
  }
  void TearDown() override { End(); }
  // The next arrival, after at most a minute.
  std::optional<CallReceiver::Arrival> Next() {
    EXPECT_TRUE(Readable(receiver_->fd(), 60000));
    auto arrival = receiver_->Take();
    EXPECT_THAT(arrival, IsOk());
    return arrival.ok() ? *arrival : std::nullopt;
  }

  pid_t child_ = 0;
  std::unique_ptr<CallReceiver> receiver_;
};

TEST_F(CallReceiverTest, CallsArriveAndAreAnswered) {
  Start([] {
    for (int i = 1; i <= 3; ++i) {
      if (::getsid(i) != -1 || errno != 40 + i) ::_exit(1);
    }
  });
  ASSERT_THAT(receiver_->Start(), IsOk());
  for (uint64_t i = 1; i <= 3; ++i) {
    const auto arrival = Next();
    ASSERT_TRUE(arrival.has_value());
    ASSERT_TRUE(arrival->has_value());
    EXPECT_EQ((*arrival)->sample.args[0], i);
    EXPECT_THAT(receiver_->listener().Deny((*arrival)->id, static_cast<uint32_t>(40 + i)), IsOk());
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child_, &status, 0), child_);
  child_ = 0;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_FALSE(Readable(receiver_->fd(), 0));
}

// What poll(2) never shows: a call that was there and is gone.
TEST_F(CallReceiverTest, ACallThatWasInterruptedIsHeardOf) {
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  Start([&] {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const struct itimerval soon = {{0, 0}, {0, 20000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    if (::getsid(1) != -1 || errno != EINTR) ::_exit(1);
    ::close(gate[1]);
    for (;;) ::pause();
  });
  ::close(gate[1]);
  char byte;
  ASSERT_EQ(::read(gate[0], &byte, 1), 0);  // the call is over
  ::close(gate[0]);
  ASSERT_THAT(receiver_->Start(), IsOk());
  const auto arrival = Next();
  ASSERT_TRUE(arrival.has_value());
  EXPECT_FALSE(arrival->has_value());
}

// Destroyed while it waits, with nobody calling and with everybody gone.
TEST_F(CallReceiverTest, EndsWhenItIsDestroyed) {
  Start([] {
    for (;;) ::pause();
  });
  ASSERT_THAT(receiver_->Start(), IsOk());
  const auto nothing = receiver_->Take();
  ASSERT_THAT(nothing, IsOk());
  EXPECT_FALSE(nothing->has_value());
  receiver_.reset();
  Start([] {});
  int status = 0;
  ASSERT_EQ(::waitpid(child_, &status, 0), child_);
  child_ = 0;
  ASSERT_THAT(receiver_->Start(), IsOk());
  receiver_.reset();
}

}  // namespace
}  // namespace cordon
