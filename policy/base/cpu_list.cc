// SPDX-License-Identifier: Apache-2.0
// CPU lists through a bit set: overlaps and order vanish by themselves.
#include "policy/base/cpu_list.h"

#include <bitset>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr size_t kCpus = 8192;

absl::Status BadList(absl::string_view part) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", EscapeForPeople(part.substr(0, 40)),
      "\" is no CPU number from 0 to 8191 and no range; write a list such as \"0-1,3\""));
}

// Digits only, without leading zeros.
bool ReadCpu(absl::string_view text, size_t* cpu) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return absl::SimpleAtoi(text, cpu) && *cpu < kCpus;
}

absl::StatusOr<std::bitset<kCpus>> Read(absl::string_view text) {
  std::bitset<kCpus> cpus;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const size_t dash = part.find('-');
    size_t first = 0;
    if (!ReadCpu(part.substr(0, dash), &first)) return BadList(part);
    size_t last = first;
    if (dash != absl::string_view::npos && !ReadCpu(part.substr(dash + 1), &last)) {
      return BadList(part);
    }
    if (last < first) return BadList(part);
    for (size_t cpu = first; cpu <= last; ++cpu) cpus.set(cpu);
  }
  return cpus;
}

std::string Print(const std::bitset<kCpus>& cpus) {
  std::vector<std::string> parts;
  for (size_t first = 0; first < kCpus; ++first) {
    if (!cpus[first]) continue;
    size_t last = first;
    while (last + 1 < kCpus && cpus[last + 1]) ++last;
    parts.push_back(first == last ? absl::StrCat(first) : absl::StrCat(first, "-", last));
    first = last;
  }
  return absl::StrJoin(parts, ",");
}

}  // namespace

absl::StatusOr<std::string> CanonicalCpuList(absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(const std::bitset<kCpus> cpus, Read(text));
  return Print(cpus);
}

bool CpusWithin(absl::string_view list, absl::string_view all) {
  if (all.empty()) return true;
  if (list.empty()) return false;
  const absl::StatusOr<std::bitset<kCpus>> some = Read(list);
  const absl::StatusOr<std::bitset<kCpus>> bound = Read(all);
  return some.ok() && bound.ok() && (*some & ~*bound).none();
}

}  // namespace cordon
