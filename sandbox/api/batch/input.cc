// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/input.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon {

absl::StatusOr<std::optional<BatchInput>> BatchInput::Take(size_t shard, size_t shard_count) {
  CORDON_ASSIGN_OR_RETURN(Epoll epoll, Epoll::Make());
  CORDON_ASSIGN_OR_RETURN(const bool waits, epoll.Add(0, EPOLLIN, 0));
  if (!waits) return std::optional<BatchInput>();
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd, Duplicate(0));
  // Its number stays taken; and no other copy keeps a writer from getting to know that it is over.
  UniqueFd(0).Reset();
  CORDON_RETURN_IF_ERROR(EnsureStdio());
  return std::optional(BatchInput(std::move(fd), JobStream(kStandardInput, shard, shard_count)));
}

// It is not made non-blocking: others may have the same open file, who would be surprised.
absl::Status BatchInput::Read() {
  std::array<char, 1 << 16> buffer;
  const IoResult read = ReadSome(fd_.get(), buffer.data(), buffer.size());
  switch (read.state) {
    case IoState::kProgress:
      stream_.Add(absl::string_view(buffer.data(), read.bytes));
      return absl::OkStatus();
    case IoState::kWouldBlock:
      return absl::OkStatus();
    case IoState::kEnd:
      stream_.End();
      Close();
      return absl::OkStatus();
    case IoState::kError:
      break;
  }
  return ErrnoStatus("read", kStandardInput, read.error);
}

absl::Status BatchInput::Watch(bool on, uint64_t token, Epoll* epoll) {
  if (!may_come() || on == (watcher_ != nullptr)) return absl::OkStatus();
  if (on) {
    watcher_ = epoll;
    return epoll->Add(fd_.get(), EPOLLIN, token).status();
  }
  epoll->Remove(fd_.get());  // not an empty mask: a hangup would be told all the same, for ever
  watcher_ = nullptr;
  return absl::OkStatus();
}

// Closing alone would not take it out of the epoll while a child has a copy.
void BatchInput::Close() {
  if (watcher_ != nullptr) watcher_->Remove(fd_.get());
  watcher_ = nullptr;
  fd_.Reset();
}

}  // namespace cordon
