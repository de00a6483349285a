// SPDX-License-Identifier: Apache-2.0
// Sizes and durations in exact integer arithmetic: digits are counted before they are gathered,
// and products are checked before they are formed, so that nothing wraps.
#include "policy/base/units.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr uint64_t kLargestValue = INT64_MAX;  // what the kernel's loff_t and time64_t hold
constexpr size_t kMostWholeDigits = 19;
constexpr size_t kMostFractionDigits = 9;

struct Unit {
  absl::string_view name;
  uint64_t factor;
};

constexpr uint64_t kKibi = 1024;

// Ascending, so that printing can look for the largest exact one from the back.
constexpr Unit kBinaryUnits[] = {
    {"B", 1},
    {"KiB", kKibi},
    {"MiB", kKibi* kKibi},
    {"GiB", kKibi* kKibi* kKibi},
    {"TiB", kKibi* kKibi* kKibi* kKibi},
    {"PiB", kKibi* kKibi* kKibi* kKibi* kKibi},
};
constexpr Unit kSizeUnits[] = {
    {"B", 1},
    {"KiB", kKibi},
    {"MiB", kKibi* kKibi},
    {"GiB", kKibi* kKibi* kKibi},
    {"TiB", kKibi* kKibi* kKibi* kKibi},
    {"PiB", kKibi* kKibi* kKibi* kKibi* kKibi},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000ULL * 1000},
    {"GB", 1000ULL * 1000 * 1000},
    {"TB", 1000ULL * 1000 * 1000 * 1000},
};
constexpr Unit kDurationUnits[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000ULL * 1000},
    {"s", 1000ULL * 1000 * 1000},
    {"m", 60ULL * 1000 * 1000 * 1000},
    {"h", 3600ULL * 1000 * 1000 * 1000},
};

constexpr absl::string_view kSizeHelp =
    "a number and one of B KiB MiB GiB TiB PiB kB MB GB TB, such as \"256MiB\"";
constexpr absl::string_view kDurationHelp = "a number and one of ns us ms s m h, such as \"1.5s\"";

std::string Quote(absl::string_view text) {
  return absl::StrCat("\"", EscapeForPeople(text.substr(0, 40)), text.size() > 40 ? "..." : "",
                      "\"");
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A decimal number at the front of a text: value = digits / 10^fraction_digits.
struct Decimal {
  absl::uint128 digits = 0;
  uint64_t scale = 1;
  absl::string_view rest;
};

// What is wrong with the number, or "" when it was read.
std::string ReadDecimal(absl::string_view text, Decimal* out) {
  size_t whole = 0;
  while (whole < text.size() && IsDigit(text[whole])) ++whole;
  if (whole == 0) return "does not begin with a digit";
  if (whole > 1 && text[0] == '0') return "has a leading zero";
  if (whole > kMostWholeDigits) return "is too large";
  for (const char digit : text.substr(0, whole)) {
    out->digits = out->digits * 10 + static_cast<unsigned>(digit - '0');
  }
  out->rest = text.substr(whole);
  if (out->rest.empty() || out->rest[0] != '.') return "";
  size_t fraction = 0;
  while (fraction + 1 < out->rest.size() && IsDigit(out->rest[fraction + 1])) {
    if (++fraction > kMostFractionDigits) return "has more than 9 digits after the point";
    out->digits = out->digits * 10 + static_cast<unsigned>(out->rest[fraction] - '0');
    out->scale *= 10;
  }
  if (fraction == 0) return "has no digit after the point";
  out->rest = out->rest.substr(fraction + 1);
  return "";
}

absl::Status Malformed(absl::string_view text, absl::string_view why, absl::string_view help) {
  return absl::InvalidArgumentError(absl::StrCat(Quote(text), " ", why, "; write ", help));
}

absl::StatusOr<uint64_t> Scale(absl::string_view text, const Decimal& number, uint64_t factor,
                               absl::string_view smallest_unit, absl::string_view help) {
  if (number.digits > absl::Uint128Max() / factor) return Malformed(text, "is too large", help);
  const absl::uint128 product = number.digits * factor;
  if (product % number.scale != 0) {
    return Malformed(text, absl::StrCat("is not a whole number of ", smallest_unit), help);
  }
  const absl::uint128 value = product / number.scale;
  if (value > kLargestValue) return Malformed(text, "is too large", help);
  return static_cast<uint64_t>(value);
}

absl::StatusOr<uint64_t> ParseWithUnits(absl::string_view text, absl::Span<const Unit> units,
                                        absl::string_view smallest_unit, absl::string_view help) {
  if (text == "0") return 0;
  if (text == "unlimited") return Malformed(text, "is not allowed here", help);
  Decimal number;
  const std::string wrong = ReadDecimal(text, &number);
  if (!wrong.empty()) return Malformed(text, wrong, help);
  if (number.rest.empty()) return Malformed(text, "has no unit", help);
  for (const Unit& unit : units) {
    if (number.rest == unit.name) return Scale(text, number, unit.factor, smallest_unit, help);
  }
  return Malformed(text, absl::StrCat("has the unknown unit ", Quote(number.rest)), help);
}

std::string FormatWithUnits(uint64_t value, absl::Span<const Unit> ascending) {
  if (value == 0) return "0";
  if (value == kUnlimited) return "unlimited";
  for (size_t i = ascending.size(); i-- > 0;) {
    if (value % ascending[i].factor == 0) {
      return absl::StrCat(value / ascending[i].factor, ascending[i].name);
    }
  }
  return absl::StrCat(value, ascending[0].name);
}

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  return ParseWithUnits(text, kSizeUnits, "bytes", kSizeHelp);
}

absl::StatusOr<uint64_t> ParseDuration(absl::string_view text) {
  return ParseWithUnits(text, kDurationUnits, "nanoseconds", kDurationHelp);
}

absl::StatusOr<uint64_t> ParseSizeOrUnlimited(absl::string_view text) {
  if (text == "unlimited") return kUnlimited;
  return ParseSize(text);
}

absl::StatusOr<uint64_t> ParseDurationOrUnlimited(absl::string_view text) {
  if (text == "unlimited") return kUnlimited;
  return ParseDuration(text);
}

absl::StatusOr<uint64_t> ParseMilli(absl::string_view text) {
  constexpr absl::string_view kHelp = "a decimal number such as \"0.5\" or \"2\"";
  Decimal number;
  const std::string wrong = ReadDecimal(text, &number);
  if (!wrong.empty()) return Malformed(text, wrong, kHelp);
  if (!number.rest.empty()) return Malformed(text, "is followed by other characters", kHelp);
  if (number.scale > 1000) return Malformed(text, "has more than 3 digits after the point", kHelp);
  return Scale(text, number, 1000, "thousandths", kHelp);
}

std::string FormatSize(uint64_t bytes) { return FormatWithUnits(bytes, kBinaryUnits); }

std::string FormatDuration(uint64_t nanoseconds) {
  return FormatWithUnits(nanoseconds, kDurationUnits);
}

std::string FormatMilli(uint64_t thousandths) {
  std::string out = absl::StrCat(thousandths / 1000);
  uint64_t rest = thousandths % 1000;
  if (rest == 0) return out;
  out += '.';
  for (uint64_t place = 100; rest != 0; place /= 10) {
    out += static_cast<char>('0' + rest / place);
    rest %= place;
  }
  return out;
}

}  // namespace cordon
