// SPDX-License-Identifier: Apache-2.0
// From parts to the one report: what is in it when all is well, and of which part an error is.
#include "sandbox/api/run_talk.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/api/run_job.h"
#include "sandbox/os/event.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

class RunTalkTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
    token_ = absl::StrCat("token_", ::getpid(), "_",
                          testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override {
    EXPECT_THAT(ProcessesWith(token_), IsEmpty());
    EXPECT_THAT(ChildrenOfTest(), IsEmpty());
    EXPECT_THAT(GroupsOfTest(), IsEmpty());
  }
  TalkPart Part(const std::string& name, const std::vector<std::string>& words,
                const v1::CopyOut* takes = nullptr) {
    TalkPart part;
    part.name = name;
    part.policy = "test";
    part.facts = &facts_;
    part.streams = {nothing_.fd(), nothing_.fd(), nothing_.fd()};
    v1::JobSpec job;
    job.add_argv("/payload/payload");
    for (const std::string& word : words) job.add_argv(word);
    job.add_argv(token_);
    if (takes != nullptr) *job.add_copy_out() = *takes;
    part.prepare = [job](v1::Report* report) -> absl::StatusOr<ReadyJob> {
      CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, NormalizeText(JobPolicyText({})));
      return PrepareUnder({policy, absl::nullopt}, HostFactsOfTest(), job, report);
    };
    return part;
  }
  v1::Report Run(const std::vector<TalkPart>& parts, const Control& control = {}) {
    PolicySource profiles;
    return ReportOfTalk(parts, {{0, 1, 1}, {1, 1, 0}}, 0, profiles, control, &failure_);
  }

  const v1::HostFacts facts_ = HostFactsOfTest();
  const StreamFile nothing_;
  std::string token_;
  absl::Status failure_;
};

TEST_F(RunTalkTest, TheReportHasAllThatWasKnown) {
  const v1::Report report = Run({Part("a", {"talk_ask", "5"}), Part("b", {"cat"})});
  ASSERT_THAT(failure_, IsOk());
  EXPECT_EQ(report.verdict(), v1::EXITED);
  EXPECT_EQ(report.decided_by(), "a");
  ASSERT_EQ(report.sandbox_size(), 2);
  for (const v1::SandboxReport& each : report.sandbox()) {
    EXPECT_EQ(each.report().policy(), "test");
    EXPECT_FALSE(each.report().cordon_version().empty());
    EXPECT_EQ(each.report().limits().memory(), "64MiB");  // known before it began
    EXPECT_GT(each.report().layers_size(), 0);
  }
  ASSERT_EQ(report.stream_size(), 2);
  EXPECT_EQ(report.stream(0).bytes(), 5u);
}

TEST_F(RunTalkTest, FilesAreTakenOfEachThatHasAReport) {
  const SharedFolder folder;
  v1::CopyOut takes;
  takes.set_path("/work/said");
  takes.set_to(folder.path() + "/said");
  const v1::Report report =
      Run({Part("a", {"exit", "0"}), Part("b", {"write_file", "/work/said", "words"}, &takes)});
  ASSERT_THAT(failure_, IsOk());
  EXPECT_EQ(report.verdict(), v1::EXITED);
  EXPECT_EQ(FileText(folder.path() + "/said"), "words");
  ASSERT_EQ(report.sandbox(1).report().collected_size(), 1);
  EXPECT_EQ(report.collected_size(), 1);
}

TEST_F(RunTalkTest, AnErrorOfOneKeepsAllFromRunning) {
  const SharedFolder folder;
  std::vector<TalkPart> parts = {Part("a", {"exit", "0"}), Part("b", {"exit", "0"})};
  int prepared = 0;
  for (TalkPart& part : parts) {
    part.prepare = [&prepared, prepare = part.prepare](v1::Report* report) {
      ++prepared;
      return prepare(report);
    };
  }
  parts[1].ready = absl::NotFoundError("no such file");
  v1::Report report = Run(parts);
  EXPECT_EQ(failure_.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(prepared, 0);  // what came before is looked at first
  EXPECT_EQ(report.verdict(), v1::SETUP_FAILED);
  EXPECT_EQ(report.decided_by(), "b");
  EXPECT_EQ(report.sandbox(0).report().verdict(), v1::CANCELLED);
  EXPECT_TRUE(report.sandbox(0).report().setup_only());
  EXPECT_FALSE(report.has_usage());

  parts[1].ready = absl::OkStatus();
  parts[1].prepare = [](v1::Report*) -> absl::StatusOr<ReadyJob> {
    return absl::InvalidArgumentError("not such a job");
  };
  report = Run(parts);
  EXPECT_EQ(failure_.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(prepared, 1);
  EXPECT_EQ(report.decided_by(), "b");
  EXPECT_EQ(report.sandbox(1).report().error().message(), "not such a job");
  EXPECT_EQ(report.sandbox(0).report().verdict(), v1::CANCELLED);
}

TEST_F(RunTalkTest, WhatWouldAllowACallIsSaid) {
  const v1::Report report = Run({Part("a", {"talk_wait", "read"}), Part("b", {"unshare_user"})});
  ASSERT_THAT(failure_, IsOk());
  EXPECT_EQ(report.verdict(), v1::SYSCALL_VIOLATION);
  EXPECT_EQ(report.decided_by(), "b");
  EXPECT_EQ(report.violation().call(), "unshare");
  EXPECT_NE(report.violation().allow_with(), "");
  EXPECT_EQ(report.sandbox(1).report().violation().allow_with(), report.violation().allow_with());
}

TEST_F(RunTalkTest, ADescriptorCancelsAll) {
  absl::StatusOr<UniqueFd> event = MakeEventFd();
  ASSERT_THAT(event, IsOk());
  const uint64_t one = 1;
  ASSERT_EQ(::write(event->get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  const v1::Report report =
      Run({Part("a", {"talk_wait", "sleep"}), Part("b", {"talk_wait", "sleep"})},
          {false, event->get()});
  EXPECT_THAT(failure_, IsOk());
  EXPECT_EQ(report.verdict(), v1::CANCELLED);
  for (const v1::SandboxReport& each : report.sandbox()) {
    EXPECT_EQ(each.report().verdict(), v1::CANCELLED);
  }
}

}  // namespace
}  // namespace cordon
