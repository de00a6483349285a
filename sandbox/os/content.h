// SPDX-License-Identifier: Apache-2.0
// Contents of regular files: copied with their holes, hashed, never more than was allowed.
#ifndef CORDON_SANDBOX_OS_CONTENT_H_
#define CORDON_SANDBOX_OS_CONTENT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

struct Content {
  uint64_t bytes = 0;
  std::string sha256;
};

// Copies `from`, from its start, to position `at` of `to`. Holes stay holes: `to` must have no data
// from `at` on. RESOURCE_EXHAUSTED, before anything is read, when the file is larger than `limit`;
// an error when it is of another size in the end. Nothing but content is copied.
absl::StatusOr<Content> CopyContent(int from, absl::string_view name, uint64_t limit, int to,
                                    uint64_t at = 0);
// The same without a copy.
absl::StatusOr<Content> HashContent(int from, absl::string_view name, uint64_t limit);

// pwrite(2) of all of it; `name` is for errors.
absl::Status WriteContent(int to, absl::string_view name, absl::string_view bytes, uint64_t at);

// An empty file in memory with a descriptor above 15; `name` is for people.
absl::StatusOr<UniqueFd> MakeMemoryFile(const char* name);
// Nobody changes it any more, through whatever descriptor.
absl::Status SealMemoryFile(int fd);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_CONTENT_H_
