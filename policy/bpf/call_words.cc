// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/call_words.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/bpf/constants.h"

namespace cordon {
namespace {

constexpr size_t kMostArguments = 6;

// Where a value has a name of its own: an argument, and how the names begin that are meant there.
struct NamedPlace {
  absl::string_view calls;
  uint32_t argument;
  absl::string_view prefixes;
  bool flags = false;  // several names, joined
};
constexpr NamedPlace kPlaces[] = {
    {"socket socketpair", 0, "AF_"},
    {"prctl", 0, "PR_"},
    {"arch_prctl", 0, "ARCH_"},
    {"fcntl", 1, "F_"},
    {"ioctl", 1, "TC TIOC FIO FS_IOC_ FICLONE"},
    {"madvise", 2, "MADV_"},
    {"kill tkill rt_sigqueueinfo", 1, "SIG"},
    {"tgkill rt_tgsigqueueinfo", 2, "SIG"},
    {"prlimit64", 1, "RLIMIT_"},
    {"getrlimit setrlimit", 0, "RLIMIT_"},
    {"clock_gettime clock_settime clock_getres clock_nanosleep clock_adjtime timer_create", 0,
     "CLOCK_"},
    {"sched_setscheduler", 1, "SCHED_"},
    {"seccomp", 0, "SECCOMP_"},
    {"unshare", 0, "CLONE_", true},
    {"setns", 1, "CLONE_NEW", true},
};

bool ListHas(absl::string_view list, absl::string_view word) {
  for (const absl::string_view each : absl::StrSplit(list, ' ')) {
    if (each == word) return true;
  }
  return false;
}

bool BeginsLikeOne(absl::string_view name, absl::string_view prefixes) {
  for (const absl::string_view each : absl::StrSplit(prefixes, ' ')) {
    if (absl::StartsWith(name, each)) return true;
  }
  return false;
}

std::string NameOfValue(absl::string_view prefixes, uint64_t value) {
  for (const NamedConstant& constant : NamedConstants()) {
    if (constant.value == value && BeginsLikeOne(constant.name, prefixes)) {
      return std::string(constant.name);
    }
  }
  return "";
}

std::string NamesOfFlags(absl::string_view prefixes, uint64_t value) {
  std::vector<std::string> names;
  for (const NamedConstant& constant : NamedConstants()) {
    const uint64_t bit = constant.value;
    if (bit == 0 || (value & bit) != bit || !BeginsLikeOne(constant.name, prefixes)) continue;
    names.emplace_back(constant.name);
    value &= ~bit;
  }
  if (value != 0 && !names.empty()) names.push_back(absl::StrCat("0x", absl::Hex(value)));
  return absl::StrJoin(names, "|");
}

}  // namespace

std::vector<ArgumentType> ArgumentsOf(absl::string_view call, Architecture architecture) {
  std::vector<ArgumentType> types;
  while (types.size() < kMostArguments) {
    const absl::StatusOr<ArgumentType> type =
        FindArgument(call, static_cast<uint32_t>(types.size()), architecture);
    if (!type.ok()) break;
    types.push_back(*type);
  }
  return types;
}

uint64_t BitsRead(const ArgumentType& type, uint64_t value) {
  return type.bits >= 64 ? value : value & ((uint64_t{1} << type.bits) - 1);
}

std::string ArgumentText(const ArgumentType& type, uint64_t value) {
  const uint64_t read = BitsRead(type, value);
  if (!type.is_signed) return absl::StrCat("0x", absl::Hex(read));
  if (type.bits >= 64) return absl::StrCat(static_cast<int64_t>(read));
  const uint64_t sign = uint64_t{1} << (type.bits - 1);
  return absl::StrCat(static_cast<int64_t>((read ^ sign) - sign));
}

std::string ConstantName(absl::string_view call, uint32_t argument, uint64_t value) {
  for (const NamedPlace& place : kPlaces) {
    if (place.argument != argument || !ListHas(place.calls, call)) continue;
    return place.flags ? NamesOfFlags(place.prefixes, value) : NameOfValue(place.prefixes, value);
  }
  return "";
}

std::string CallInWords(uint32_t number, const std::array<uint64_t, 6>& args,
                        Architecture architecture) {
  const std::string call = SyscallName(number, architecture);
  std::vector<std::string> words;
  for (const ArgumentType& type : ArgumentsOf(call, architecture)) {
    const size_t at = words.size();
    const std::string name =
        ConstantName(call, static_cast<uint32_t>(at), BitsRead(type, args[at]));
    words.push_back(absl::StrCat(name, name.empty() ? "" : "=", ArgumentText(type, args[at])));
  }
  return absl::StrCat(call.empty() ? absl::StrCat("call ", number) : call, "(",
                      absl::StrJoin(words, ", "), ")");
}

}  // namespace cordon
