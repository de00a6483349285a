// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {

absl::StatusOr<UniqueFd> MemoryFile(const std::string& name, absl::string_view content) {
  UniqueFd low(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!low.valid()) return ErrnoStatus("memfd_create", name, errno);
  CORDON_ASSIGN_OR_RETURN(UniqueFd file, MoveUp(std::move(low)));
  CORDON_RETURN_IF_ERROR(WriteAll(file.get(), name, content));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return ErrnoStatus("lseek", name, errno);
  return file;
}

absl::StatusOr<std::string> ContentOfFile(int fd, absl::string_view name, size_t limit) {
  if (::lseek(fd, 0, SEEK_SET) != 0) return ErrnoStatus("lseek", name, errno);
  return ReadAll(fd, name, limit);
}

}  // namespace cordon
