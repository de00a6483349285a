// SPDX-License-Identifier: Apache-2.0
// AppArmor's policy as the kernel shows it in securityfs, and loading into it. Nothing is known
// here of plans; layers/apparmor.h decides what is loaded.
#ifndef CORDON_SANDBOX_OS_APPARMOR_H_
#define CORDON_SANDBOX_OS_APPARMOR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/apparmor_label.h"

namespace cordon {

inline constexpr char kAppArmorParserProgram[] = "/sbin/apparmor_parser";
inline constexpr char kAppArmorPolicy[] = "/sys/kernel/security/apparmor/policy";
// Takes the name of a profile, which is then gone.
inline constexpr char kAppArmorRemove[] = "/sys/kernel/security/apparmor/.remove";
// What cordon-setup has done to this host, for everybody to read (tools/cordon_setup/state.h).
inline constexpr char kSetupRecord[] = "/var/lib/cordon/setup.state";

struct LoadedProfile {
  bool found = false;
  std::string mode;  // "enforce"
  // Of the bytes that were loaded, as the kernel counts it: 40 digits are SHA-1, 64 SHA-256. Empty
  // when this kernel keeps none.
  std::string hash;
};

// The profile of that name in a policy namespace ("": the root's). A name of profiles that Cordon
// makes (CheckAppArmorProfileName): no other is found. Not found is no error.
absl::StatusOr<LoadedProfile> FindAppArmorProfile(absl::string_view policy_namespace,
                                                  absl::string_view name);
// The same, in a folder of profiles.
absl::StatusOr<LoadedProfile> FindAppArmorProfileBelow(const std::string& folder,
                                                       absl::string_view name);

// True when the bytes have the hash, in the kernel's kind of hash.
bool HasKernelHash(absl::string_view binary, absl::string_view hash);

// What apparmor_parser makes of the text: the bytes that the kernel takes. Needs no privilege.
absl::StatusOr<std::string> CompileAppArmorText(absl::string_view text);

// Gives the kernel the bytes. "" needs root; another namespace, which root has made, needs an
// unconfined caller who may make user namespaces: a short-lived child enters both.
absl::Status LoadAppArmorProfile(absl::string_view policy_namespace, absl::string_view binary);

// Takes a profile away. What runs in it would be unconfined from then on: only for one that nobody
// uses.
absl::Status RemoveAppArmorProfile(absl::string_view policy_namespace, absl::string_view name);

// The label of this process.
absl::StatusOr<AppArmorLabel> OwnAppArmorLabel();

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_APPARMOR_H_
