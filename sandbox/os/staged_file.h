// SPDX-License-Identifier: Apache-2.0
// A file that gets its name when it is whole, and not before: whoever looks sees nothing or all of
// it, whatever ends the writer.
#ifndef CORDON_SANDBOX_OS_STAGED_FILE_H_
#define CORDON_SANDBOX_OS_STAGED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class StagedFile {
 public:
  // In the folder `dir_fd`, which must stay open. Without a name where the file system can
  // (O_TMPFILE); otherwise ".cordon-" and random digits, which only a killed writer leaves behind,
  // and RemoveLeftStages takes away: so it is locked (flock) as long as its writer lives. Its mode
  // is what the umask leaves of 0666.
  static absl::StatusOr<StagedFile> Make(int dir_fd);
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  // Without a Publish there was nothing.
  ~StagedFile();

  // Whether a name is one of those.
  static bool IsPassing(absl::string_view name);

  int fd() const { return fd_.get(); }

  // Gives it `name`. What has that name is replaced as one step; a link there is replaced itself.
  absl::Status Replace(const std::string& name);
  // Gives it `name` unless something has that name: false then.
  absl::StatusOr<bool> Add(const std::string& name);
  // Permissions; and content on the disk before the name is.
  absl::Status Settle(unsigned mode);

 private:
  StagedFile(int dir_fd, UniqueFd fd, std::string name)
      : dir_fd_(dir_fd), fd_(std::move(fd)), name_(std::move(name)) {}
  absl::Status Name(const std::string& name) const;
  static absl::StatusOr<StagedFile> MakeNamed(int dir_fd);

  int dir_fd_;
  UniqueFd fd_;
  std::string name_;  // the passing name; empty: none
};

// Removes what killed writers of this user have left in a folder, as far as it is among the first
// `most` names: a regular file of that kind of name and our uid, with one name, that nobody has
// locked. What a job makes look like one is a file that it could remove itself. Errors leave things
// as they are; the next one will try again.
void RemoveLeftStages(int dir_fd, size_t most = SIZE_MAX);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_STAGED_FILE_H_
