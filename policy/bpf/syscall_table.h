// SPDX-License-Identifier: Apache-2.0
// Names and numbers of system calls per architecture. Entry points: FindSyscall, SyscallName.
// Numbers come from libseccomp's table plus a short one of our own for calls that are younger
// than it. Nothing here depends on the running kernel.
#ifndef CORDON_POLICY_BPF_SYSCALL_TABLE_H_
#define CORDON_POLICY_BPF_SYSCALL_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cordon {

enum class Architecture { kX86_64, kAarch64 };

// "x86_64" or "aarch64", as uname(2) names the machine.
absl::StatusOr<Architecture> ParseArchitecture(absl::string_view name);
absl::string_view ArchitectureName(Architecture architecture);

// The AUDIT_ARCH_ value that a filter sees.
uint32_t AuditArchitecture(Architecture architecture);

// The architecture this program was compiled for.
Architecture NativeArchitecture();

// The number of a call; nullopt when the name is known but the architecture has no such call
// (fork on aarch64). A name that no architecture knows is INVALID_ARGUMENT with the nearest name
// as hint.
absl::StatusOr<absl::optional<uint32_t>> FindSyscall(absl::string_view name,
                                                     Architecture architecture);

// The name of a number, "" when it has none.
std::string SyscallName(uint32_t number, Architecture architecture);

// All names that FindSyscall gives a number for, sorted by number.
std::vector<std::string> SyscallNames(Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_SYSCALL_TABLE_H_
