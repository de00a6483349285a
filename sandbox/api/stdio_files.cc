// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/stdio_files.h"

#include <fcntl.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

constexpr uint64_t kDevNull = uint64_t{1} << 32 | 3;

absl::StatusOr<UniqueFd> OpenInput(const std::string& path) {
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd, OpenAt(kCwd, path, O_RDONLY | O_NOCTTY));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
  if (info.IsDirectory()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(EscapeForPeople(path), " is a directory"));
  }
  return fd;
}

absl::StatusOr<UniqueFd> OpenOutput(const std::string& path) {
  CORDON_ASSIGN_OR_RETURN(
      UniqueFd fd,
      OpenAt(kCwd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
  if (!info.IsRegular() && !(info.IsCharDevice() && info.rdev == kDevNull)) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(EscapeForPeople(path), " is not a regular file"))
        .Hint("redirect the command's own stdout for a pipe or a device");
  }
  return fd;
}

// Which flag it was about.
absl::StatusOr<UniqueFd> Named(absl::string_view flag, absl::StatusOr<UniqueFd> fd) {
  if (fd.ok()) return fd;
  const v1::ErrorDetail detail = DetailsOf(fd.status())[0];
  Error error(fd.status().code(), detail.message());
  error.Field(flag).Hint(detail.hint());
  if (detail.errno_value() != 0) {
    error.Syscall(detail.syscall(), detail.object(), detail.errno_value());
  }
  return error;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenInputFile(absl::string_view name, const std::string& path) {
  return Named(name, OpenInput(path));
}

absl::StatusOr<UniqueFd> OpenOutputFile(absl::string_view name, const std::string& path) {
  return Named(name, OpenOutput(path));
}

absl::StatusOr<StdioFiles> StdioFiles::Open(const StdioPaths& paths) {
  StdioFiles files;
  if (!paths.in.empty()) {
    CORDON_ASSIGN_OR_RETURN(files.in_, OpenInputFile("--stdin", paths.in));
  }
  if (!paths.out.empty()) {
    CORDON_ASSIGN_OR_RETURN(files.out_, OpenOutputFile("--stdout", paths.out));
  }
  // The same file twice would be two positions that overwrite each other.
  if (!paths.err.empty() && paths.err != paths.out) {
    CORDON_ASSIGN_OR_RETURN(files.err_, OpenOutputFile("--stderr", paths.err));
  } else if (!paths.err.empty()) {
    CORDON_ASSIGN_OR_RETURN(files.err_, Duplicate(files.out_.get()));
  }
  return files;
}

Streams StdioFiles::streams() const {
  Streams streams;
  if (in_.valid()) streams.in = in_.get();
  if (out_.valid()) streams.out = out_.get();
  if (err_.valid()) streams.err = err_.get();
  streams.escape_out = IsTerminal(streams.out);
  streams.escape_err = IsTerminal(streams.err);
  return streams;
}

}  // namespace cordon
