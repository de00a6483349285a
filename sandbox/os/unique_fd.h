// SPDX-License-Identifier: Apache-2.0
// One owned file descriptor. Moves only; closes on destruction.
#ifndef CORDON_SANDBOX_OS_UNIQUE_FD_H_
#define CORDON_SANDBOX_OS_UNIQUE_FD_H_

#include <utility>

namespace cordon {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1);  // closes the old one; in file.cc, where the system calls live

 private:
  int fd_ = -1;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_UNIQUE_FD_H_
