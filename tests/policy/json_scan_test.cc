// SPDX-License-Identifier: Apache-2.0
// Strict JSON: what RFC 8259 does not have, and what protobuf's mapping would let pass.
#include "policy/json_scan.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "policy/proto/policy.pb.h"

namespace cordon {
namespace {

// The first error as people read it, or "".
std::string FirstError(absl::string_view text) {
  FieldScan scan("f");
  const bool whole = ScanJson(text, v1::Policy::descriptor(), &scan);
  EXPECT_TRUE(whole || !scan.errors().empty()) << text;
  return scan.errors().empty() ? "" : RenderError(scan.errors()[0]);
}

TEST(JsonScanTest, ReadsEveryKindOfValue) {
  for (const absl::string_view text :
       {"{}", " {\r\n\t} ", "{\"extends\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\"}",
        "{\"mounts\":{\"bind\":[{\"readOnly\":true,\"optional\":false}],\"masked\":[]}}",
        "{\"limits\":{\"processes\":0,\"openFiles\":4294967295}}",
        "{\"network\":{\"mode\":\"LOOPBACK\"}}", "{\"network\":{\"mode\":2}}"}) {
    EXPECT_EQ(FirstError(text), "") << text;
  }
}

TEST(JsonScanTest, RefusesWhatIsNotJson) {
  EXPECT_EQ(FirstError(""), "f:1:1: a policy in JSON is one object: expected \"{\"");
  EXPECT_EQ(FirstError("[]"), "f:1:1: a policy in JSON is one object: expected \"{\"");
  EXPECT_EQ(FirstError("{} {}"), "f:1:4: there is text after the end of the object");
  EXPECT_EQ(FirstError("{\"extends\":\"a\",}"), "f:1:16: expected a string in double quotes");
  EXPECT_EQ(FirstError("{extends:\"a\"}"), "f:1:2: expected a string in double quotes");
  EXPECT_EQ(FirstError("{'extends':\"a\"}"), "f:1:2: expected a string in double quotes");
  EXPECT_EQ(FirstError("{\"extends\" \"a\"}"), "f:1:12: expected \":\" after a field name");
  EXPECT_EQ(FirstError("{\"extends\":\"a\" \"b\":1}"), "f:1:16: expected \",\" or \"}\"");
  EXPECT_EQ(FirstError("{\"extends\":\"a"), "extends (f:1:14): a string is not closed");
  EXPECT_EQ(FirstError("{\"extends\":\"a\n\"}"),
            "extends (f:1:14): a line break or tab inside a string is written \\n or \\t");
  EXPECT_EQ(FirstError("{\"extends\":\"\\x\"}"), "extends (f:1:14): unknown escape in a string");
  EXPECT_EQ(FirstError("{\"extends\":\"\\u12g4\"}"),
            "extends (f:1:17): \\u needs four hexadecimal digits");
  EXPECT_EQ(FirstError("{\"mounts\":{\"masked\":[\"a\" \"b\"]}}"),
            "mounts (f:1:26): expected \",\" or \"]\"");
  EXPECT_EQ(FirstError("{\"extends\":tru}"),
            "extends (f:1:12): expected a string, not true or false");
  EXPECT_EQ(FirstError("{/* c */}"), "f:1:2: expected a string in double quotes");
}

TEST(JsonScanTest, RefusesHalfSurrogates) {
  for (const absl::string_view half :
       {"\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\u0041", "\\ud83d\\ud83d"}) {
    EXPECT_THAT(FirstError(absl::StrCat("{\"extends\":\"", half, "\"}")),
                testing::HasSubstr("half of a surrogate pair"))
        << half;
  }
}

TEST(JsonScanTest, KindsOfValuesAreThoseOfTheSchema) {
  EXPECT_EQ(FirstError("{\"extends\":1}"), "extends (f:1:12): expected a string, not a number");
  EXPECT_EQ(FirstError("{\"extends\":null}"),
            "extends (f:1:12): expected a string, not null; hint: leave the field out");
  EXPECT_EQ(FirstError("{\"limits\":[]}"), "limits (f:1:11): expected an object, not an array");
  EXPECT_EQ(FirstError("{\"mounts\":{\"masked\":\"a\"}}"),
            "mounts.masked (f:1:21): expected an array, not a string");
  EXPECT_EQ(FirstError("{\"mounts\":{\"masked\":[1]}}"),
            "mounts.masked[0] (f:1:22): expected a string, not a number");
  EXPECT_EQ(FirstError("{\"mounts\":{\"masked\":[[]]}}"),
            "mounts.masked[0] (f:1:22): expected a string, not an array");
  EXPECT_EQ(FirstError("{\"mounts\":{\"bind\":[{\"optional\":\"true\"}]}}"),
            "mounts.bind[0].optional (f:1:32): expected true or false, not a string");
  EXPECT_EQ(FirstError("{\"limits\":{\"processes\":\"1\"}}"),
            "limits.processes (f:1:24): expected a number, not a string");
  EXPECT_EQ(FirstError("{\"limits\":{\"processes\":1.0}}"),
            "limits.processes (f:1:24): \"1.0\" is not a plain whole number");
  EXPECT_EQ(FirstError("{\"limits\":{\"processes\":-0}}"),
            "limits.processes (f:1:24): \"-0\" is not between 0 and 4294967295");
  EXPECT_EQ(FirstError("{\"network\":{\"mode\":true}}"),
            "network.mode (f:1:20): expected a string, not true or false");
  EXPECT_EQ(FirstError("{\"network\":{\"mode\":99999999999}}"),
            "network.mode (f:1:20): 99999999999 is not a value of Mode");
}

TEST(JsonScanTest, NumbersFollowTheGrammar) {
  for (const absl::string_view bad : {"01", "1.", "1.e1", "1e", "1e+", "-", "-a", "+1", ".5"}) {
    EXPECT_NE(FirstError(absl::StrCat("{\"nope\":", bad, "}")), "") << bad;
    FieldScan scan("f");
    EXPECT_FALSE(ScanJson(absl::StrCat("{\"nope\":", bad, "}"), v1::Policy::descriptor(), &scan))
        << bad;
  }
}

TEST(JsonScanTest, AnEscapedNameCannotHideADuplicate) {
  EXPECT_EQ(FirstError("{\"extends\":\"a\",\"e\\u0078tends\":\"b\"}"),
            "f:1:30: a field name holds an escape");
}

TEST(JsonScanTest, PassesOverUnknownFieldsAndReadsOn) {
  FieldScan scan("f");
  EXPECT_TRUE(ScanJson("{\"x\":[{\"y\":[1,null,true]}],\"z\":{},\n\"extends\":\"a\"}",
                       v1::Policy::descriptor(), &scan));
  EXPECT_EQ(scan.errors().size(), 2u);
  EXPECT_EQ(scan.places().Find("extends"), "f:2:1");
}

}  // namespace
}  // namespace cordon
