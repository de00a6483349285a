// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/run_job.h"

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "policy/plan_file.h"
#include "sandbox/api/policy_source.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class RunJobTest : public testing::Test {
 protected:
  void SetUp() override { CORDON_NEEDS("user namespaces", HaveUserNamespaces()); }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  v1::Report Run(const RunRequest& request, const absl::Status& ready = absl::OkStatus()) {
    const StreamFile in;
    const StreamFile out;
    const Streams streams = {in.fd(), out.fd(), out.fd(), false, false};
    PolicySource profiles;
    const v1::Report report = ReportOfJob(request, profiles, ready, streams, &failure_);
    out_ = out.Text();
    return report;
  }
  SharedFolder folder_;
  absl::Status failure_;
  std::string out_;
};

TEST_F(RunJobTest, APolicyOfAFileAndItsPlanGiveTheSame) {
  RunRequest request;
  request.policy = Write("own.textproto", JobPolicyText({}));
  for (const char* word : {"/payload/payload", "echo", "hello"}) request.job.add_argv(word);
  const v1::Report by_policy = Run(request);
  ASSERT_THAT(failure_, IsOk());
  EXPECT_EQ(by_policy.verdict(), v1::EXITED);
  EXPECT_EQ(by_policy.policy(), request.policy);
  EXPECT_FALSE(by_policy.cordon_version().empty());
  EXPECT_FALSE(by_policy.kernel_release().empty());
  EXPECT_EQ(out_, "hello");
  const absl::StatusOr<NormalPolicy> policy = LoadPolicy(request.policy);
  ASSERT_THAT(policy, IsOk());
  const absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(*policy, ProbeHost().value());
  ASSERT_THAT(plan, IsOk());
  request.plan =
      Write("own.plan", EncodePlanFile(*policy, *plan, "test", PolicyForm::kBinary).value());
  const v1::Report by_plan = Run(request);
  ASSERT_THAT(failure_, IsOk());
  EXPECT_EQ(by_plan.verdict(), v1::EXITED);
  EXPECT_EQ(by_plan.layers_size(), by_policy.layers_size());
  EXPECT_EQ(by_plan.limits().memory(), policy->proto().limits().memory());
  EXPECT_EQ(by_plan.limits().wall_time(), policy->proto().limits().wall_time());
  EXPECT_EQ(by_policy.limits().SerializeAsString(), by_plan.limits().SerializeAsString());
  EXPECT_EQ(out_, "hello");
}

TEST_F(RunJobTest, AnErrorOfWhatCameBeforeRunsNothing) {
  RunRequest request;
  const std::string canary = folder_.path() + "/canary";
  JobOptions options;
  options.mounts =
      absl::StrCat("bind { source: \"", folder_.path(), "\" target: \"/out\" read_only: false }");
  request.policy = Write("own.textproto", JobPolicyText(options));
  for (const char* word : {"/payload/payload", "canary", "/out/canary"}) {
    request.job.add_argv(word);
  }
  const v1::Report refused = Run(request, absl::InvalidArgumentError("no such file"));
  EXPECT_EQ(refused.verdict(), v1::SETUP_FAILED);
  EXPECT_TRUE(refused.setup_only());
  EXPECT_EQ(refused.error().message(), "no such file");
  EXPECT_EQ(FileText(canary), "");
  EXPECT_EQ(Run(request).verdict(), v1::EXITED);  // and without it the job runs
  EXPECT_EQ(FileText(canary), "alive\n");
}

TEST_F(RunJobTest, EveryErrorIsInTheReport) {
  RunRequest request;
  request.policy = Write("own.textproto", "limits { wall_time: \"0s\" memory: \"lots\" }");
  request.job.add_argv("true");
  const v1::Report report = Run(request);
  EXPECT_EQ(report.verdict(), v1::SETUP_FAILED);
  EXPECT_EQ(report.error().policy_field(), "limits.wall_time");
  ASSERT_EQ(report.more_errors_size(), 1);
  EXPECT_EQ(report.more_errors(0).policy_field(), "limits.memory");
  EXPECT_THAT(failure_, StatusIs(absl::StatusCode::kInvalidArgument, ""));
}

TEST_F(RunJobTest, AJobWithoutAProgramIsRefused) {
  const v1::Report report = Run({});
  EXPECT_EQ(report.verdict(), v1::SETUP_FAILED);
  EXPECT_EQ(report.error().policy_field(), "argv");
}

}  // namespace
}  // namespace cordon
