// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/talk_job.h"

#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "sandbox/api/batch/job_request.h"
#include "sandbox/api/policy_source.h"
#include "tests/support/batch_tasks.h"
#include "tests/support/job_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class TalkJobTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    if (IsSkipped()) return;
    std::ofstream(folder_.path() + "/p.textproto") << JobPolicyText({});
  }
  static JobOptions NeedsAGroup() {
    JobOptions options;
    options.cgroup = "REQUIRED";
    return options;
  }
  std::string Member(const std::string& name, const std::string& words, const std::string& more) {
    return "sandbox { name: \"" + name + "\" policy: \"" + folder_.path() +
           "/p.textproto\" argv: \"/payload/payload\" " + words + " argv: \"" + token_ + "\" " +
           more + " }\n";
  }
  v1::Report Run(const absl::Status& ready = absl::OkStatus()) {
    const v1::BatchJob job =
        TasksOf(
            "job { name: \"t\" verdict_of: \"g\"\n"
            "connect { from: \"g.stdout\" to: \"c.stdin\" }\n"
            "connect { from: \"c.stdout\" to: \"g.stdin\" }\n" +
            Member("g", "argv: \"talk_ask\" argv: \"5\"", "") +
            Member("c", "argv: \"cat\"", "stderr: \"" + folder_.path() + "/notes\"") + "}")[0]
            .job;
    PolicySource profiles;
    return ReportOfTalkJob(job, RequestsOf(job), ready, facts_, profiles,
                           {"/dev/null", "/dev/null"}, &failure_);
  }

  SharedFolder folder_;
  v1::HostFacts facts_ = HostFactsOfTest();
  absl::Status failure_;
};

TEST_F(TalkJobTest, ItIsRunAndItsFilesAreMade) {
  const v1::Report report = Run();
  EXPECT_THAT(failure_, IsOk());
  EXPECT_EQ(report.verdict(), v1::EXITED) << report.ShortDebugString();
  EXPECT_EQ(report.decided_by(), "g");
  EXPECT_EQ(report.sandbox_size(), 2);
  EXPECT_TRUE(std::ifstream(folder_.path() + "/notes").good());
}

// It asks nobody for a group: who has looked at the host has settled that.
TEST_F(TalkJobTest, TheFactsAreThoseThatItIsGiven) {
  facts_.set_cgroup_mode(v1::HostFacts::CGROUP_NONE);
  facts_.clear_cgroup_controllers();
  facts_.set_cgroup_why("as it was told");
  std::ofstream(folder_.path() + "/p.textproto") << JobPolicyText(NeedsAGroup());
  Run();
  EXPECT_THAT(failure_, HasErrorWith("as it was told"));
}

TEST_F(TalkJobTest, WhatKeepsItFromRunningIsInItsReport) {
  const v1::Report report = Run(Error(absl::StatusCode::kDataLoss, "the object is broken"));
  EXPECT_THAT(failure_, HasErrorWith("the object is broken"));
  EXPECT_EQ(report.verdict(), v1::SETUP_FAILED);
  EXPECT_EQ(report.error().message(), "the object is broken");
  EXPECT_FALSE(std::ifstream(folder_.path() + "/notes").good()) << "nothing was begun";
}

}  // namespace
}  // namespace cordon
