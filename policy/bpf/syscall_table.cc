// SPDX-License-Identifier: Apache-2.0
// Lookups in the generated table.
#include "policy/bpf/syscall_table.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/bpf/suggest.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

constexpr int32_t kNone = -1;

struct Row {
  absl::string_view name;
  int32_t x86_64;
  int32_t aarch64;
  absl::string_view arguments;  // a letter each, see kLetters

  constexpr int32_t Number(Architecture architecture) const {
    return architecture == Architecture::kX86_64 ? x86_64 : aarch64;
  }
};

#include "policy/bpf/syscall_table.inc"

struct Letter {
  char letter;
  ArgumentType type;
};

constexpr Letter kLetters[] = {
    {'i', {ArgumentType::Kind::kInteger, 32, true}},
    {'u', {ArgumentType::Kind::kInteger, 32, false}},
    {'h', {ArgumentType::Kind::kInteger, 16, false}},
    {'l', {ArgumentType::Kind::kInteger, 64, true}},
    {'L', {ArgumentType::Kind::kInteger, 64, false}},
    {'p', {ArgumentType::Kind::kPointer, 64, false}},
    {'f', {ArgumentType::Kind::kDescriptor, 32, true}},
    {'F', {ArgumentType::Kind::kDescriptor, 32, false}},
};

constexpr const Letter* FindLetter(char letter) {
  for (const Letter& each : kLetters) {
    if (each.letter == letter) return &each;
  }
  return nullptr;
}

// What the lookups rely on: names rise, and every letter has a type.
constexpr bool IsSound() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (i > 0 && kRows[i].name < kRows[i - 1].name) return false;
    if (kRows[i].arguments.size() > 6) return false;
    for (char letter : kRows[i].arguments) {
      if (FindLetter(letter) == nullptr) return false;
    }
  }
  return true;
}
static_assert(IsSound(), "tools/gen/syscalls.py makes the table");

constexpr uint32_t Above(Architecture architecture) {
  int32_t highest = 0;
  for (const Row& row : kRows) highest = std::max(highest, row.Number(architecture));
  return static_cast<uint32_t>(highest) + 1;
}

// The rows of a name: none, one, or one per architecture.
std::pair<const Row*, const Row*> RowsOf(absl::string_view name) {
  const Row* first =
      std::lower_bound(std::begin(kRows), std::end(kRows), name,
                       [](const Row& row, absl::string_view wanted) { return row.name < wanted; });
  const Row* last = first;
  while (last != std::end(kRows) && last->name == name) ++last;
  return {first, last};
}

// nullptr when the architecture has no such call.
absl::StatusOr<const Row*> FindRow(absl::string_view name, Architecture architecture) {
  const auto [first, last] = RowsOf(name);
  if (first == last) {
    std::vector<absl::string_view> candidates;
    for (const Row& row : kRows) candidates.push_back(row.name);
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("\"", EscapeForPeople(name), "\" is not a system call"))
        .Hint(DidYouMean(name, candidates));
  }
  const Row* row = std::find_if(
      first, last, [&](const Row& each) { return each.Number(architecture) != kNone; });
  return row == last ? nullptr : row;
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

absl::string_view TableKernel() { return kTableKernel; }

uint32_t FirstUnknownNumber(Architecture architecture) {
  static constexpr std::array<uint32_t, 2> kFirst = {Above(Architecture::kX86_64),
                                                     Above(Architecture::kAarch64)};
  return kFirst[architecture == Architecture::kX86_64 ? 0 : 1];
}

absl::StatusOr<absl::optional<uint32_t>> FindSyscall(absl::string_view name,
                                                     Architecture architecture) {
  CORDON_ASSIGN_OR_RETURN(const Row* const row, FindRow(name, architecture));
  if (row == nullptr) return absl::optional<uint32_t>();
  return absl::optional<uint32_t>(static_cast<uint32_t>(row->Number(architecture)));
}

std::string SyscallName(uint32_t number, Architecture architecture) {
  if (number >= FirstUnknownNumber(architecture)) return "";
  for (const Row& row : kRows) {
    if (row.Number(architecture) == static_cast<int32_t>(number)) return std::string(row.name);
  }
  return "";
}

std::vector<std::string> SyscallNames(Architecture architecture) {
  std::vector<const Row*> rows;
  for (const Row& row : kRows) {
    if (row.Number(architecture) != kNone) rows.push_back(&row);
  }
  std::sort(rows.begin(), rows.end(), [&](const Row* a, const Row* b) {
    return a->Number(architecture) < b->Number(architecture);
  });
  std::vector<std::string> names;
  for (const Row* row : rows) names.emplace_back(row->name);
  return names;
}

absl::StatusOr<ArgumentType> FindArgument(absl::string_view call, uint32_t argument,
                                          Architecture architecture) {
  CORDON_ASSIGN_OR_RETURN(const Row* const row, FindRow(call, architecture));
  if (row == nullptr) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(ArchitectureName(architecture), " has no call ", call));
  }
  const size_t count = row->arguments.size();
  if (argument >= count) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(call, " has no argument ", argument))
        .Hint(count == 0 ? "it has none" : absl::StrCat("it has ", count, ", counted from 0"));
  }
  return FindLetter(row->arguments[argument])->type;
}

}  // namespace cordon
