// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/seccomp_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

// Of the structures of this header; a newer kernel's are longer, and it fills and checks all of
// them.
struct Sizes {
  size_t request = sizeof(struct seccomp_notif);
  size_t answer = sizeof(struct seccomp_notif_resp);
};

absl::StatusOr<Sizes> KernelSizes() {
  struct seccomp_notif_sizes sizes = {};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) {
    return ErrnoStatus("seccomp", "SECCOMP_GET_NOTIF_SIZES", errno);
  }
  Sizes result;
  result.request = std::max(result.request, size_t{sizes.seccomp_notif});
  result.answer = std::max(result.answer, size_t{sizes.seccomp_notif_resp});
  return result;
}

// In a child: loads a filter that allows everything, with a listener that goes with the child.
int ErrnoOfListener() {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const struct sock_fprog program = {1, &allow};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  const long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  return listener < 0 ? errno : 0;
}

}  // namespace

absl::StatusOr<SeccompListener> SeccompListener::Adopt(UniqueFd fd) {
  SeccompListener listener;
  listener.fd_ = std::move(fd);
  uint64_t no_call = 0;
  // Kernel: ids begin at a random number; of any other file this is ENOTTY.
  if (::ioctl(listener.fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &no_call) != 0 && errno != ENOENT) {
    return Error(absl::StatusCode::kInvalidArgument, "not the listener of a seccomp filter")
        .Syscall("ioctl", "SECCOMP_IOCTL_NOTIF_ID_VALID", errno);
  }
  CORDON_ASSIGN_OR_RETURN(const Sizes sizes, KernelSizes());
  listener.request_.resize(sizes.request);
  listener.answer_.resize(sizes.answer);
  return listener;
}

absl::StatusOr<std::optional<SeccompListener::Call>> SeccompListener::Receive() {
  struct pollfd one = {fd_.get(), POLLIN, 0};
  // Kernel: the ioctl waits for a call where there is none. One that is gone by then has left its
  // count behind, so that the ioctl gives ENOENT and does not wait. POLLHUP alone means that nobody
  // is left who could call.
  if (::poll(&one, 1, 0) != 1 || (one.revents & POLLIN) == 0) return std::optional<Call>();
  CORDON_ASSIGN_OR_RETURN(const Wait came, Await());
  if (came.kind != Wait::kCall) return std::optional<Call>();
  return std::optional<Call>(came.call);
}

absl::StatusOr<SeccompListener::Wait> SeccompListener::Await() {
  Wait came;
  std::fill(request_.begin(), request_.end(), '\0');
  if (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, request_.data()) != 0) {
    if (errno == EINTR) return came;
    if (errno != ENOENT) return ErrnoStatus("ioctl", "SECCOMP_IOCTL_NOTIF_RECV", errno);
    // Kernel: since 6.12 this is also the answer when nobody is left.
    struct pollfd one = {fd_.get(), POLLIN, 0};
    int ready;
    do {
      ready = ::poll(&one, 1, 0);
    } while (ready < 0 && errno == EINTR);
    // Not knowing is no call: a verdict must not come of it.
    if (ready < 0) return ErrnoStatus("poll", "the seccomp listener", errno);
    const bool nobody = ready == 1 && (one.revents & POLLHUP) != 0;
    came.kind = nobody ? Wait::kNobody : Wait::kLost;
    return came;
  }
  struct seccomp_notif request;
  std::memcpy(&request, request_.data(), sizeof(request));
  came.kind = Wait::kCall;
  came.call.id = request.id;
  came.call.thread = request.pid;
  CallSample& sample = came.call.sample;
  sample.number = static_cast<uint32_t>(request.data.nr);
  sample.architecture = request.data.arch;
  sample.instruction_pointer = request.data.instruction_pointer;
  std::copy(std::begin(request.data.args), std::end(request.data.args), sample.args.begin());
  return came;
}

absl::Status SeccompListener::Deny(uint64_t id, uint32_t errno_value) {
  struct seccomp_notif_resp answer = {};
  answer.id = id;
  answer.error = -static_cast<int32_t>(errno_value);
  std::fill(answer_.begin(), answer_.end(), '\0');
  std::memcpy(answer_.data(), &answer, sizeof(answer));
  while (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, answer_.data()) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    if (errno != EINTR) return ErrnoStatus("ioctl", "SECCOMP_IOCTL_NOTIF_SEND", errno);
  }
  return absl::OkStatus();
}

bool SeccompListener::Waits(uint64_t id) const {
  return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

std::string WhyNoListener() {
  const absl::StatusOr<std::string> status = ReadAt(kCwd, "/proc/thread-self/status");
  if (status.ok() && ParseStatus(*status)["Seccomp"] == "0") return "";
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(ErrnoOfListener());
  int ended = 0;
  while (pid > 0 && ::waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
  }
  const int error = pid > 0 && WIFEXITED(ended) ? WEXITSTATUS(ended) : EAGAIN;
  if (error == 0) return "";
  if (error == EBUSY)
    return "Cordon itself runs under a filter with a listener, and one is allowed";
  return absl::StrCat("a filter with a listener cannot be loaded: ", ErrnoName(error));
}

absl::StatusOr<Pipe> MakePassingPipe() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus("socketpair", "AF_UNIX", errno);
  }
  Pipe pipe = {UniqueFd(ends[0]), UniqueFd(ends[1])};
  for (UniqueFd* end : {&pipe.read, &pipe.write}) {
    CORDON_ASSIGN_OR_RETURN(*end, MoveUp(std::move(*end)));
  }
  return pipe;
}

IoResult ReceiveSome(int fd, char* buffer, size_t size, UniqueFd* passed) {
  struct iovec part = {buffer, size};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  // Not CMSG_SPACE, whose padding has room for a second descriptor, which nobody would own.
  message.msg_controllen = CMSG_LEN(sizeof(int));
  ssize_t got;
  do {
    got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return {errno == EAGAIN ? IoState::kWouldBlock : IoState::kError, 0, errno};
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof(int))) {
    int received;
    std::memcpy(&received, CMSG_DATA(header), sizeof(received));
    passed->Reset(received);
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return {IoState::kError, 0, EMSGSIZE};
  if (got == 0) return {IoState::kEnd, 0, 0};
  return {IoState::kProgress, static_cast<size_t>(got), 0};
}

}  // namespace cordon
