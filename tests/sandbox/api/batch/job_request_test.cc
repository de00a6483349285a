// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/job_request.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "tests/support/batch_tasks.h"

namespace cordon {
namespace {

constexpr char kJob[] = R"(job {
  name: "a" policy: "judge/cpp" argv: "/x" argv: "y"
  environment { name: "N" value: "v" }
  working_directory: "/w" limits { memory: "8MiB" }
  bind { source: "here" target: "/there" } bind { source: "/abs" target: "/other" }
  timeline: "10ms" cancel { grace: "1s" } health_check { argv: "/h" }
  copy_in { target: "/w/a" text: "t" } copy_out { path: "/w/b" to: "b" }
})";

TEST(JobRequestTest, EverythingThatAJobSaysOfItsProgramIsAskedFor) {
  const v1::BatchJob job = TasksOf(kJob)[0].job;
  const RunRequest request = RequestOf(job);
  EXPECT_EQ(request.policy, "judge/cpp");
  const v1::JobSpec& spec = request.job;
  ASSERT_EQ(spec.argv_size(), 2);
  EXPECT_EQ(spec.argv(1), "y");
  EXPECT_EQ(spec.environment(0).value(), "v");
  EXPECT_EQ(spec.working_directory(), "/w");
  EXPECT_EQ(spec.limits().memory(), "8MiB");
  EXPECT_EQ(spec.timeline(), "10ms");
  EXPECT_EQ(spec.cancel().grace(), "1s");
  EXPECT_EQ(spec.health_check().argv(0), "/h");
  EXPECT_EQ(spec.copy_in(0).text(), "t");
  EXPECT_EQ(spec.copy_out(0).to(), "b");
  EXPECT_EQ(spec.extra_bind(0).source(), CurrentDirectory() + "/here");
  EXPECT_EQ(spec.extra_bind(1).source(), "/abs");
}

// A field of one name in both messages is one that a job of a batch may have, too.
TEST(JobRequestTest, NoFieldThatBothHaveIsForgotten) {
  const v1::BatchJob job = TasksOf(kJob)[0].job;
  const v1::JobSpec spec = RequestOf(job).job;
  const auto* fields = v1::JobSpec::descriptor();
  std::set<std::string> shared;
  for (int i = 0; i < fields->field_count(); ++i) {
    const auto* in_job = v1::BatchJob::descriptor()->FindFieldByName(fields->field(i)->name());
    if (in_job == nullptr) continue;
    shared.insert(in_job->name());
    const bool repeated = in_job->is_repeated();
    const bool asked = repeated ? spec.GetReflection()->FieldSize(spec, fields->field(i)) > 0
                                : spec.GetReflection()->HasField(spec, fields->field(i));
    EXPECT_TRUE(asked) << in_job->name();
  }
  EXPECT_GE(shared.size(), 8u);
}

TEST(JobRequestTest, AJobOfSeveralHasOneForEach) {
  const v1::BatchJob job = TasksOf(R"(job { name: "t" verdict_of: "g"
    connect { from: "g.stdout" to: "c.stdin" }
    sandbox { name: "g" policy: "judge/c" argv: "/g" }
    sandbox { name: "c" policy: "judge/cpp" argv: "/c" } })")[0]
                               .job;
  const std::vector<RunRequest> requests = RequestsOf(job);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].policy, "judge/c");
  EXPECT_EQ(requests[1].job.argv(0), "/c");
  EXPECT_EQ(RequestsOf(TasksOf(kJob)[0].job).size(), 1u);
}

}  // namespace
}  // namespace cordon
