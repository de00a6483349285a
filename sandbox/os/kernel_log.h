// SPDX-License-Identifier: Apache-2.0
// The kernel's log, /dev/kmsg, from a moment on. Reading it needs CAP_SYSLOG, or
// kernel.dmesg_restrict=0.
#ifndef CORDON_SANDBOX_OS_KERNEL_LOG_H_
#define CORDON_SANDBOX_OS_KERNEL_LOG_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class KernelLog {
 public:
  // Behind the last record that there is now.
  static absl::StatusOr<KernelLog> OpenAtEnd();

  // The next record as the kernel gives it (denial/kernel_line.h); nothing when there is none yet.
  // DATA_LOSS once when records were overwritten before they could be read; it goes on behind them.
  absl::StatusOr<std::optional<std::string>> Next();

 private:
  explicit KernelLog(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_KERNEL_LOG_H_
