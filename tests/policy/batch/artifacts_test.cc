// SPDX-License-Identifier: Apache-2.0
// Artifacts: what is named must be made before, and becomes objects of the store.
#include "policy/batch/artifacts.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

constexpr char kMake[] = R"(job { name: "make" argv: "x"
  copy_out { path: "/work/a" artifact: "a" } copy_out { path: "/work/t" artifact: "tree" } }
)";

absl::StatusOr<std::vector<BatchTask>> Tasks(const std::string& use) {
  return ReadJobs(absl::StrCat(kMake, "job { name: \"use\" argv: \"x\" ", use, " }"),
                  JobsForm::kText, "jobs");
}

// What the job "make" has left.
v1::Report Made() {
  v1::Report report;
  for (const auto& [name, digest] : {std::pair("a", "1"), std::pair("tree/b", "2"),
                                     std::pair("tree/c/d", "3"), std::pair("treetop", "4")}) {
    v1::Collected* row = report.add_collected();
    row->set_artifact(name);
    row->set_sha256(std::string(64, digest[0]));
  }
  return report;
}

absl::StatusOr<v1::JobSpec> Resolve(const std::string& use) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<BatchTask> tasks, Tasks("after: \"make\" " + use));
  const v1::BatchJob& job = tasks[1].job;
  v1::JobSpec spec;
  *spec.mutable_copy_in() = job.copy_in();
  const v1::Report made = Made();
  CORDON_RETURN_IF_ERROR(ResolveArtifacts(
      job, "/store", [&](const std::string& name) { return name == "make" ? &made : nullptr; },
      &spec));
  return spec;
}

TEST(ArtifactsTest, NamesMustBeMadeByAJobThatComesBefore) {
  EXPECT_THAT(Tasks(R"(after: "make" copy_in { target: "/work/x" artifact: "make:a" })"), IsOk());
  EXPECT_THAT(Tasks(R"(after: "make" bind_artifact { target: "/x" artifact: "make:tree/b" })"),
              IsOk());
  EXPECT_THAT(Tasks(R"(copy_in { target: "/work/x" artifact: "make:a" })"),
              HasErrorWith("copy_in[0].artifact (jobs:3:1): \"make\" is not in `after`"));
  EXPECT_THAT(
      Tasks(R"(after: "make" bind_artifact { target: "/x" artifact: "make:b" })"),
      HasErrorWith("bind_artifact[0].artifact (jobs:3:1): the job \"make\" has no copy_out"));
  EXPECT_THAT(Tasks(R"(after: "make" bind_artifact { target: "x" artifact: "make:a" })"),
              HasErrorWith("is not absolute"));
  EXPECT_THAT(Tasks(R"(after: "make" bind_artifact { target: "/x" artifact: "a" })"),
              HasErrorWith("is not JOB:ARTIFACT"));
}

TEST(ArtifactsTest, JobsThatUseThemAreKnown) {
  const auto tasks = Tasks(R"(after: "make" copy_in { target: "/work/x" artifact: "make:a" })");
  ASSERT_THAT(tasks, IsOk());
  EXPECT_TRUE(UsesArtifacts((*tasks)[0].job));
  EXPECT_TRUE(UsesArtifacts((*tasks)[1].job));
  const auto plain =
      Tasks(R"(copy_in { target: "/work/x" text: "t" } copy_out { path: "/work/y" to: "y" })");
  ASSERT_THAT(plain, IsOk());
  EXPECT_FALSE(UsesArtifacts((*plain)[1].job));
}

TEST(ArtifactsTest, FilesFoldersAndBindsBecomeObjects) {
  const auto spec = Resolve(R"(
    copy_in { target: "/work/first" text: "t" }
    copy_in { target: "/work/x" artifact: "make:a" mode: "0755" }
    copy_in { target: "/work/y" artifact: "make:tree" }
    copy_in { target: "/work/z" artifact: "make:tree/c" }
    bind_artifact { target: "/prog" artifact: "make:a" }
    bind_artifact { target: "/data" artifact: "make:tree/b" executable: false })");
  ASSERT_THAT(spec, IsOk());
  ASSERT_EQ(spec->copy_in_size(), 5);
  EXPECT_EQ(spec->copy_in(0).text(), "t");
  EXPECT_EQ(spec->copy_in(1).stored(), std::string(64, '1'));
  EXPECT_EQ(spec->copy_in(1).mode(), "0755");
  EXPECT_EQ(spec->copy_in(2).target(), "/work/y/b");
  EXPECT_EQ(spec->copy_in(2).stored(), std::string(64, '2'));
  EXPECT_EQ(spec->copy_in(3).target(), "/work/y/c/d");
  EXPECT_EQ(spec->copy_in(4).target(), "/work/z/d");
  EXPECT_EQ(spec->copy_in(4).stored(), std::string(64, '3'));
  ASSERT_EQ(spec->extra_bind_size(), 2);
  EXPECT_EQ(spec->extra_bind(0).source(), "/store/" + std::string(64, '1'));
  EXPECT_EQ(spec->extra_bind(0).target(), "/prog");
  EXPECT_TRUE(spec->extra_bind(0).read_only());
  EXPECT_TRUE(spec->extra_bind(0).executable());
  EXPECT_FALSE(spec->extra_bind(1).executable());
}

// "make" leaves "file"; `outer` is of the job, `a` and `b` of its sandboxes.
absl::StatusOr<std::vector<BatchTask>> TalkAfter(const std::string& outer, const std::string& a,
                                                 const std::string& b = "") {
  return ReadJobs(
      absl::StrCat(R"(job { name: "make" argv: "x" copy_out { path: "/work/f" artifact: "file" } }
        job { name: "t" after: "make" )",
                   outer, R"( connect { from: "a.stdout" to: "b.stdin" } verdict_of: "a"
        sandbox { name: "a" argv: "x" )",
                   a, R"( }
        sandbox { name: "b" argv: "y" )",
                   b, "} }"),
      JobsForm::kText, "jobs");
}

TEST(ArtifactsTest, SandboxesThatTalkHaveFilesOfTheirOwn) {
  EXPECT_THAT(TalkAfter("", R"(copy_in { target: "/work/x" text: "t" })"), IsOk());
  EXPECT_THAT(TalkAfter("", R"(copy_in { target: "x" text: "t" })"),
              HasErrorWith("job[1].sandbox[0].copy_in[0].target (jobs:3:"));
  EXPECT_THAT(TalkAfter("", R"(copy_out { path: "/work/x" to: "x" })"), IsOk());
  EXPECT_THAT(TalkAfter("", R"(copy_out { path: "/work/x" })"),
              HasErrorWith("job[1].sandbox[0].copy_out[0] (jobs:3:"));
  EXPECT_THAT(TalkAfter(R"(copy_in { target: "/work/x" text: "t" })", ""),
              HasErrorWith("is said by each sandbox"));
  EXPECT_THAT(TalkAfter(R"(copy_out { path: "/work/x" to: "x" })", ""),
              HasErrorWith("is said by each sandbox"));
}

TEST(ArtifactsTest, SandboxesThatTalkNameArtifactsOfJobsBefore) {
  EXPECT_THAT(TalkAfter("", R"(copy_in { target: "/work/x" artifact: "make:file" })"), IsOk());
  EXPECT_THAT(TalkAfter("", "", R"(bind_artifact { target: "/x" artifact: "make:file" })"), IsOk());
  EXPECT_THAT(TalkAfter("", R"(copy_in { target: "/work/x" artifact: "make:none" })"),
              HasErrorWith("sandbox[0].copy_in[0].artifact"));
  EXPECT_THAT(TalkAfter("", "", R"(bind_artifact { target: "/x" artifact: "other:file" })"),
              HasErrorWith("sandbox[1].bind_artifact[0].artifact"));
  // Not of its own talk, which is not over.
  EXPECT_THAT(TalkAfter("", R"(copy_out { path: "/work/x" artifact: "n" })",
                        R"(copy_in { target: "/work/x" artifact: "t:n" })"),
              HasErrorWith("is not in `after`"));
}

TEST(ArtifactsTest, WhatSandboxesThatTalkLeaveIsTheJobs) {
  const std::string leaves = R"(copy_out { path: "/work/x" artifact: "n" })";
  const auto tasks = TalkAfter("", "", leaves);
  ASSERT_THAT(tasks, IsOk());
  EXPECT_TRUE(UsesArtifacts((*tasks)[1].job));
  EXPECT_FALSE(UsesArtifacts((*TalkAfter("", ""))[1].job));
  EXPECT_THAT(TalkAfter("", leaves, leaves),
              HasErrorWith("sandbox[1].copy_out[0].artifact (jobs:4:"));
  const auto uses = [&](const std::string& artifact) {
    return ReadJobs(
        absl::StrCat(R"(job { name: "t" connect { from: "a.stdout" to: "b.stdin" } verdict_of: "a"
          sandbox { name: "a" argv: "x" } sandbox { name: "b" argv: "y" )",
                     leaves, R"( } }
          job { name: "u" after: "t" argv: "z" copy_in { target: "/work/x" artifact: ")",
                     artifact, "\" } }"),
        JobsForm::kText, "jobs");
  };
  EXPECT_THAT(uses("t:n"), IsOk());
  EXPECT_THAT(uses("t:m"), HasErrorWith("has no copy_out with the artifact \"m\""));
}

TEST(ArtifactsTest, WhatWasNotLeftIsAnErrorOfTheEntry) {
  EXPECT_THAT(Resolve(R"(copy_in { target: "/work/x" artifact: "make:tree/none" })"),
              HasErrorWith("copy_in[0]: the job \"make\" has left no artifact \"tree/none\""));
  EXPECT_THAT(Resolve(R"(bind_artifact { target: "/x" artifact: "make:tree" })"),
              HasErrorWith("bind_artifact[0]: a folder of artifacts cannot be bound"));
}

TEST(ArtifactsTest, OutputsThatAreMissingAreNotAsExpected) {
  const auto tasks = Tasks("");
  ASSERT_THAT(tasks, IsOk());
  v1::Report report;
  report.set_verdict(v1::EXITED);
  report.set_exit_code(0);
  EXPECT_EQ(WhyNotExpected((*tasks)[0].job, report), "");
  report.set_outputs_missing(true);
  EXPECT_EQ(WhyNotExpected((*tasks)[0].job, report), "not all of copy_out is there");
  report.add_not_collected()->set_optional(true);
  report.add_not_collected()->set_path("/work/a");
  report.mutable_not_collected(1)->set_why("does not exist");
  EXPECT_EQ(WhyNotExpected((*tasks)[0].job, report), "copy_out /work/a: does not exist");
  report.set_exit_code(1);
  EXPECT_THAT(WhyNotExpected((*tasks)[0].job, report), HasSubstr("exit code 1"));
}

}  // namespace
}  // namespace cordon
