// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

constexpr char kPath[] = "/dev/kmsg";
constexpr uint64_t kDevice = uint64_t{1} << 32 | 11;
// Kernel: a record is at most CONSOLE_EXT_LOG_MAX, 8192, and EINVAL tells of one that is longer.
constexpr size_t kMostBytes = 16384;

}  // namespace

absl::StatusOr<KernelLog> KernelLog::OpenAtEnd() {
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd, OpenAt(kCwd, kPath, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
  if (!info.IsCharDevice() || info.rdev != kDevice) {
    return Error(absl::StatusCode::kFailedPrecondition, "/dev/kmsg is not the kernel's log");
  }
  if (::lseek(fd.get(), 0, SEEK_END) < 0) return ErrnoStatus("lseek", kPath, errno);
  return KernelLog(std::move(fd));
}

absl::StatusOr<std::optional<std::string>> KernelLog::Next() {
  std::vector<char> buffer(kMostBytes);
  const IoResult result = ReadSome(fd_.get(), buffer.data(), buffer.size());
  switch (result.state) {
    case IoState::kProgress:
      return std::string(buffer.data(), result.bytes);
    case IoState::kWouldBlock:
    case IoState::kEnd:
      return std::nullopt;
    case IoState::kError:
      break;
  }
  if (result.error == EPIPE) return absl::DataLossError("records of the kernel's log are lost");
  return ErrnoStatus("read", kPath, result.error);
}

}  // namespace cordon
