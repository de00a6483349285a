// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/memory_file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr size_t kMaxOutput = size_t{32} << 20;
constexpr size_t kMaxComplaint = 4096;

// The child, between fork and exec: nothing but system calls.
[[noreturn]] void Become(const char* path, char* const* argv, int in, int out, int err) {
  char* const environment[] = {nullptr};
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(err, 2) == 2 &&
      ::syscall(SYS_close_range, 3U, ~0U, 0U) == 0 && ::chdir("/") == 0) {
    ::execve(path, argv, environment);
  }
  ::_exit(127);
}

// Everything until the writer is gone.
absl::Status Drain(int fd, const std::string& path, uint64_t deadline_ns, std::string* out) {
  char buffer[16384];
  for (;;) {
    const uint64_t now = MonotonicNs();
    if (now >= deadline_ns) {
      return Error(absl::StatusCode::kDeadlineExceeded, absl::StrCat(path, " takes too long"));
    }
    struct pollfd ready = {fd, POLLIN, 0};
    const int got = ::poll(&ready, 1, static_cast<int>((deadline_ns - now) / 1000000 + 1));
    if (got < 0 && errno != EINTR) return ErrnoStatus("poll", path, errno);
    if (got <= 0) continue;
    const ssize_t size = ::read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus("read", path, errno);
    if (size == 0) return absl::OkStatus();
    out->append(buffer, static_cast<size_t>(size));
    if (out->size() > kMaxOutput) {
      return Error(absl::StatusCode::kResourceExhausted, absl::StrCat(path, " writes too much"));
    }
  }
}

}  // namespace

absl::StatusOr<HelperResult> RunHelper(const std::string& path,
                                       const std::vector<std::string>& arguments,
                                       absl::string_view input, int timeout_ms) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd in, MemoryFile("input", input));
  CORDON_ASSIGN_OR_RETURN(const UniqueFd err, MemoryFile("errors", ""));
  CORDON_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& word : arguments) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const uint64_t deadline_ns = MonotonicNs() + static_cast<uint64_t>(timeout_ms) * 1000000;
  CORDON_ASSIGN_OR_RETURN(const Clone3Result child, Clone3(0, -1));
  if (child.pid == 0) Become(path.c_str(), argv.data(), in.get(), out.write.get(), err.get());
  out.write.Reset();
  HelperResult result;
  const absl::Status drained = Drain(out.read.get(), path, deadline_ns, &result.out);
  // It may close its output and go on: it has had its time then.
  if (!drained.ok()) KillPidfd(child.pidfd.get()).IgnoreError();
  CORDON_ASSIGN_OR_RETURN(const WaitResult ended, WaitPidfd(child.pidfd.get(), true));
  CORDON_RETURN_IF_ERROR(drained);
  result.code = ended.code;
  result.status = ended.status;
  char complaint[kMaxComplaint];
  const ssize_t size = ::pread(err.get(), complaint, sizeof(complaint), 0);
  if (size > 0) result.err.assign(complaint, static_cast<size_t>(size));
  return result;
}

}  // namespace cordon
