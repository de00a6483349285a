// SPDX-License-Identifier: Apache-2.0
// The three forms of a policy are read with one strictness, and every error has its place.
#include "policy/parse.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr absl::string_view kPolicy = R"(# a comment
extends: "judge/cpp"
limits { cpu_time: "2s" wall_time: "6s" memory: "256MiB" processes: 1 output: "32MiB" }
mounts {
  bind { source: "./tests/07" target: "/data" read_only: true }
  bind < source: '/usr' >
  masked: ["/a", "/b"]
  masked: "/c"
  proc {}
}
environment { name: "A" value: "" }
seccomp {
  allow: "stdio"
  rule { calls: "prctl" when { arg: 0 equals: "PR_SET_NAME" } action: ALLOW };
}
network: { mode: LOOPBACK },
)";

absl::StatusOr<ParsedPolicy> Text(absl::string_view text) {
  return ParsePolicy(text, PolicyForm::kText, "p.textproto");
}
absl::StatusOr<ParsedPolicy> Json(absl::string_view text) {
  return ParsePolicy(text, PolicyForm::kJson, "p.json");
}
absl::StatusOr<ParsedPolicy> Binary(absl::string_view bytes) {
  return ParsePolicy(bytes, PolicyForm::kBinary, "p.pb");
}

size_t ErrorCount(const absl::StatusOr<ParsedPolicy>& parsed) {
  return DetailsOf(parsed.status()).size();
}

TEST(ParseTest, TextGivesValuesAndPlaces) {
  const absl::StatusOr<ParsedPolicy> parsed = Text(kPolicy);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->name, "p.textproto");
  EXPECT_EQ(parsed->policy.limits().memory(), "256MiB");
  EXPECT_EQ(parsed->policy.mounts().masked_size(), 3);
  EXPECT_TRUE(parsed->policy.mounts().has_proc());
  EXPECT_EQ(parsed->policy.seccomp().rule(0).when(0).equals(), "PR_SET_NAME");
  const SourceMap& places = parsed->places;
  EXPECT_EQ(places.Find("extends"), "p.textproto:2:1");
  EXPECT_EQ(places.Find("limits.memory"), "p.textproto:3:41");
  EXPECT_EQ(places.Find("mounts.bind[0].target"), "p.textproto:5:31");
  EXPECT_EQ(places.Find("mounts.bind[1].source"), "p.textproto:6:10");
  EXPECT_EQ(places.Find("mounts.masked[1]"), "p.textproto:7:18");
  EXPECT_EQ(places.Find("mounts.masked[2]"), "p.textproto:8:3");
  EXPECT_EQ(places.Find("seccomp.rule[0].when[0].equals"), "p.textproto:14:39");
}

TEST(ParseTest, APlaceThatIsNotKnownIsThatOfTheParent) {
  const absl::StatusOr<ParsedPolicy> parsed = Text(kPolicy);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->places.Find("mounts.bind[1].target"), "p.textproto:6:3");
  EXPECT_EQ(parsed->places.Find("mounts.bind"), "p.textproto:4:1");
  EXPECT_EQ(parsed->places.Find("cgroup.memory_max"), "p.textproto");
  EXPECT_EQ(parsed->places.Find(""), "p.textproto");
}

TEST(ParseTest, ColumnsCountCharactersNotBytesOrTabStops) {
  EXPECT_THAT(Text("\textends: \"\xC3\xA4\" nope: 1"),
              HasErrorWith("p.textproto:1:15: a policy has no field \"nope\""));
  EXPECT_THAT(Text("description: \"\xC3\xA4\"\n\tlimits { memory: 12 }"),
              HasError("limits.memory (p.textproto:2:19): Expected string, got: 12"));
}

TEST(ParseTest, TheFormsAgree) {
  const absl::StatusOr<ParsedPolicy> text = Text(kPolicy);
  ASSERT_THAT(text, IsOk());
  for (const bool proto_names : {true, false}) {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = proto_names;
    options.add_whitespace = proto_names;
    std::string json;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(text->policy, &json, options).ok());
    const absl::StatusOr<ParsedPolicy> from_json = Json(json);
    ASSERT_THAT(from_json, IsOk()) << json;
    EXPECT_TRUE(MessageDifferencer::Equals(text->policy, from_json->policy));
  }
  const absl::StatusOr<ParsedPolicy> from_binary = Binary(text->policy.SerializeAsString());
  ASSERT_THAT(from_binary, IsOk());
  EXPECT_TRUE(MessageDifferencer::Equals(text->policy, from_binary->policy));
}

TEST(ParseTest, JsonGivesPlaces) {
  const absl::StatusOr<ParsedPolicy> parsed = Json(
      "{\n  \"limits\": {\"cpuTime\": \"1s\"},\n  \"mounts\": {\"masked\": [\"/a\",\n \"/b\"]}}");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->policy.limits().cpu_time(), "1s");
  EXPECT_EQ(parsed->places.Find("limits.cpu_time"), "p.json:2:14");
  EXPECT_EQ(parsed->places.Find("mounts.masked[1]"), "p.json:4:2");
}

// POL-01
TEST(ParseTest, AnEmptyPolicyIsAnError) {
  EXPECT_THAT(Text(""), HasError("p.textproto: the policy is empty: no field is set"));
  EXPECT_THAT(Text(" \n# only a comment\n"), HasErrorWith("no field is set"));
  EXPECT_THAT(Json("{}"), HasError("p.json: the policy is empty: no field is set"));
  EXPECT_THAT(Binary(""), HasError("p.pb: the policy is empty: no field is set"));
  EXPECT_THAT(Json(""), HasErrorWith("p.json:1:1: a policy in JSON is one object"));
  EXPECT_THAT(Text("extends: \"\""), HasErrorWith("no field is set"));
}

// POL-01: a message cut at a field boundary is a shorter message, so what is left may only be
// fields of the whole one, never something new.
TEST(ParseTest, EveryPrefixOfABinaryPolicyIsAnErrorOrAPartOfIt) {
  const std::string bytes = Text(kPolicy)->policy.SerializeAsString();
  int errors = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    const absl::StatusOr<ParsedPolicy> parsed = Binary(absl::string_view(bytes).substr(0, length));
    if (!parsed.ok()) {
      ++errors;
      continue;
    }
    EXPECT_EQ(parsed->policy.SerializeAsString(), bytes.substr(0, length));
  }
  EXPECT_GT(errors, static_cast<int>(bytes.size()) - 10);
}

// POL-04
TEST(ParseTest, SizeIsCheckedBeforeAnythingIsRead) {
  const std::string big(kMaxPolicyBytes + 1, '{');
  for (const PolicyForm form : {PolicyForm::kText, PolicyForm::kJson, PolicyForm::kBinary}) {
    EXPECT_THAT(ParsePolicy(big, form, "p"),
                HasError("p: the policy is 1048577 bytes long; at most 1048576 are allowed"));
  }
}

TEST(ParseTest, NestingHasACeilingInEveryForm) {
  std::string text, json, binary;
  for (int i = 0; i < 100000; ++i) text += "a{";
  EXPECT_THAT(Text(text),
              HasErrorWith("is nested more than 32 levels deep; at most 32 are allowed"));
  for (int i = 0; i < 100000; ++i) json += "{\"a\":";
  EXPECT_THAT(Json(json), HasErrorWith("is nested more than 32 levels deep"));
  EXPECT_THAT(Json("{\"a\":" + std::string(100000, '[')), HasErrorWith("is nested more than 32"));
  for (int i = 0; i < 200; ++i) binary = absl::StrCat("\x22\x7F", binary).substr(0, 1000);
  EXPECT_THAT(Binary(binary), StatusIs(absl::StatusCode::kInvalidArgument, ""));
}

TEST(ParseTest, CountsOfRepeatedFieldsHaveCeilings) {
  std::string text, json = "{\"environment\":[", binary;
  for (int i = 0; i < 50000; ++i) text += "environment {}\n";
  for (int i = 0; i < 50000; ++i) json += "{},";
  for (int i = 0; i < 50000; ++i) binary.append("\x2A\x00", 2);
  json += "{}]}";
  EXPECT_THAT(Text(text), HasError("environment (p.textproto:1025:1): has more than 1024 entries; "
                                   "at most 1024 are allowed"));
  EXPECT_THAT(Json(json), HasErrorWith("has more than 1024 entries"));
  EXPECT_THAT(Binary(binary), HasError("environment (p.pb): has more than 1024 entries; at most "
                                       "1024 are allowed"));
  EXPECT_EQ(ErrorCount(Text(text)), 1u);
}

TEST(ParseTest, AllFieldsTogetherHaveACeiling) {
  std::string text = "seccomp {";
  for (int i = 0; i < 1000; ++i) {
    text += "\nrule { calls: [";
    for (int k = 0; k < 60; ++k) text += "\"x\",";
    text += "\"y\"] }";
  }
  EXPECT_THAT(Text(text), HasErrorWith("the policy has more than 20000 fields; at most 20000 are"));
}

TEST(ParseTest, StringsHaveCeilings) {
  EXPECT_THAT(Text(absl::StrCat("extends: \"", std::string(4096, 'a'), "\"")),
              HasError("extends (p.textproto:1:1): is 4096 bytes long; at most 4095 are allowed"));
  EXPECT_THAT(Text(absl::StrCat("extends: \"", std::string(4095, 'a'), "\"")), IsOk());
}

// POL-06
TEST(ParseTest, ASingularFieldWrittenTwiceIsAnErrorInEveryForm) {
  EXPECT_THAT(Text("limits {\n memory: \"1MiB\"\n memory: \"2MiB\" }"),
              HasError("limits.memory (p.textproto:3:2): is written twice; first at "
                       "p.textproto:2:2"));
  EXPECT_THAT(Text("limits {} limits {}"), HasErrorWith("limits (p.textproto:1:11): is written"));
  EXPECT_THAT(Text("extends: \"\" extends: \"a\""), HasErrorWith("extends (p.textproto:1:13)"));
  EXPECT_THAT(Json("{\"limits\":{\"cpuTime\":\"1s\",\n\"cpu_time\":\"1s\"}}"),
              HasError("limits.cpu_time (p.json:2:1): is written twice; first at p.json:1:12"));
  EXPECT_THAT(Json("{\"environment\":[],\"environment\":[]}"), HasErrorWith("is written twice"));
  EXPECT_THAT(Binary("\x0A\x01"
                     "a\x0A\x01"
                     "b"),
              HasError("extends (p.pb): is written twice"));
}

TEST(ParseTest, OnlyOneComparisonFitsACondition) {
  EXPECT_THAT(
      Text("seccomp { rule { when { equals: \"1\" at_most: \"2\" } } }"),
      HasError("seccomp.rule[0].when[0].at_most (p.textproto:1:37): only one comparison may "
               "be written here"));
  EXPECT_THAT(Json("{\"seccomp\":{\"rule\":[{\"when\":[{\"equals\":\"1\",\"atMost\":\"2\"}]}]}}"),
              HasErrorWith("only one comparison may be written here"));
}

TEST(ParseTest, UnknownFieldsAreErrorsWithTheNearestName) {
  const absl::StatusOr<ParsedPolicy> text = Text("limits { memry: \"1MiB\" }\nselinux { rule {} }");
  EXPECT_THAT(text,
              HasError("limits (p.textproto:1:10): has no field \"memry\"; hint: did you mean "
                       "\"memory\"?"));
  EXPECT_THAT(text, HasError("p.textproto:2:1: a policy has no field \"selinux\""));
  EXPECT_EQ(ErrorCount(text), 2u);
  EXPECT_THAT(Json("{\"limits\":{\"memry\":[{\"x\":1}]}}"),
              HasErrorWith("limits (p.json:1:12): has no field \"memry\""));
  EXPECT_THAT(Binary("\xF8\x3F\x01"), HasErrorWith("there is no field number 1023"));
  EXPECT_THAT(Binary("\x1A\x03\xF8\x3F\x01"), HasErrorWith("identity (p.pb): at byte 4"));
}

TEST(ParseTest, UnknownEnumValuesAreErrorsInEveryForm) {
  EXPECT_THAT(Text("network { mode: 7 }"),
              HasError("network.mode (p.textproto:1:11): 7 is not a value of Mode"));
  EXPECT_THAT(Text("network { mode: HOST }"),
              HasError("network.mode (p.textproto:1:17): \"HOST\" is not a value of Mode"));
  EXPECT_THAT(Text("network { mode: 2 }"), IsOk());
  EXPECT_THAT(Json("{\"network\":{\"mode\":7}}"),
              HasError("network.mode (p.json:1:20): 7 is not a value of Mode"));
  EXPECT_THAT(Json("{\"network\":{\"mode\":\"HOST\"}}"),
              HasError("network.mode (p.json:1:20): \"HOST\" is not a value of Mode"));
  EXPECT_THAT(Binary("\x5A\x02\x10\x07"),
              HasError("network.mode (p.pb): 7 is not a value of Mode"));
}

// POL-07
TEST(ParseTest, NumbersAreWholeAndInRange) {
  for (const absl::string_view bad : {"-1", "4294967296", "18446744073709551616", "1.5", "1e400",
                                      "nan", "inf", "\"5\"", "true", "08"}) {
    EXPECT_THAT(Text(absl::StrCat("limits { processes: ", bad, " }")),
                HasErrorWith("limits.processes (p.textproto:1:"))
        << bad;
  }
  for (const absl::string_view bad : {"-1", "4294967296", "1.5", "1.0", "1e3", "1e400", "\"5\"",
                                      "true", "null", "[]", "{}", "01", "+1", "NaN"}) {
    EXPECT_THAT(Json(absl::StrCat("{\"limits\":{\"processes\":", bad, "}}")),
                HasErrorWith("limits.processes (p.json:1:"))
        << bad;
  }
  // 2^32 in five bytes, and ten bytes of which the last does not fit 64 bits.
  EXPECT_THAT(Binary("\x3A\x06\x30\x80\x80\x80\x80\x10"),
              HasErrorWith("4294967296 is out of range"));
  EXPECT_THAT(Binary("\x3A\x0B\x30\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"),
              HasErrorWith("a number is too long"));
}

// POL-09
TEST(ParseTest, BytesThatAreNotTextAreErrorsWithTheirPlace) {
  EXPECT_THAT(Text(absl::string_view("extends:\n \"a\0b\"", 15)),
              HasError("p.textproto:2:4: a NUL byte is not allowed here"));
  EXPECT_THAT(Text("# \x1B[2J\nextends: \"a\""),
              HasError("p.textproto:1:3: a control character is not allowed here"));
  EXPECT_THAT(Text("extends: \"\xC0\x80\""),
              HasError("p.textproto:1:11: the text is not valid UTF-8 here"));
  EXPECT_THAT(Text("\xEF\xBB\xBF"
                   "extends: \"a\""),
              HasErrorWith("p.textproto:1:1: the text begins with a byte order mark"));
  EXPECT_THAT(Text("# \xE2\x80\xAE"), HasErrorWith("p.textproto:1:3: a character that hides"));
  EXPECT_THAT(Json("{\"extends\":\"\xFF\"}"), HasErrorWith("p.json:1:13"));
}

TEST(ParseTest, EscapedBytesInStringsAreErrorsWithTheirField) {
  EXPECT_THAT(Text("extends: \"a\\000b\""),
              HasError("extends (p.textproto:1:1): \"a\\000b\" holds a NUL byte"));
  EXPECT_THAT(Text("extends: \"\\033[2J\""), HasErrorWith("holds a control character"));
  EXPECT_THAT(Text("extends: \"\\xff\""), HasErrorWith("is not valid UTF-8"));
  EXPECT_THAT(Text("extends: \"\\u202e\""), HasErrorWith("hides or reorders text"));
  EXPECT_THAT(Json("{\"extends\":\"a\\u0000\"}"),
              HasError("extends (p.json:1:2): \"a\\000\" holds a NUL byte"));
  EXPECT_THAT(Json("{\"extends\":\"\\ud800\"}"), HasErrorWith("half of a surrogate pair"));
  EXPECT_THAT(Binary(absl::string_view("\x0A\x01\x00", 3)), HasErrorWith("holds a NUL byte"));
  EXPECT_THAT(Binary("\x0A\x01\xFF"), HasErrorWith("extends (p.pb): \"\\377\" is not valid UTF-8"));
}

TEST(ParseTest, ContentOfAFileMayHaveLinesAndTabs) {
  EXPECT_THAT(Text("mounts { file { path: \"/f\" content: \"a\\n\\tb\" } }"), IsOk());
  EXPECT_THAT(Text("mounts { file { path: \"/f\" content: \"a\\r\" } }"),
              HasErrorWith("mounts.file[0].content (p.textproto:1:28)"));
  EXPECT_THAT(Text("mounts { file { path: \"/f\\n\" } }"), HasErrorWith("a control character"));
}

TEST(ParseTest, NothingIsPrintedAboutBadInput) {
  testing::internal::CaptureStderr();
  EXPECT_FALSE(Text("extends: \"\\xff\"").ok());
  EXPECT_FALSE(Text("extends: \"\xFF\"").ok());
  EXPECT_FALSE(Text("extends: 1 }").ok());
  EXPECT_FALSE(Json("{\"extends\":\"\xFF\"}").ok());
  EXPECT_FALSE(Json("{\"extends\":\"\\ud800\"}").ok());
  EXPECT_FALSE(Json("{\"limits\":{\"processes\":-1}}").ok());
  EXPECT_FALSE(Binary("\x0A\x01\xFF").ok());
  EXPECT_FALSE(Binary("\x0A\x7F").ok());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ParseTest, BrokenGrammarHasAPlace) {
  EXPECT_THAT(Text("limits {\n memory: \"1MiB\""), HasErrorWith("p.textproto:2:16"));
  EXPECT_THAT(Text("limits {\n memory: \"1MiB\n}"), HasErrorWith("p.textproto:2:"));
  EXPECT_THAT(Text("limits }"), HasErrorWith("p.textproto:1:8"));
  EXPECT_THAT(Text("limits: 5"), HasErrorWith("p.textproto:1:9"));
  EXPECT_THAT(Text("[type.googleapis.com/cordon.v1.Policy] { extends: \"a\" }"),
              StatusIs(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_THAT(Binary("\x0A\x7F"), HasErrorWith("at byte 2: the message is truncated"));
  EXPECT_THAT(Binary("\x08\x01"), HasErrorWith("the wire type is not that of the field"));
}

TEST(ParseTest, AllErrorsAreListedUpToACeiling) {
  EXPECT_EQ(ErrorCount(Text("a: 1 b: 2 limits { c: 3 } seccomp { d { e: 4 } }")), 4u);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "x: 1\n";
  EXPECT_EQ(ErrorCount(Text(many)), kMaxErrors + 1);
  EXPECT_THAT(Text(many), HasErrorWith("there are more errors; the first 100 are listed"));
}

TEST(ParseTest, FormFollowsTheSuffix) {
  EXPECT_EQ(FormOfFile("a.json"), PolicyForm::kJson);
  EXPECT_EQ(FormOfFile("a.pb"), PolicyForm::kBinary);
  EXPECT_EQ(FormOfFile("a.binpb"), PolicyForm::kBinary);
  EXPECT_EQ(FormOfFile("a.bin"), PolicyForm::kBinary);
  EXPECT_EQ(FormOfFile("a.textproto"), PolicyForm::kText);
  EXPECT_EQ(FormOfFile("json"), PolicyForm::kText);
}

TEST(ParseTest, APlaceNamesItsFile) {
  EXPECT_EQ(FileOfPlace("a/b.textproto:3:14"), "a/b.textproto");
  EXPECT_EQ(FileOfPlace("judge/cpp"), "judge/cpp");
  EXPECT_EQ(FileOfPlace("c:odd:3:14"), "c:odd");
  EXPECT_EQ(FileOfPlace(""), "");
  EXPECT_EQ(FileOfPlace("a:"), "a:");
}

TEST(ParseTest, WrittenFieldsAreToldFromDefaults) {
  const auto parsed = ParsePolicy("limits { memory: \"1GiB\" }", PolicyForm::kText, "p");
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->places.Has("limits.memory"));
  EXPECT_FALSE(parsed->places.Has("limits.swap"));
  EXPECT_EQ(parsed->places.Find("limits.swap"), "p:1:1");
}

}  // namespace
}  // namespace cordon
