// SPDX-License-Identifier: Apache-2.0
// Lists of jobs: three forms, every error with its place, dependencies resolved.
#include "policy/batch/jobs.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

absl::StatusOr<std::vector<BatchTask>> Text(absl::string_view text) {
  return ReadJobs(text, JobsForm::kText, "jobs.textproto");
}
absl::StatusOr<std::vector<BatchTask>> Lines(absl::string_view text) {
  return ReadJobs(text, JobsForm::kJsonLines, "jobs.jsonl");
}

// "place: field: message" of each error.
std::vector<std::string> Errors(const absl::Status& status) {
  std::vector<std::string> found;
  for (const v1::ErrorDetail& each : DetailsOf(status)) {
    found.push_back(absl::StrCat(each.source(), ": ", each.policy_field(), ": ", each.message()));
  }
  return found;
}

TEST(ReadJobsTest, FormsAreToldBySuffix) {
  EXPECT_EQ(FormOfJobs("a.json"), JobsForm::kJson);
  EXPECT_EQ(FormOfJobs("a.jsonl"), JobsForm::kJsonLines);
  EXPECT_EQ(FormOfJobs("a.textproto"), JobsForm::kText);
}

TEST(ReadJobsTest, TheThreeFormsSayTheSame) {
  const auto text = Text(R"(job { name: "a" argv: "true" }
job { name: "b" argv: "x" argv: "y" policy: "judge/c" after: "a"
      expect { verdict: CPU_LIMIT } limits { cpu_time: "1s" } })");
  const auto json = ReadJobs(
      R"({"job": [{"name": "a", "argv": ["true"]},
         {"name": "b", "argv": ["x", "y"], "policy": "judge/c", "after": ["a"],
          "expect": {"verdict": "CPU_LIMIT"}, "limits": {"cpu_time": "1s"}}]})",
      JobsForm::kJson, "jobs.json");
  const auto lines = Lines(R"({"name": "a", "argv": ["true"]}

{"name": "b", "argv": ["x", "y"], "policy": "judge/c", "after": ["a"], "expect": {"verdict": "CPU_LIMIT"}, "limits": {"cpu_time": "1s"}})");
  for (const auto* each : {&text, &json, &lines}) {
    ASSERT_THAT(*each, IsOk());
    ASSERT_EQ((*each)->size(), 2u);
    EXPECT_EQ((**each)[0].job.policy(), "base/strict");
    EXPECT_EQ((**each)[0].job.expect().verdict(), v1::EXITED);
    EXPECT_EQ((**each)[1].job.SerializeAsString(), (*text)[1].job.SerializeAsString());
    EXPECT_THAT((**each)[1].after, ElementsAre(0u));
  }
  EXPECT_EQ((*text)[1].place, "jobs.textproto:2:1");
  EXPECT_EQ((*lines)[1].place, "jobs.jsonl:3:1");
}

TEST(ReadJobsTest, EveryErrorHasItsPlace) {
  const auto read = Text(R"(job { name: "a b" argv: "true" }
job { name: "b" }
job { name: "c" argv: "true" expect { verdict: SIGNALED exit_code: 1 } }
job { name: "d" argv: "true" expect { exit_code: 256 } })");
  EXPECT_THAT(Errors(read.status()),
              ElementsAre(HasSubstr("jobs.textproto:1:7: job[0].name: \"a b\" is not a name"),
                          HasSubstr("jobs.textproto:2:1: job[1].argv: there is no program"),
                          HasSubstr("jobs.textproto:3:"), HasSubstr("jobs.textproto:4:")));
}

TEST(ReadJobsTest, WhatIsAskedOfTheSupervisorIsCheckedWhereItStands) {
  const auto read = Text(R"(job { name: "a" argv: "true" timeline: "1us" }
job { name: "b" argv: "true"
      cancel { signal: "SIGINT" } })");
  EXPECT_THAT(Errors(read.status()),
              ElementsAre(HasSubstr("jobs.textproto:1:30: job[0].timeline: is 1us"),
                          HasSubstr("jobs.textproto:3:16: job[1].cancel.signal: is never sent")));
  EXPECT_THAT(Text(R"(job { name: "a" argv: "true" timeline: "1s" cancel { grace: "1s" } })"),
              IsOk());
}

TEST(ReadJobsTest, NamesAreUniqueAndKnown) {
  EXPECT_THAT(Errors(Text(R"(job { name: "a" argv: "x" }
job { name: "a" argv: "x" after: "nobody" })")
                         .status()),
              ElementsAre(HasSubstr("jobs.textproto:2:1: name: \"a\" is the name of the job at "
                                    "jobs.textproto:1:1, too"),
                          HasSubstr("jobs.textproto:2:1: after: there is no job \"nobody\"")));
}

TEST(ReadJobsTest, CirclesAreFound) {
  EXPECT_THAT(Text(R"(job { name: "a" argv: "x" after: "a" })"), HasErrorWith("after itself"));
  EXPECT_THAT(Text(R"(job { name: "free" argv: "x" }
job { name: "a" argv: "x" after: "c" }
job { name: "b" argv: "x" after: "a" }
job { name: "c" argv: "x" after: "b" after: "free" })"),
              HasErrorWith("after itself"));
  EXPECT_THAT(Text(R"(job { name: "a" argv: "x" after: "b" }
job { name: "b" argv: "x" })"),
              IsOk());
}

TEST(ReadJobsTest, LinesAreEachAsStrictAsAPolicy) {
  EXPECT_THAT(Errors(Lines("{\"name\": \"a\", \"argv\": [\"x\"]}\n{\"nam\": \"b\"}\nnonsense\n"
                           "{\"name\": \"c\"}")
                         .status()),
              ElementsAre(HasSubstr("jobs.jsonl:2:2"), HasSubstr("jobs.jsonl:3:1"),
                          HasSubstr("jobs.jsonl:4:")));
}

TEST(ReadJobsTest, ALineThatIsTooLongIsNamed) {
  EXPECT_THAT(Errors(Lines("{\"name\": \"a\", \"argv\": [\"x\"]}\n{" +
                           std::string(kMaxPolicyBytes, ' ') + "}\n")
                         .status()),
              ElementsAre(HasSubstr("jobs.jsonl:2:1: : the line is longer than")));
}

TEST(ReadJobsTest, NothingIsNoBatch) {
  EXPECT_THAT(Text("# nothing\n"), HasErrorWith("is empty"));
  EXPECT_THAT(Lines("\n \n"), HasErrorWith("there is no job"));
}

TEST(WhyNotExpectedTest, ComparesVerdictAndExitCode) {
  v1::BatchJob job;
  job.mutable_expect()->set_verdict(v1::EXITED);
  v1::Report report;
  report.set_verdict(v1::EXITED);
  EXPECT_EQ(WhyNotExpected(job, report), "");
  report.set_exit_code(3);
  EXPECT_EQ(WhyNotExpected(job, report), "exit code 3, expected 0");
  job.mutable_expect()->set_exit_code(3);
  EXPECT_EQ(WhyNotExpected(job, report), "");
  report.set_verdict(v1::CPU_LIMIT);
  v1::Evidence* evidence = report.add_evidence();
  evidence->set_name("timer.cpu");
  evidence->set_observed("2");
  evidence->set_limit("1");
  EXPECT_EQ(WhyNotExpected(job, report), "CPU_LIMIT, expected EXITED; timer.cpu 2 of 1");
  job.mutable_expect()->set_verdict(v1::CPU_LIMIT);
  job.mutable_expect()->clear_exit_code();
  EXPECT_EQ(WhyNotExpected(job, report), "");
  report.set_verdict(v1::SETUP_FAILED);
  report.mutable_error()->set_message("no");
  EXPECT_THAT(WhyNotExpected(job, report), HasSubstr("no"));
}

}  // namespace
}  // namespace cordon
