// SPDX-License-Identifier: Apache-2.0
// What ParseMessage adds to ParsePolicy (parse_test.cc has the strictness): other messages, called
// by their names, and texts that are a part of a file.
#include "policy/parse_message.h"

#include "gtest/gtest.h"
#include "policy/proto/batch.pb.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(ParseMessageTest, ErrorsCallAMessageByItsName) {
  v1::Batch batch;
  EXPECT_THAT(ParseMessage("", PolicyForm::kText, "f", &batch),
              HasErrorWith("the list of jobs is empty"));
  EXPECT_THAT(ParseMessage("x: 1", PolicyForm::kText, "f", &batch),
              HasErrorWith("a list of jobs has no field \"x\""));
  v1::BatchJob job;
  EXPECT_THAT(ParseMessage("[]", PolicyForm::kJson, "f", &job),
              HasErrorWith("a job in JSON is one object"));
}

TEST(ParseMessageTest, PlacesCountFromTheFirstLine) {
  v1::BatchJob job;
  const auto places = ParseMessage("{\"name\":\n \"a\"}", PolicyForm::kJson, "f", &job, 40);
  ASSERT_THAT(places, IsOk());
  EXPECT_EQ(places->Find("name"), "f:40:2");
  EXPECT_THAT(ParseMessage("{\"nam\": 1}", PolicyForm::kJson, "f", &job, 40),
              HasErrorWith("f:40:2"));
}

TEST(ParseMessageTest, APartIsReadAroundFieldsThatDoNotExist) {
  v1::BatchJob job;
  SourceMap places;
  EXPECT_TRUE(ReadPartOf("name: \"a\" nonsense: 1", PolicyForm::kText, "f", &job, &places));
  EXPECT_EQ(job.name(), "a");
  EXPECT_EQ(places.Find("name"), "f:1:1");
  EXPECT_FALSE(ReadPartOf("", PolicyForm::kBinary, "f", &job, &places));
}

}  // namespace
}  // namespace cordon
