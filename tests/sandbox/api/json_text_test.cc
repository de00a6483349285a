// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/json_text.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "policy/proto/batch_result.pb.h"
#include "policy/proto/report.pb.h"

namespace cordon {
namespace {

TEST(JsonTextTest, ALineHasNoDefaultsAndATextHasAll) {
  v1::JobResult result;
  result.set_name("a");
  EXPECT_EQ(JsonLine(result), "{\"name\":\"a\"}\n");
  const std::string text = JsonText(result);
  EXPECT_NE(text.find("\"outcome\": \"OUTCOME_UNSPECIFIED\""), std::string::npos) << text;
  EXPECT_EQ(text.back(), '\n');
}

TEST(JsonTextTest, NewlinesOfTheJobsMakeNoSecondLine) {
  v1::JobResult result;
  result.set_why("one\ntwo\r\n");
  EXPECT_EQ(JsonLine(result), "{\"why\":\"one\\ntwo\\r\\n\"}\n");
}

TEST(JsonTextTest, WhatIsNoUtf8IsEscapedAndBytesAreBase64) {
  v1::JobResult result;
  result.set_why("\xff\x80");
  v1::Report& report = *result.mutable_report();
  report.add_collected()->set_path("caf\xe9");
  report.mutable_health()->mutable_last()->set_output("\xff");
  const std::string line = JsonLine(result);
  EXPECT_NE(line.find("\"why\":\"\\\\377\\\\200\""), std::string::npos) << line;
  EXPECT_NE(line.find("caf\\\\351"), std::string::npos) << line;
  EXPECT_NE(line.find("\"output\":\"/w==\""), std::string::npos) << line;
  EXPECT_EQ(result.why(), "\xff\x80") << "the message itself stays";
}

std::string InPieces(const v1::BatchReport& report) {
  std::string text;
  EXPECT_TRUE(WriteJsonText(report, [&](absl::string_view piece) {
                text += std::string(piece);
                return absl::OkStatus();
              }).ok());
  return text;
}

TEST(JsonTextTest, PiecesMakeTheWhole) {
  v1::BatchReport report;
  EXPECT_EQ(InPieces(report), JsonText(report));
  report.set_jobs(3);
  report.set_good(1);
  report.set_bad(4);
  report.set_skipped(5);
  report.set_not_run(6);
  report.set_digest("[]\n}\n");
  // A field that is new belongs to the head.
  for (int i = 0; i < v1::BatchReport::descriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = v1::BatchReport::descriptor()->field(i);
    EXPECT_TRUE(field->is_repeated() || report.GetReflection()->HasField(report, field))
        << field->name();
  }
  EXPECT_EQ(InPieces(report), JsonText(report));
  for (const char* why : {"one\ntwo", "", "\xff ]\n}"}) {
    v1::JobResult& result = *report.add_result();
    result.set_why(why);
    result.mutable_report()->add_denial()->set_object("/a\nb");
    EXPECT_EQ(InPieces(report), JsonText(report));
  }
}

TEST(JsonTextTest, TheFirstErrorEndsIt) {
  v1::BatchReport report;
  for (int i = 0; i < 5; ++i) report.add_result();
  for (int good = 0; good < 7; ++good) {
    int pieces = 0;
    const absl::Status status = WriteJsonText(report, [&](absl::string_view) {
      return pieces++ < good ? absl::OkStatus() : absl::DataLossError("full");
    });
    EXPECT_EQ(status, absl::DataLossError("full"));
    EXPECT_EQ(pieces, good + 1);
  }
}

}  // namespace
}  // namespace cordon
