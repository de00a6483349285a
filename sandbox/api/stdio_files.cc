// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/stdio_files.h"

#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "policy/base/status.h"
#include "sandbox/os/beneath.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/trusted_path.h"

namespace cordon {
namespace {

constexpr uint64_t kMemoryDevices = uint64_t{1} << 32;
constexpr uint64_t kDevNull = kMemoryDevices | 3;

Error Unfit(const std::string& path, absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, absl::StrCat(EscapeForPeople(path), what));
}

// The caller's own descriptors have names, too, and bash writes `<(command)` as one of them. What
// they are links to is no path.
std::optional<int> NamedDescriptor(absl::string_view path) {
  if (path == "/dev/stdin") return 0;
  int number = -1;
  if (!absl::ConsumePrefix(&path, "/dev/fd/") && !absl::ConsumePrefix(&path, "/proc/self/fd/")) {
    return std::nullopt;
  }
  if (!absl::SimpleAtoi(path, &number) || number < 0) return std::nullopt;
  return number;
}

// Null, zero, full, random, urandom: they have something to read, and to open them does nothing.
bool IsPlainDevice(const FileInfo& info) {
  for (const uint64_t minor : {3U, 5U, 7U, 8U, 9U}) {
    if (info.IsCharDevice() && info.rdev == (kMemoryDevices | minor)) return true;
  }
  return false;
}

// A job before this one may have left what lies there (sandbox/DESIGN.md, 42): no link of it is
// followed, and a FIFO of it is not waited for here, but by the relay, whose waiting has limits.
absl::StatusOr<UniqueFd> OpenInput(const std::string& path) {
  const std::optional<int> descriptor = NamedDescriptor(path);
  if (descriptor.has_value()) {
    CORDON_RETURN_IF_ERROR(CheckDescriptor(*descriptor, path));
    return Duplicate(*descriptor);
  }
  if (path.empty()) return ErrnoStatus("openat", path, ENOENT);
  const bool absolute = path[0] == '/';
  const absl::StatusOr<TrustedPath> resolved =
      ResolveTrusted(absolute ? path : absl::StrCat(CurrentDirectory(), "/", path));
  if (!resolved.ok()) {
    if (IsRefusedLink(resolved.status())) return resolved.status();
    return ErrnoStatus("openat", path, DetailsOf(resolved.status())[0].errno_value());
  }
  const TrustedPath& found = *resolved;
  if (found.info.IsDirectory()) return Unfit(path, " is a directory");
  if (!found.info.IsRegular() && !found.info.IsFifo() && !IsPlainDevice(found.info)) {
    return Unfit(path, absl::StrCat(" is ", KindOfFile(found.info), ", not a file to read from"))
        .Hint("redirect the command's own stdin for a device");
  }
  return OpenTrusted(found, O_RDONLY);
}

absl::StatusOr<UniqueFd> OpenOutput(const std::string& path) {
  CORDON_ASSIGN_OR_RETURN(
      UniqueFd fd,
      OpenAt(kCwd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
  if (!info.IsRegular() && !(info.IsCharDevice() && info.rdev == kDevNull)) {
    return Unfit(path, " is not a regular file")
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

absl::Status ShareOneFile(int out, UniqueFd* err) {
  const absl::StatusOr<FileInfo> one = StatFd(out);
  if (!one.ok()) return absl::OkStatus();  // it is closed: nothing is written there
  CORDON_ASSIGN_OR_RETURN(const FileInfo other, StatFd(err->get()));
  if (one->device != other.device || one->inode != other.inode) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(*err, Duplicate(out));
  return absl::OkStatus();
}

absl::StatusOr<StdioFiles> StdioFiles::Open(const StdioPaths& paths) {
  StdioFiles files;
  if (!paths.in.empty()) {
    CORDON_ASSIGN_OR_RETURN(files.in_, OpenInputFile("--stdin", paths.in));
  }
  if (!paths.out.empty()) {
    CORDON_ASSIGN_OR_RETURN(files.out_, OpenOutputFile("--stdout", paths.out));
  }
  if (!paths.err.empty()) {
    CORDON_ASSIGN_OR_RETURN(files.err_, OpenOutputFile("--stderr", paths.err));
    CORDON_RETURN_IF_ERROR(ShareOneFile(files.streams().out, &files.err_));
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
