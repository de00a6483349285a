// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/seccomp_listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "policy/bpf/syscall_table.h"
#include "tests/support/host_watch.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr int kTries = 5000;

bool SendWith(int socket, const std::vector<int>& passed) {
  char byte = 'l';
  struct iovec part = {&byte, 1};
  alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!passed.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(passed.size() * sizeof(int));
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(passed.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), passed.data(), passed.size() * sizeof(int));
  }
  return ::sendmsg(socket, &message, 0) == 1;
}

// Under a filter that asks about socket; passes the listener, then tries `calls` sockets and exits
// with the errno of the last, or sleeps for ever.
[[noreturn]] void Ask(int socket, int calls) {
  struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                               {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_socket},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const struct sock_fprog program = {4, code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0 || !SendWith(socket, {static_cast<int>(listener)})) ::_exit(99);
  ::close(static_cast<int>(listener));
  int error = 0;
  for (int i = 0; i < calls; ++i) {
    error = ::socket(AF_INET, SOCK_STREAM, 7) < 0 ? errno : 0;
  }
  if (calls == 0) ::pause();
  ::_exit(error);
}

class AskingChild {
 public:
  explicit AskingChild(int calls) {
    absl::StatusOr<Pipe> pipe = MakePassingPipe();
    EXPECT_THAT(pipe, IsOk());
    pid_ = ::fork();
    if (pid_ == 0) Ask(pipe->write.get(), calls);
    pipe->write.Reset();
    char byte = 0;
    UniqueFd passed;
    EXPECT_EQ(ReceiveSome(pipe->read.get(), &byte, 1, &passed).bytes, 1u);
    absl::StatusOr<SeccompListener> listener = SeccompListener::Adopt(std::move(passed));
    EXPECT_THAT(listener, IsOk());
    listener_.emplace(*std::move(listener));
  }
  AskingChild(const AskingChild&) = delete;
  AskingChild& operator=(const AskingChild&) = delete;
  ~AskingChild() {
    if (pid_ > 0) Kill();
  }

  SeccompListener& listener() { return *listener_; }
  pid_t pid() const { return pid_; }

  absl::StatusOr<std::optional<SeccompListener::Call>> Next() {
    Readable(listener_->fd(), kTries);
    return listener_->Receive();
  }
  int ExitCode() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void Kill() {
    ::kill(pid_, SIGKILL);
    ExitCode();
  }

 private:
  pid_t pid_ = -1;
  std::optional<SeccompListener> listener_;
};

TEST(SeccompListenerTest, ACallIsReceivedWholeAndDenied) {
  AskingChild child(2);
  for (const uint32_t error : {uint32_t{EACCES}, uint32_t{EXDEV}}) {
    const auto call = child.Next();
    ASSERT_THAT(call, IsOk());
    ASSERT_TRUE(call->has_value());
    EXPECT_EQ((*call)->thread, static_cast<uint32_t>(child.pid()));
    EXPECT_EQ((*call)->sample.number, static_cast<uint32_t>(SYS_socket));
    EXPECT_EQ((*call)->sample.architecture, AuditArchitecture(NativeArchitecture()));
    EXPECT_EQ((*call)->sample.args[0], static_cast<uint64_t>(AF_INET));
    EXPECT_EQ((*call)->sample.args[1], static_cast<uint64_t>(SOCK_STREAM));
    EXPECT_EQ((*call)->sample.args[2], 7u);
    EXPECT_TRUE(child.listener().Waits((*call)->id));
    EXPECT_THAT(child.listener().Deny((*call)->id, error), IsOk());
    EXPECT_FALSE(child.listener().Waits((*call)->id));
  }
  EXPECT_EQ(child.ExitCode(), EXDEV);
  const auto none = child.listener().Receive();
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->has_value());
}

TEST(SeccompListenerTest, WhereNothingWaitsNothingBlocks) {
  AskingChild child(0);
  for (int i = 0; i < 100; ++i) {
    const auto none = child.listener().Receive();
    ASSERT_THAT(none, IsOk());
    EXPECT_FALSE(none->has_value());
  }
}

TEST(SeccompListenerTest, ACallerThatDiedAfterItsCallWasReceivedIsNoError) {
  AskingChild child(1);
  const auto call = child.Next();
  ASSERT_THAT(call, IsOk());
  ASSERT_TRUE(call->has_value());
  child.Kill();
  EXPECT_FALSE(child.listener().Waits((*call)->id));
  EXPECT_THAT(child.listener().Deny((*call)->id, EPERM), IsOk());
  EXPECT_FALSE(child.listener().Receive()->has_value());
}

TEST(SeccompListenerTest, ACallerThatDiedBeforeIsNoErrorAndDoesNotBlock) {
  AskingChild child(1);
  ASSERT_TRUE(Readable(child.listener().fd(), kTries));
  child.Kill();
  const auto none = child.listener().Receive();
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->has_value());
}

// Everybody under the filter is gone: the caller of epoll must see it and stop looking.
TEST(SeccompListenerTest, TheEndOfTheLastCallerIsAHangUp) {
  AskingChild child(0);
  struct pollfd one = {child.listener().fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&one, 1, 0), 0);
  child.Kill();
  EXPECT_EQ(::poll(&one, 1, kTries), 1);
  EXPECT_EQ(one.revents, POLLHUP);
}

TEST(SeccompListenerTest, OtherDescriptorsAreRefused) {
  absl::StatusOr<Pipe> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  EXPECT_THAT(SeccompListener::Adopt(std::move(pipe->read)),
              StatusIs(absl::StatusCode::kInvalidArgument, "not the listener"));
  EXPECT_THAT(SeccompListener::Adopt(UniqueFd()),
              StatusIs(absl::StatusCode::kInvalidArgument, "not the listener"));
}

TEST(PassingPipeTest, MessagesStayWholeAndBringOneDescriptor) {
  absl::StatusOr<Pipe> pipe = MakePassingPipe();
  ASSERT_THAT(pipe, IsOk());
  EXPECT_GT(pipe->read.get(), 15);
  EXPECT_GT(pipe->write.get(), 15);
  ASSERT_EQ(::write(pipe->write.get(), "abc", 3), 3);
  ASSERT_TRUE(SendWith(pipe->write.get(), {0}));
  ASSERT_TRUE(SendWith(pipe->write.get(), {0, 1}));
  pipe->write.Reset();
  const size_t open = DescriptorsOfTest().size();
  char bytes[8];
  UniqueFd passed;
  IoResult got = ReceiveSome(pipe->read.get(), bytes, sizeof(bytes), &passed);
  EXPECT_EQ(got.bytes, 3u);
  EXPECT_FALSE(passed.valid());
  got = ReceiveSome(pipe->read.get(), bytes, sizeof(bytes), &passed);
  EXPECT_EQ(got.bytes, 1u);
  EXPECT_TRUE(passed.valid());
  UniqueFd none;
  got = ReceiveSome(pipe->read.get(), bytes, sizeof(bytes), &none);
  EXPECT_EQ(got.state, IoState::kError);
  EXPECT_EQ(got.error, EMSGSIZE);
  passed.Reset();
  none.Reset();
  EXPECT_EQ(DescriptorsOfTest().size(), open) << "the second one is not left open";
  EXPECT_EQ(ReceiveSome(pipe->read.get(), bytes, sizeof(bytes), &none).state, IoState::kEnd);
}

TEST(PassingPipeTest, NothingThereDoesNotBlockWhenAsked) {
  absl::StatusOr<Pipe> pipe = MakePassingPipe();
  ASSERT_THAT(pipe, IsOk());
  ASSERT_THAT(SetNonBlocking(pipe->read.get()), IsOk());
  char byte;
  UniqueFd passed;
  EXPECT_EQ(ReceiveSome(pipe->read.get(), &byte, 1, &passed).state, IoState::kWouldBlock);
}

}  // namespace
}  // namespace cordon
