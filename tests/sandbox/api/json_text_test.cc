// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/json_text.h"

#include <string>

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

}  // namespace
}  // namespace cordon
