// SPDX-License-Identifier: Apache-2.0
// Files for a job: their contents are gathered in one sealed file in memory before anything is
// cloned, written by the sandbox's own init as the job's user once it is in the job's group (they
// are charged to the job), and read back at the gate.
#ifndef CORDON_SANDBOX_FILES_COPY_IN_H_
#define CORDON_SANDBOX_FILES_COPY_IN_H_

#include <google/protobuf/repeated_field.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/files.pb.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/files/places.h"
#include "sandbox/files/store.h"
#include "sandbox/launch/sources.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/program/program.h"

namespace cordon {

class CopyInFiles {
 public:
  struct File {
    std::string target;  // canonical
    std::string field;   // "copy_in[3]"
    uint64_t at = 0;     // in the file in memory
    uint64_t bytes = 0;
    uint32_t mode = 0;
    std::string sha256;  // of the content; empty for a link
    std::string link;
  };

  CopyInFiles() = default;
  // Reads the sources. `entries` are valid and their `file` paths absolute; `store` may be null.
  // Errors name the entry: a source that is missing, that is no regular file, that a link of
  // somebody else than root leads to, that changed meanwhile, or contents for which the tmpfs of
  // their target has no room.
  static absl::StatusOr<CopyInFiles> Gather(
      const google::protobuf::RepeatedPtrField<v1::CopyIn>& entries, const v1::Plan& plan,
      const FileStore* store);

  bool empty() const { return files_.empty(); }
  const std::vector<File>& files() const { return files_; }
  int contents() const { return contents_.get(); }  // the sealed file; -1 when there is none
  // Its memory is the caller's; once they are in the sandbox they are not needed twice.
  void DropContents() { contents_.Reset(); }

 private:
  std::vector<File> files_;
  UniqueFd contents_;
};

// The operations that write them; nothing when there are none.
void LowerCopyIn(const CopyInFiles& files, SetupBuilder* builder);

// What is in the sandbox's places is what was gathered: kind, size, content, mode, owner.
absl::Status VerifyCopyIn(const CopyInFiles& files, const WritablePlaces& places,
                          const HostIds& owner);

}  // namespace cordon

#endif  // CORDON_SANDBOX_FILES_COPY_IN_H_
