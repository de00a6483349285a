// SPDX-License-Identifier: Apache-2.0
// The XML that CI systems read: counts that agree, and nothing of a job that could break it.
#include "policy/batch/junit.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(JUnitTest, EachOutcomeHasItsElement) {
  v1::BatchReport report;
  report.set_jobs(4);
  report.set_good(1);
  report.set_bad(1);
  report.set_skipped(1);
  report.set_not_run(1);
  v1::JobResult* good = report.add_result();
  good->set_name("good");
  good->set_outcome(v1::JobResult::GOOD);
  good->mutable_report()->set_policy("judge/cpp");
  good->mutable_report()->mutable_usage()->mutable_wall_time()->set_nanos(250'000'000);
  v1::JobResult* bad = report.add_result();
  bad->set_name("bad");
  bad->set_outcome(v1::JobResult::BAD);
  bad->set_why("CPU_LIMIT, expected <EXITED>");
  bad->mutable_report()->set_verdict(v1::CPU_LIMIT);
  v1::Evidence* evidence = bad->mutable_report()->add_evidence();
  evidence->set_name("timer.cpu");
  evidence->set_observed("\x1b[31m\xff");
  v1::JobResult* skipped = report.add_result();
  skipped->set_name("later");
  skipped->set_outcome(v1::JobResult::SKIPPED);
  skipped->set_why("bad was not good");
  report.add_result()->set_name("stopped");
  const std::string xml = JUnitXml(report);
  EXPECT_THAT(xml,
              HasSubstr("tests=\"4\" failures=\"1\" skipped=\"1\" errors=\"1\" time=\"0.250\""));
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"judge/cpp\" name=\"good\" time=\"0.250\"/>"));
  EXPECT_THAT(xml, HasSubstr("<failure type=\"CPU_LIMIT\" message=\"CPU_LIMIT, expected "
                             "&lt;EXITED&gt;\">timer.cpu \\033[31m\\377"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"bad was not good\"/>"));
  EXPECT_THAT(xml, HasSubstr("<error message=\"the batch was stopped before\"/>"));
  EXPECT_THAT(xml, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace cordon
