// SPDX-License-Identifier: Apache-2.0
// The writable tmpfs mounts of a sandbox, each held by a descriptor from before its job's first
// instruction: what the job leaves in them can be read when the job and its mounts are gone.
// Kernel: a descriptor keeps its mount, and so the file system, alive when the last process of the
// mount namespace has ended. What was mounted on top is gone then.
#ifndef CORDON_SANDBOX_FILES_PLACES_H_
#define CORDON_SANDBOX_FILES_PLACES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class WritablePlaces {
 public:
  WritablePlaces() = default;
  // While init stands at the gate. Each is the very mount that `back` has at its place, which
  // VerifyMount has compared with the plan; no right is needed beyond those of reading back.
  static absl::StatusOr<WritablePlaces> Hold(const v1::MountPlan& plan, const ReadBack& back);

  struct Found {
    int root = -1;      // O_PATH; stays this object's
    std::string below;  // relative path of it; "." for the place itself
  };
  // Where the canonical path `path` is. NOT_FOUND: in none of them.
  absl::StatusOr<Found> Find(const std::string& path) const;

 private:
  struct Place {
    std::string target;
    UniqueFd root;
  };
  std::vector<Place> places_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_FILES_PLACES_H_
