// SPDX-License-Identifier: Apache-2.0
// Exact parsing and printing of sizes, durations and decimal numbers. No floating point: a value
// that is not a whole number of bytes or nanoseconds, or that overflows, is an error.
#ifndef CORDON_POLICY_BASE_UNITS_H_
#define CORDON_POLICY_BASE_UNITS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

inline constexpr uint64_t kUnlimited = UINT64_MAX;

// "64KiB", "1.5GiB", "512B", "10MB" (decimal units too). A unit is required, except for "0".
// "unlimited" is not accepted here. Result in bytes, at most 2^63-1.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);

// "1.5s", "20ms", "2m", "1h", "500us", "7ns". A unit is required, except for "0". Nanoseconds,
// at most 2^63-1.
absl::StatusOr<uint64_t> ParseDuration(absl::string_view text);

// As above; the word "unlimited" gives kUnlimited.
absl::StatusOr<uint64_t> ParseSizeOrUnlimited(absl::string_view text);
absl::StatusOr<uint64_t> ParseDurationOrUnlimited(absl::string_view text);

// "0.5" gives 500: thousandths, at most three digits after the point.
absl::StatusOr<uint64_t> ParseMilli(absl::string_view text);

// Canonical forms: parse back to the same value, in the largest unit that is exact
// ("256MiB", "1.5s" as "1500ms"); kUnlimited gives "unlimited".
std::string FormatSize(uint64_t bytes);
std::string FormatDuration(uint64_t nanoseconds);
// "0.5" for 500.
std::string FormatMilli(uint64_t thousandths);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_UNITS_H_
