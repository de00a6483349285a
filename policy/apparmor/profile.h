// SPDX-License-Identifier: Apache-2.0
// v1::Plan -> the text of an AppArmor profile, for apparmor_parser. Entry point:
// CompileAppArmorProfile. Pure and deterministic: the same plan gives the same bytes.
//
// The profile is for the job alone, entered at its exec, behind pivot_root: paths are those inside.
// AppArmor refuses what no rule names, so the profile says only what the plan allows:
//   files      AppArmorFileRules (file_rules.h), with what landlock.file withholds withheld
//   network    families that the filter lets through: with a network of its own unix only, with
//              loopback also inet, inet6 and netlink, with the host's network (OFF) all of them;
//              raw internet sockets only where capabilities are kept
//   signals    among the job's own processes, and from the launcher, which could not end it else
//   ptrace     among its own processes, when the filter lets a call through that needs it
//   capability none; all, when the policy keeps those of its user namespace (OFF)
// and nothing of mount, umount, pivot_root, change_profile, dbus and rlimit.
#ifndef CORDON_POLICY_APPARMOR_PROFILE_H_
#define CORDON_POLICY_APPARMOR_PROFILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// The language and the kernel's features that the text is written for.
enum class AppArmorAbi {
  k3_0,  // apparmor_parser 3.0 and newer (Debian 12)
  k4_0,  // 4.0 and newer: also denies user namespaces, and names message queues
};

// A profile's name for a policy's: "cordon-judge-cpp" for "judge/cpp". What a name cannot hold
// becomes "_", so two policies may share one; layers/apparmor.cc keeps them apart by a hash.
std::string AppArmorProfileName(absl::string_view policy_name);

// 1 to 128 of [A-Za-z0-9._-], beginning with a letter: such a name can neither be taken for a path
// to attach to nor end a line. INVALID_ARGUMENT for any other.
absl::Status CheckAppArmorProfileName(absl::string_view name);

// INVALID_ARGUMENT for a name that is none, and with the fields of what AppArmor cannot express.
absl::StatusOr<std::string> CompileAppArmorProfile(const v1::Plan& plan, absl::string_view name,
                                                   AppArmorAbi abi);

}  // namespace cordon

#endif  // CORDON_POLICY_APPARMOR_PROFILE_H_
