// SPDX-License-Identifier: Apache-2.0
// The system calls: names, numbers per architecture and types of arguments. Entry points:
// FindSyscall, SyscallName, FindArgument. The table is pinned to one kernel's headers
// (TableKernel; tools/gen/syscalls.py makes it) and does not depend on the running kernel.
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

// The Linux version whose calls the table has, "7.3".
absl::string_view TableKernel();

// One above the highest number of the table: calls from here on are younger than it.
uint32_t FirstUnknownNumber(Architecture architecture);

// The number of a call; nullopt when only the other architecture has it (fork on aarch64). A name
// that neither has, those of 32-bit machines too (mmap2, socketcall), is INVALID_ARGUMENT with the
// nearest name as hint.
absl::StatusOr<absl::optional<uint32_t>> FindSyscall(absl::string_view name,
                                                     Architecture architecture);

// The name of a number, "" when it has none.
std::string SyscallName(uint32_t number, Architecture architecture);

// All names that FindSyscall gives a number for, sorted by number.
std::vector<std::string> SyscallNames(Architecture architecture);

// How the kernel reads an argument. A filter sees 64-bit registers, of which the kernel ignores the
// upper half for an int: comparing all 64 bits would let a job slip past a rule by setting a bit
// that nobody reads.
struct ArgumentType {
  enum class Kind {
    kInteger,
    kDescriptor,  // a file descriptor; a signed one may be AT_FDCWD
    kPointer,     // to memory of the job; addresses that mmap and its kin take are integers
  };
  Kind kind;
  uint32_t bits;  // that are read, from the lowest on: 16, 32 or 64
  bool is_signed;
};

// Where the reading depends on another argument (the last one of fcntl, ioctl and prctl) it is that
// of the prototype. INVALID_ARGUMENT when the architecture has no such call, or the call no such
// argument.
absl::StatusOr<ArgumentType> FindArgument(absl::string_view call, uint32_t argument,
                                          Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_SYSCALL_TABLE_H_
