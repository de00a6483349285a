// SPDX-License-Identifier: Apache-2.0
// Lookups in libseccomp's tables, and the table of younger calls.
#include "policy/bpf/syscall_table.h"

#include <seccomp.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/bpf/suggest.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

struct YoungCall {
  absl::string_view name;
  uint32_t number;
  bool x86_64_only;
};

// Calls that libseccomp 2.5.4 (kernel 5.16) does not know. The generic table gives one number to
// all architectures; those with `x86_64_only` exist nowhere else.
constexpr YoungCall kYoungCalls[] = {
    {"uretprobe", 335, true},          {"set_mempolicy_home_node", 450, false},
    {"cachestat", 451, false},         {"fchmodat2", 452, false},
    {"map_shadow_stack", 453, false},  {"futex_wake", 454, false},
    {"futex_wait", 455, false},        {"futex_requeue", 456, false},
    {"statmount", 457, false},         {"listmount", 458, false},
    {"lsm_get_self_attr", 459, false}, {"lsm_set_self_attr", 460, false},
    {"lsm_list_modules", 461, false},  {"mseal", 462, false},
    {"setxattrat", 463, false},        {"getxattrat", 464, false},
    {"listxattrat", 465, false},       {"removexattrat", 466, false},
    {"open_tree_attr", 467, false},    {"file_getattr", 468, false},
    {"file_setattr", 469, false},
};

// No architecture has numbers above this; a sweep up to here sees every name.
constexpr uint32_t kLastNumber = 600;

uint32_t LibseccompToken(Architecture architecture) {
  return architecture == Architecture::kX86_64 ? SCMP_ARCH_X86_64 : SCMP_ARCH_AARCH64;
}

bool HasYoung(const YoungCall& call, Architecture architecture) {
  return architecture == Architecture::kX86_64 || !call.x86_64_only;
}

}  // namespace

absl::StatusOr<Architecture> ParseArchitecture(absl::string_view name) {
  if (name == "x86_64") return Architecture::kX86_64;
  if (name == "aarch64") return Architecture::kAarch64;
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("no system call filter for architecture \"", name, "\""))
      .Hint("supported: x86_64, aarch64");
}

absl::string_view ArchitectureName(Architecture architecture) {
  return architecture == Architecture::kX86_64 ? "x86_64" : "aarch64";
}

uint32_t AuditArchitecture(Architecture architecture) {
  return architecture == Architecture::kX86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

Architecture NativeArchitecture() {
#if defined(__x86_64__)
  return Architecture::kX86_64;
#elif defined(__aarch64__)
  return Architecture::kAarch64;
#else
#error "Cordon has no system call table for this architecture"
#endif
}

absl::StatusOr<absl::optional<uint32_t>> FindSyscall(absl::string_view name,
                                                     Architecture architecture) {
  const std::string text(name);
  const int number = seccomp_syscall_resolve_name_arch(LibseccompToken(architecture), text.c_str());
  if (number >= 0) return absl::optional<uint32_t>(static_cast<uint32_t>(number));
  for (const YoungCall& call : kYoungCalls) {
    if (call.name != name) continue;
    if (!HasYoung(call, architecture)) return absl::optional<uint32_t>();
    return absl::optional<uint32_t>(call.number);
  }
  // A negative number other than the error stands for a call of some other architecture.
  if (number != __NR_SCMP_ERROR) return absl::optional<uint32_t>();
  const std::vector<std::string> names = SyscallNames(architecture);
  const std::vector<absl::string_view> candidates(names.begin(), names.end());
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(name), "\" is not a system call"))
      .Hint(DidYouMean(name, candidates));
}

std::string SyscallName(uint32_t number, Architecture architecture) {
  for (const YoungCall& call : kYoungCalls) {
    if (call.number == number && HasYoung(call, architecture)) return std::string(call.name);
  }
  if (number > kLastNumber) return "";
  char* name =
      seccomp_syscall_resolve_num_arch(LibseccompToken(architecture), static_cast<int>(number));
  if (name == nullptr) return "";
  std::string result(name);
  std::free(name);  // NOLINT(cppcoreguidelines-no-malloc): libseccomp hands over a C string
  return result;
}

std::vector<std::string> SyscallNames(Architecture architecture) {
  std::vector<std::string> names;
  for (uint32_t number = 0; number <= kLastNumber; ++number) {
    std::string name = SyscallName(number, architecture);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace cordon
