// SPDX-License-Identifier: Apache-2.0
// A job with a matrix is all of its combinations, and nothing that was not meant.
#include "policy/batch/matrix.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

v1::BatchJob JobOf(const std::string& text) {
  v1::BatchJob job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &job));
  return job;
}

struct Filled {
  std::vector<v1::BatchJob> jobs;
  absl::Status status;
};

Filled Fill(const std::string& text, size_t ceiling = 100) {
  const SourceMap places("jobs");
  Violations violations(places);
  Filled filled;
  FillMatrix(JobOf(text), "job[0]", ceiling, &violations, &filled.jobs);
  filled.status = violations.ToStatus();
  return filled;
}

TEST(FillMatrixTest, EachCombinationOnceTheLastAxisFirst) {
  const Filled filled = Fill(R"(name: "${a}/${b}" argv: "run" argv: "${b}${a}"
    limits { memory: "${b}MiB" } matrix { name: "a" value: "x" value: "y" }
    matrix { name: "b" value: "1" value: "2" })");
  ASSERT_THAT(filled.status, IsOk());
  std::vector<std::string> names;
  for (const v1::BatchJob& job : filled.jobs) {
    names.push_back(job.name());
    EXPECT_EQ(job.matrix_size(), 0);
  }
  EXPECT_THAT(names, ElementsAre("x/1", "x/2", "y/1", "y/2"));
  EXPECT_EQ(filled.jobs[1].argv(1), "2x");
  EXPECT_EQ(filled.jobs[1].limits().memory(), "2MiB");
}

TEST(FillMatrixTest, WithoutAMatrixNothingIsReplaced) {
  const Filled filled = Fill(R"(name: "a" argv: "echo ${HOME} $${x}")");
  ASSERT_THAT(filled.status, IsOk());
  EXPECT_EQ(filled.jobs[0].argv(0), "echo ${HOME} $${x}");
}

TEST(FillMatrixTest, APlainDollarStaysAndAnEscapeIsOne) {
  const Filled filled =
      Fill(R"(name: "${a}" argv: "$5 $${a} ${a} ${a" matrix { name: "a" value: "v" })");
  ASSERT_THAT(filled.status, IsOk());
  EXPECT_EQ(filled.jobs[0].argv(0), "$5 ${a} v ${a");
}

TEST(FillMatrixTest, AValueIsNotReplacedAgain) {
  const Filled filled = Fill(R"(name: "n" argv: "${a}" matrix { name: "a" value: "${a}${b}" })");
  ASSERT_THAT(filled.status, IsOk());
  EXPECT_EQ(filled.jobs[0].argv(0), "${a}${b}");
}

TEST(FillMatrixTest, AnUnknownNameIsAnErrorWithItsField) {
  const Filled filled =
      Fill(R"(name: "n${a}" argv: "x" argv: "${b}" matrix { name: "a" value: "v" })");
  EXPECT_THAT(filled.status, HasErrorWith("the matrix has no \"b\""));
  EXPECT_EQ(DetailsOf(filled.status)[0].policy_field(), "job[0].argv[1]");
}

TEST(FillMatrixTest, AxesHaveNamesAndValues) {
  EXPECT_THAT(Fill(R"(name: "n" matrix { name: "a-b" value: "v" })").status,
              HasErrorWith("letters, digits and _"));
  EXPECT_THAT(Fill(R"(name: "n" matrix { name: "a" })").status, HasErrorWith("has no value"));
  EXPECT_THAT(
      Fill(R"(name: "n" matrix { name: "a" value: "v" } matrix { name: "a" value: "v" })").status,
      HasErrorWith("two of this name"));
}

TEST(FillMatrixTest, ACeilingHoldsBeforeAnythingIsMade) {
  std::string text = "name: \"n\" ";
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    text += std::string("matrix { name: \"") + name + "\" ";
    for (int i = 0; i < 256; ++i) text += "value: \"v\" ";
    text += "} ";
  }
  const Filled filled = Fill(text);
  EXPECT_THAT(filled.status, HasErrorWith("more than 100 jobs"));
  EXPECT_TRUE(filled.jobs.empty());
}

}  // namespace
}  // namespace cordon
