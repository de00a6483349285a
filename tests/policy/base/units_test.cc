// SPDX-License-Identifier: Apache-2.0
// Sizes and durations: exact, or refused with a reason. Edges of 64 bits above all.
#include "policy/base/units.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uint64_t kMebi = 1024 * 1024;

void ExpectSize(absl::string_view text, uint64_t bytes) {
  const absl::StatusOr<uint64_t> parsed = ParseSize(text);
  ASSERT_THAT(parsed, IsOk()) << text;
  EXPECT_EQ(*parsed, bytes) << text;
}

void ExpectDuration(absl::string_view text, uint64_t nanoseconds) {
  const absl::StatusOr<uint64_t> parsed = ParseDuration(text);
  ASSERT_THAT(parsed, IsOk()) << text;
  EXPECT_EQ(*parsed, nanoseconds) << text;
}

TEST(UnitsTest, ParsesSizes) {
  ExpectSize("0", 0);
  ExpectSize("0B", 0);
  ExpectSize("512B", 512);
  ExpectSize("64KiB", 65536);
  ExpectSize("256MiB", 256 * kMebi);
  ExpectSize("1GiB", 1024 * kMebi);
  ExpectSize("1.5GiB", 1536 * kMebi);
  ExpectSize("0.5KiB", 512);
  ExpectSize("1.000000000B", 1);
  ExpectSize("10MB", 10000000);
  ExpectSize("3kB", 3000);
  ExpectSize("3KB", 3000);
  ExpectSize("2TB", 2000000000000);
  ExpectSize("1PiB", uint64_t{1} << 50);
  ExpectSize("9223372036854775807B", INT64_MAX);
}

TEST(UnitsTest, RefusesSizesThatAreNotExactOrNotClear) {
  for (const absl::string_view bad : {"",
                                      " ",
                                      "B",
                                      "MiB",
                                      "256",
                                      "256M",
                                      "256 MiB",
                                      " 256MiB",
                                      "256MiB ",
                                      "256mib",
                                      "256Mib",
                                      "-1B",
                                      "+1B",
                                      "0x10B",
                                      "1e3B",
                                      "1.B",
                                      ".5KiB",
                                      "1.5B",
                                      "0.3KiB",
                                      "01B",
                                      "00",
                                      "1,5KiB",
                                      "1.5.5KiB",
                                      "inf",
                                      "NaN",
                                      "infB",
                                      "1e400",
                                      "unlimited",
                                      "max",
                                      "1MiB2MiB",
                                      "1.0000000000B",
                                      "\xD9\xA1"
                                      "B"}) {
    EXPECT_THAT(ParseSize(bad), StatusIs(absl::StatusCode::kInvalidArgument, "")) << bad;
  }
  EXPECT_FALSE(ParseSize(absl::string_view("1B\0", 3)).ok());
}

TEST(UnitsTest, RefusesSizesThatOverflow) {
  for (const absl::string_view bad :
       {"9223372036854775808B", "18446744073709551615B", "18446744073709551616B", "8192PiB",
        "9999999999999999999PiB", "9999999999999999999.999999999PiB", "10000000000000000000B",
        "99999999999999999999999999999999999999999999999999B", "17592186044416MiB"}) {
    EXPECT_THAT(ParseSize(bad), StatusIs(absl::StatusCode::kInvalidArgument, "is too large"))
        << bad;
  }
  ExpectSize("8191PiB", uint64_t{8191} << 50);
}

TEST(UnitsTest, ErrorsSayWhatIsAllowed) {
  EXPECT_EQ(ParseSize("256M").status().message(),
            "\"256M\" has the unknown unit \"M\"; write a number and one of B KiB MiB GiB TiB PiB "
            "kB MB GB TB, such as \"256MiB\"");
  EXPECT_THAT(ParseSize("256"), StatusIs(absl::StatusCode::kInvalidArgument, "has no unit"));
  EXPECT_THAT(ParseSize("0.3KiB"),
              StatusIs(absl::StatusCode::kInvalidArgument, "is not a whole number of bytes"));
  EXPECT_THAT(ParseDuration("1 s"),
              StatusIs(absl::StatusCode::kInvalidArgument, "one of ns us ms s m h"));
  EXPECT_THAT(ParseSize(std::string(5000, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument, "..."));
}

TEST(UnitsTest, ParsesDurations) {
  ExpectDuration("0", 0);
  ExpectDuration("7ns", 7);
  ExpectDuration("500us", 500000);
  ExpectDuration("20ms", 20000000);
  ExpectDuration("1.5s", 1500000000);
  ExpectDuration("0.000000001s", 1);
  ExpectDuration("2m", 120000000000);
  ExpectDuration("1h", 3600000000000);
  ExpectDuration("9223372036.854775807s", INT64_MAX);
}

TEST(UnitsTest, RefusesBadDurations) {
  for (const absl::string_view bad :
       {"", "1", "1sec", "1S", "-1s", "1d", "1.5ns", "0.0001us", "9223372036.854775808s",
        "9223372036854775808ns", "2562048h", "1e9ns", "NaN", "infs", "01s", "unlimited"}) {
    EXPECT_THAT(ParseDuration(bad), StatusIs(absl::StatusCode::kInvalidArgument, "")) << bad;
  }
}

TEST(UnitsTest, UnlimitedIsAWordAndNothingElse) {
  EXPECT_EQ(*ParseSizeOrUnlimited("unlimited"), kUnlimited);
  EXPECT_EQ(*ParseDurationOrUnlimited("unlimited"), kUnlimited);
  EXPECT_EQ(*ParseSizeOrUnlimited("1KiB"), 1024u);
  EXPECT_EQ(*ParseDurationOrUnlimited("1us"), 1000u);
  for (const absl::string_view bad : {"Unlimited", "UNLIMITED", "unlimited ", "-1", "infinity"}) {
    EXPECT_FALSE(ParseSizeOrUnlimited(bad).ok()) << bad;
    EXPECT_FALSE(ParseDurationOrUnlimited(bad).ok()) << bad;
  }
}

TEST(UnitsTest, ParsesThousandths) {
  EXPECT_EQ(*ParseMilli("0.5"), 500u);
  EXPECT_EQ(*ParseMilli("1"), 1000u);
  EXPECT_EQ(*ParseMilli("2.125"), 2125u);
  EXPECT_EQ(*ParseMilli("0"), 0u);
  for (const absl::string_view bad : {"", "1.", ".5", "0.0001", "1.0000", "-1", "1 ", "1e3", "1cpu",
                                      "9223372036854775.808", "99999999999999999999"}) {
    EXPECT_FALSE(ParseMilli(bad).ok()) << bad;
  }
}

TEST(UnitsTest, PrintsThousandthsWithoutTrailingZeros) {
  EXPECT_EQ(FormatMilli(0), "0");
  EXPECT_EQ(FormatMilli(1000), "1");
  EXPECT_EQ(FormatMilli(500), "0.5");
  EXPECT_EQ(FormatMilli(10), "0.01");
  EXPECT_EQ(FormatMilli(2125), "2.125");
  EXPECT_EQ(FormatMilli(1001), "1.001");
  for (uint64_t value = 0; value < 5000; ++value) EXPECT_EQ(*ParseMilli(FormatMilli(value)), value);
}

TEST(UnitsTest, PrintsInTheLargestExactUnit) {
  EXPECT_EQ(FormatSize(0), "0");
  EXPECT_EQ(FormatSize(1), "1B");
  EXPECT_EQ(FormatSize(1023), "1023B");
  EXPECT_EQ(FormatSize(1024), "1KiB");
  EXPECT_EQ(FormatSize(1536 * kMebi), "1536MiB");
  EXPECT_EQ(FormatSize(256 * kMebi), "256MiB");
  EXPECT_EQ(FormatSize(kUnlimited), "unlimited");
  EXPECT_EQ(FormatDuration(0), "0");
  EXPECT_EQ(FormatDuration(1500000000), "1500ms");
  EXPECT_EQ(FormatDuration(10000000000), "10s");
  EXPECT_EQ(FormatDuration(120000000000), "2m");
  EXPECT_EQ(FormatDuration(7), "7ns");
  EXPECT_EQ(FormatDuration(kUnlimited), "unlimited");
}

TEST(UnitsTest, PrintedValuesParseBackToTheSame) {
  uint64_t value = 1;
  for (int i = 0; i < 2000; ++i) {
    const uint64_t positive = value & INT64_MAX;
    EXPECT_EQ(*ParseSize(FormatSize(positive)), positive);
    EXPECT_EQ(*ParseDuration(FormatDuration(positive)), positive);
    value = value * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator
    if (i % 3 == 0) value &= ~uint64_t{0xFFFFF};                  // round numbers take other units
  }
}

}  // namespace
}  // namespace cordon
