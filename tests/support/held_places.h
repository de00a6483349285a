// SPDX-License-Identifier: Apache-2.0
// Folders of the test as the writable places of a sandbox that is no more.
#ifndef CORDON_TESTS_SUPPORT_HELD_PLACES_H_
#define CORDON_TESTS_SUPPORT_HELD_PLACES_H_

#include <fcntl.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/base/status.h"
#include "sandbox/files/places.h"
#include "sandbox/os/file.h"

namespace cordon {

// The plan and the read-back of this process as if it stood at the gate.
struct PlacesOfTest {
  v1::MountPlan plan;
  ReadBack back;

  absl::Status Add(const std::string& path, bool read_only = false) {
    v1::MountEntry* entry = plan.add_entry();
    entry->set_kind(v1::MountEntry::TMPFS);
    entry->set_target(path);
    entry->set_size_bytes(uint64_t{1} << 20);
    entry->set_read_only(read_only);
    CORDON_ASSIGN_OR_RETURN(back.proc, OpenAt(kCwd, "/proc/self", O_PATH | O_DIRECTORY));
    CORDON_ASSIGN_OR_RETURN(back.places[path], StatPath(path));
    return absl::OkStatus();
  }
  absl::StatusOr<WritablePlaces> Hold() const { return WritablePlaces::Hold(plan, back); }
};

inline absl::StatusOr<WritablePlaces> HoldFolder(const std::string& path) {
  PlacesOfTest places;
  CORDON_RETURN_IF_ERROR(places.Add(path));
  return places.Hold();
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_HELD_PLACES_H_
