// SPDX-License-Identifier: Apache-2.0
// Which profiles this user's Cordon has loaded since the last boot, with the kernel's hash of each:
// a file per profile in a folder that only this user can write and that a reboot, which unloads
// the profiles, empties too. A job holds a lock on the file of its profile, so that a profile that
// nobody uses can be told from one that would leave a running job unconfined when it went.
#ifndef CORDON_SANDBOX_LAYERS_APPARMOR_MEMORY_H_
#define CORDON_SANDBOX_LAYERS_APPARMOR_MEMORY_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class AppArmorMemory {
 public:
  // Below /run for root, /run/user/UID for others. Where there is no such folder nothing is
  // remembered and nothing is ever unloaded.
  static AppArmorMemory Open();
  // In a folder of the test's own.
  static AppArmorMemory OpenIn(const std::string& parent);

  bool valid() const { return folder_.valid(); }

  // The lock of a job on its profile, held as long as the descriptor is open. Not valid where there
  // is no memory. UNAVAILABLE when somebody keeps it.
  absl::StatusOr<UniqueFd> Use(absl::string_view policy_namespace, absl::string_view name) const;
  // The hash of a profile in use; empty when it is unknown.
  static std::string HashOf(const UniqueFd& use);
  static void SetHash(const UniqueFd& use, absl::string_view hash);

  // Unloads profiles that no job uses and that were last asked for longer than `age_ns` ago, when
  // there are more than `most`. Errors leave them loaded.
  void Sweep(size_t most, uint64_t age_ns) const;

 private:
  explicit AppArmorMemory(UniqueFd folder) : folder_(std::move(folder)) {}
  UniqueFd folder_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_APPARMOR_MEMORY_H_
