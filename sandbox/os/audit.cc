// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/audit.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {
namespace {

constexpr char kKernelThreads[] = "/proc/2";
constexpr uint64_t kAllIds = 0xffffffff;
constexpr int kAnswerMs = 1000;
constexpr uint64_t kNsPerMs = 1'000'000;

std::string Comm(const std::string& folder) {
  const absl::StatusOr<std::string> comm = ReadAt(kCwd, absl::StrCat(folder, "/comm"));
  return comm.ok() ? *comm : "";
}

// Kernel: threads of the kernel are children of process 2, and nothing else ever is; `children`
// lists the oldest first, and audit's is one of the first.
absl::StatusOr<std::string> AuditThread() {
  CORDON_ASSIGN_OR_RETURN(const std::string children,
                          ReadAt(kCwd, absl::StrCat(kKernelThreads, "/task/2/children")));
  const std::vector<std::string> pids = absl::StrSplit(children, ' ', absl::SkipWhitespace());
  for (const std::string& pid : pids) {
    const std::string folder = absl::StrCat("/proc/", pid);
    if (Comm(folder) == "kauditd\n") return folder;
  }
  return Error(absl::StatusCode::kNotFound, "the kernel has no thread kauditd");
}

// The payload of the answer to an AUDIT_GET, or the errno that it is.
absl::StatusOr<audit_status> Answer(int fd) {
  alignas(nlmsghdr) char buffer[1024];
  for (;;) {
    CORDON_ASSIGN_OR_RETURN(const bool readable, AwaitReadable(fd, kAnswerMs));
    if (!readable) return ErrnoStatus("recv", "audit", ETIMEDOUT);
    const ssize_t size = ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus("recv", "audit", errno);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer);
    const auto left = static_cast<unsigned int>(size);
    if (!NLMSG_OK(header, left)) return ErrnoStatus("recv", "audit", EBADMSG);
    const size_t bytes = header->nlmsg_len - NLMSG_HDRLEN;
    if (header->nlmsg_type == NLMSG_ERROR) {
      nlmsgerr error = {};
      if (bytes < sizeof(error)) return ErrnoStatus("recv", "audit", EBADMSG);
      std::memcpy(&error, buffer + NLMSG_HDRLEN, sizeof(error));
      if (error.error != 0) return ErrnoStatus("AUDIT_GET", "audit", -error.error);
      continue;
    }
    if (header->nlmsg_type != AUDIT_GET) continue;
    audit_status status = {};
    std::memcpy(&status, buffer + NLMSG_HDRLEN, std::min(bytes, sizeof(status)));
    return status;
  }
}

}  // namespace

bool InFirstNamespaces() {
  if (Comm(kKernelThreads) != "kthreadd\n") return false;
  const absl::StatusOr<std::string> map = ReadAt(kCwd, "/proc/self/uid_map");
  if (!map.ok()) return false;
  const absl::StatusOr<std::vector<IdRange>> ranges = ParseIdMap(*map);
  return ranges.ok() && ranges->size() == 1 && (*ranges)[0].outside == 0 &&
         (*ranges)[0].count == kAllIds;
}

absl::StatusOr<AuditState> ReadAudit() {
  const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT));
  if (!fd.valid()) return ErrnoStatus("socket", "audit", errno);
  nlmsghdr request = {};
  request.nlmsg_len = NLMSG_LENGTH(0);
  request.nlmsg_type = AUDIT_GET;
  request.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd.get(), &request, sizeof(request), 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof(kernel)) < 0) {
    return ErrnoStatus("sendto", "audit", errno);
  }
  CORDON_ASSIGN_OR_RETURN(const audit_status status, Answer(fd.get()));
  return AuditState{status.enabled != 0, status.pid};
}

// Kernel: to queue a line wakes the thread, which sleeps interruptibly only when the queue is empty
// and the last line is written.
absl::Status AwaitAudit(int wait_ms) {
  CORDON_ASSIGN_OR_RETURN(const std::string thread, AuditThread());
  const uint64_t end = MonotonicNs() + static_cast<uint64_t>(wait_ms) * kNsPerMs;
  for (;;) {
    CORDON_ASSIGN_OR_RETURN(const std::string stat, ReadAt(kCwd, absl::StrCat(thread, "/stat")));
    CORDON_ASSIGN_OR_RETURN(const ProcessPlace place, ParsePlace(stat));
    if (place.state == 'S' || place.state == 'I') return absl::OkStatus();
    if (MonotonicNs() >= end) {
      return Error(absl::StatusCode::kDeadlineExceeded, "the kernel's audit thread is busy");
    }
    const timespec pause = {0, static_cast<long>(kNsPerMs)};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace cordon
