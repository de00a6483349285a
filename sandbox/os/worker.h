// SPDX-License-Identifier: Apache-2.0
// A child process of ours that does one piece of work and gives its result as bytes. What it does
// wrong (a crash, memory) stays its own.
#ifndef CORDON_SANDBOX_OS_WORKER_H_
#define CORDON_SANDBOX_OS_WORKER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class Worker {
 public:
  // fork(2): call it while the process has one thread. The child dies with its parent's thread.
  // `cpu`: the only processor that the child, and what it starts, may use at first.
  static absl::StatusOr<Worker> Start(const std::function<std::string()>& work,
                                      std::optional<uint32_t> cpu);
  Worker(Worker&&) noexcept = default;
  Worker& operator=(Worker&&) noexcept = default;
  ~Worker();  // kills and reaps a child that is still there

  // Becomes readable when there is a part of the result, or its end.
  int fd() const { return result_.get(); }
  pid_t pid() const { return pid_; }
  // Takes what is there; true at the end of the result, when the child has been reaped.
  absl::StatusOr<bool> Read();
  // After the end: the result, or how the child ended without one.
  absl::StatusOr<std::string> Take();
  void Signal(int number) const;

 private:
  Worker() = default;
  absl::Status Reap();
  UniqueFd result_;
  UniqueFd pidfd_;
  pid_t pid_ = 0;
  bool reaped_ = false;
  int code_ = 0;
  int status_ = 0;
  std::string bytes_;
};

// The processors that the calling thread may run on.
std::vector<uint32_t> AllowedCpus();

// chdir(2), for the whole process.
absl::Status ChangeDirectory(const std::string& path);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_WORKER_H_
