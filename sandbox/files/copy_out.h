// SPDX-License-Identifier: Apache-2.0
// What a job leaves behind, taken by the caller: regular files from its writable tmpfs mounts, when
// nothing of the job is alive. Every name and every kind of file is the job's choice; no link is
// followed, nothing but content is taken, each bound is said when it is met.
#ifndef CORDON_SANDBOX_FILES_COPY_OUT_H_
#define CORDON_SANDBOX_FILES_COPY_OUT_H_

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/job_files.h"
#include "policy/proto/files.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/files/places.h"
#include "sandbox/files/store.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class CopyOutFiles {
 public:
  struct Entry {
    std::string path;  // canonical, inside
    CopyOutLimits limits;
    bool optional = false;
    std::string artifact;
    std::string to;   // host path
    UniqueFd folder;  // that `name` is put into
    std::string name;
  };

  CopyOutFiles() = default;
  // Before the job begins: every folder that something is put into is there, is reached through
  // links of nobody but root, and can be written. `entries` are valid, their `to` absolute; `store`
  // may be null, and outlives this otherwise.
  static absl::StatusOr<CopyOutFiles> Open(
      const google::protobuf::RepeatedPtrField<v1::CopyOut>& entries, const FileStore* store);

  bool empty() const { return entries_.empty(); }

  // Takes what there is and writes into the report what was taken and what was not, and why. Files
  // get their names when they are whole: an error leaves nothing behind under a name.
  void Collect(const WritablePlaces& places, v1::Report* report) const;

 private:
  std::vector<Entry> entries_;
  const FileStore* store_ = nullptr;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_FILES_COPY_OUT_H_
