// SPDX-License-Identifier: Apache-2.0
// The table of named constants and the parser of constant expressions. Values are the kernel's ABI
// and therefore never change; a test compares them with the system headers.
#include "policy/bpf/constants.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/bpf/suggest.h"

namespace cordon {
namespace {

constexpr NamedConstant kConstants[] = {
#include "policy/bpf/constants.inc"
};

// The magnitude of the lowest 64-bit number.
constexpr uint64_t kMostNegative = uint64_t{1} << 63;

using ConstantMap = absl::flat_hash_map<absl::string_view, uint64_t>;

const ConstantMap& ConstantsByName() {
  static const ConstantMap* const map = [] {
    auto* result = new ConstantMap;
    for (const NamedConstant& constant : kConstants) {
      result->emplace(constant.name, constant.value);
    }
    return result;
  }();
  return *map;
}

// No leading zeros: 0644 would be octal to some readers and decimal to others.
bool ParseDecimal(absl::string_view text, uint64_t* value) {
  if (text.size() > 1 && text.front() == '0') return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return absl::SimpleAtoi(text, value);
}

absl::StatusOr<uint64_t> ParsePart(absl::string_view part) {
  if (part.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "a value is empty")
        .Hint("write a number or the name of a kernel constant; \"|\" joins flags");
  }
  uint64_t value = 0;
  if (absl::ascii_isdigit(static_cast<unsigned char>(part.front()))) {
    const bool hex = part.size() > 2 && part[0] == '0' && (part[1] == 'x' || part[1] == 'X');
    if (hex ? absl::SimpleHexAtoi(part, &value) : ParseDecimal(part, &value)) return value;
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("\"", EscapeForPeople(part), "\" is not a 64-bit number"))
        .Hint("decimal digits without leading zeros, or 0x and hexadecimal digits");
  }
  if (part.front() == '-') {
    if (ParseDecimal(part.substr(1), &value) && value >= 1 && value <= kMostNegative)
      return 0 - value;
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("\"", EscapeForPeople(part), "\" is not a negative 64-bit number"))
        .Hint("a minus and decimal digits without leading zeros");
  }
  const auto found = ConstantsByName().find(part);
  if (found != ConstantsByName().end()) return found->second;
  std::vector<absl::string_view> names;
  for (const NamedConstant& constant : kConstants) names.push_back(constant.name);
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(part), "\" is not a known kernel constant"))
      .Hint(DidYouMean(part, names));
}

}  // namespace

absl::Span<const NamedConstant> NamedConstants() { return kConstants; }

absl::StatusOr<uint64_t> ParseConstant(absl::string_view text) {
  uint64_t value = 0;
  for (absl::string_view part : absl::StrSplit(text, '|')) {
    CORDON_ASSIGN_OR_RETURN(const uint64_t bits, ParsePart(absl::StripAsciiWhitespace(part)));
    value |= bits;
  }
  return value;
}

}  // namespace cordon
