// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/worker.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr size_t kMaxResult = size_t{64} << 20;

[[noreturn]] void RunChild(const std::function<std::string()>& work, const Pipe& pipe, pid_t parent,
                           std::optional<uint32_t> cpu) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(1);
  IgnoreSigpipe();  // a job that does not read is no end of its supervisor
  if (cpu.has_value()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*cpu, &set);
    if (::sched_setaffinity(0, sizeof(set), &set) != 0) ::_exit(1);
  }
  const bool sent = WriteAll(pipe.write.get(), "the result", work()).ok();
  ::_exit(sent ? 0 : 1);  // not exit: buffers and handlers are the parent's
}

}  // namespace

absl::StatusOr<Worker> Worker::Start(const std::function<std::string()>& work,
                                     std::optional<uint32_t> cpu) {
  CORDON_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return ErrnoStatus("fork", "a worker", errno);
  if (pid == 0) RunChild(work, pipe, parent, cpu);
  Worker worker;
  worker.pid_ = pid;
  worker.result_ = std::move(pipe.read);
  // The child cannot have been reaped, so that this is the child.
  const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    worker.reaped_ = true;
    return ErrnoStatus("pidfd_open", "a worker", error);
  }
  worker.pidfd_ = UniqueFd(static_cast<int>(pidfd));
  CORDON_RETURN_IF_ERROR(SetNonBlocking(worker.result_.get()));
  return worker;
}

Worker::~Worker() {
  if (!pidfd_.valid() || reaped_) return;
  KillPidfd(pidfd_.get()).IgnoreError();
  Reap().IgnoreError();
}

absl::Status Worker::Reap() {
  CORDON_ASSIGN_OR_RETURN(const WaitResult ended, WaitPidfd(pidfd_.get(), true));
  reaped_ = true;
  code_ = ended.code;
  status_ = ended.status;
  return absl::OkStatus();
}

absl::StatusOr<bool> Worker::Read() {
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const IoResult read = ReadSome(result_.get(), buffer.data(), buffer.size());
    switch (read.state) {
      case IoState::kProgress:
        bytes_.append(buffer.data(), read.bytes);
        if (bytes_.size() > kMaxResult) {
          return Error(absl::StatusCode::kResourceExhausted, "a worker's result is too long");
        }
        break;
      case IoState::kWouldBlock:
        return false;
      case IoState::kEnd:
        CORDON_RETURN_IF_ERROR(Reap());
        return true;
      case IoState::kError:
        return ErrnoStatus("read", "a worker's result", read.error);
    }
  }
}

absl::StatusOr<std::string> Worker::Take() {
  if (code_ == CLD_EXITED && status_ == 0) return std::move(bytes_);
  return Error(absl::StatusCode::kInternal,
               absl::StrCat("the worker ended by ", code_ == CLD_EXITED ? "exit code " : "signal ",
                            status_));
}

void Worker::Signal(int number) const {
  if (!reaped_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::vector<uint32_t> AllowedCpus() {
  std::vector<uint32_t> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return cpus;
  for (uint32_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) cpus.push_back(i);
  }
  return cpus;
}

absl::Status ChangeDirectory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return ErrnoStatus("chdir", path, errno);
  return absl::OkStatus();
}

}  // namespace cordon
