// SPDX-License-Identifier: Apache-2.0
// The caller's ends of the job's stdio: the command's own, or files. The job gets pipes; these are
// only ever read and written by the supervisor.
#ifndef CORDON_SANDBOX_API_STDIO_FILES_H_
#define CORDON_SANDBOX_API_STDIO_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/supervise/supervisor.h"

namespace cordon {

// Host files; "" is the command's own.
struct StdioPaths {
  std::string in;
  std::string out;
  std::string err;
};

// What Open does with one path; `name` is for messages. Input is a regular file, a FIFO (nobody
// needs to write yet), a device such as /dev/null, or the name of a descriptor of the caller's
// (/dev/stdin, /dev/fd/N, /proc/self/fd/N). It is reached through links of root only, as sources of
// mounts are (os/trusted_path.h): others may be what a job has left.
absl::StatusOr<UniqueFd> OpenInputFile(absl::string_view name, const std::string& path);
absl::StatusOr<UniqueFd> OpenOutputFile(absl::string_view name, const std::string& path);
// When both are one file, whatever it was called, `err` becomes a copy of `out`: two positions in
// it would overwrite each other.
absl::Status ShareOneFile(int out, UniqueFd* err);

class StdioFiles {
 public:
  // Output files are made or truncated; only regular files and /dev/null are written to, and the
  // last component is never followed when it is a link.
  static absl::StatusOr<StdioFiles> Open(const StdioPaths& paths);
  Streams streams() const;

 private:
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_STDIO_FILES_H_
