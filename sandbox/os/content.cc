// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/content.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // since Linux 6.3
#endif

namespace cordon {
namespace {

constexpr size_t kPiece = size_t{128} * 1024;
constexpr int kNowhere = -1;

absl::Status Changed(absl::string_view name) {
  return Error(absl::StatusCode::kAborted,
               absl::StrCat(EscapeForPeople(name), " changed while it was read"));
}

class Copier {
 public:
  Copier(int from, absl::string_view name, int to, uint64_t at)
      : from_(from), name_(name), to_(to), at_(at), piece_(kPiece) {}

  absl::StatusOr<Content> Run(uint64_t size) {
    uint64_t done = 0;
    while (done < size) {
      CORDON_ASSIGN_OR_RETURN(const uint64_t data, Next(done, SEEK_DATA, size));
      Zeros(data - done);
      CORDON_ASSIGN_OR_RETURN(const uint64_t end, Next(data, SEEK_HOLE, size));
      CORDON_RETURN_IF_ERROR(Data(data, end));
      done = end;
    }
    if (to_ != kNowhere && size > 0) {
      CORDON_RETURN_IF_ERROR(Truncate(to_, name_, at_ + size));  // a hole at its end
    }
    CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(from_));
    if (info.size != size) return Changed(name_);
    return Content{size, hash_.Hex()};
  }

 private:
  // Where data or a hole begins, at `size` at the latest. A file system that knows no holes has
  // data everywhere.
  absl::StatusOr<uint64_t> Next(uint64_t from, int what, uint64_t size) const {
    if (from >= size) return size;
    const off_t found = ::lseek(from_, static_cast<off_t>(from), what);
    if (found < 0 && errno == ENXIO) return size;
    if (found < 0 && errno == EINVAL) return what == SEEK_DATA ? from : size;
    if (found < 0) return ErrnoStatus("lseek", name_, errno);
    return std::min(static_cast<uint64_t>(found), size);
  }

  void Zeros(uint64_t count) {
    if (count == 0) return;
    std::fill(piece_.begin(), piece_.end(), '\0');
    for (; count > 0; count -= std::min<uint64_t>(count, kPiece)) {
      hash_.Update({piece_.data(), static_cast<size_t>(std::min<uint64_t>(count, kPiece))});
    }
  }

  absl::Status Data(uint64_t from, uint64_t end) {
    while (from < end) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(end - from, kPiece));
      const ssize_t got = ::pread(from_, piece_.data(), want, static_cast<off_t>(from));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoStatus("read", name_, errno);
      if (got == 0) return Changed(name_);
      const absl::string_view bytes(piece_.data(), static_cast<size_t>(got));
      hash_.Update(bytes);
      if (to_ != kNowhere) CORDON_RETURN_IF_ERROR(WriteContent(to_, name_, bytes, at_ + from));
      from += bytes.size();
    }
    return absl::OkStatus();
  }

  const int from_;
  const absl::string_view name_;
  const int to_;
  const uint64_t at_;
  std::vector<char> piece_;
  Sha256 hash_;
};

}  // namespace

absl::StatusOr<Content> CopyContent(int from, absl::string_view name, uint64_t limit, int to,
                                    uint64_t at) {
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(from));
  if (!info.IsRegular()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(EscapeForPeople(name), " is not a regular file"));
  }
  if (info.size > limit) {
    return Error(
        absl::StatusCode::kResourceExhausted,
        absl::StrCat("is ", info.size, " bytes long; at most ", limit, " are left for it"));
  }
  return Copier(from, name, to, at).Run(info.size);
}

absl::StatusOr<Content> HashContent(int from, absl::string_view name, uint64_t limit) {
  return CopyContent(from, name, limit, kNowhere);
}

absl::Status WriteContent(int to, absl::string_view name, absl::string_view bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(to, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus("write", name, errno);
    bytes.remove_prefix(static_cast<size_t>(put));
    at += static_cast<uint64_t>(put);
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> MakeMemoryFile(const char* name) {
  // Kernel: before 6.3 the flag is unknown; where vm.memfd_noexec is 2 it is wanted.
  UniqueFd low(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
  if (!low.valid() && errno == EINVAL) {
    low = UniqueFd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  if (!low.valid()) return ErrnoStatus("memfd_create", name, errno);
  constexpr int kLowest = 16;
  UniqueFd fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowest));
  if (!fd.valid()) return ErrnoStatus("fcntl", "F_DUPFD_CLOEXEC", errno);
  return fd;
}

absl::Status SealMemoryFile(int fd) {
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(fd, F_ADD_SEALS, kSeals) != 0) return ErrnoStatus("fcntl", "F_ADD_SEALS", errno);
  return absl::OkStatus();
}

}  // namespace cordon
