// SPDX-License-Identifier: Apache-2.0
// A content-addressed store: a folder of the caller's with one file per content, named by its
// SHA-256, written as a whole, never changed, compared with its name whenever it is used.
#ifndef CORDON_SANDBOX_FILES_STORE_H_
#define CORDON_SANDBOX_FILES_STORE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/content.h"
#include "sandbox/os/staged_file.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class FileStore {
 public:
  // `path` is absolute; the folder is made (0700) if there is none. Errors: a link of somebody else
  // than root leads there, it is another user's, or others may write to it. What a killed
  // supervisor has left half-written in it is removed.
  static absl::StatusOr<FileStore> Open(const std::string& path);

  const std::string& path() const { return path_; }

  // A file for a content that is not known yet.
  absl::StatusOr<StagedFile> Stage() const { return StagedFile::Make(folder_.get()); }
  // It becomes the object of its content, read-only and executable for all (a bind decides what may
  // be executed inside) and on the disk. When the object is there already it is compared, and
  // stays.
  absl::Status Add(StagedFile file, const Content& content) const;

  // For reading. NOT_FOUND, or DATA_LOSS when the object is not what its name says.
  absl::StatusOr<UniqueFd> Get(const std::string& sha256, uint64_t* bytes) const;
  // Whether there is an object of that name and size, without reading it.
  bool Has(const std::string& sha256, uint64_t bytes) const;
  // Host path of an object.
  std::string PathOf(const std::string& sha256) const { return path_ + "/" + sha256; }

 private:
  std::string path_;
  UniqueFd folder_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_FILES_STORE_H_
