// SPDX-License-Identifier: Apache-2.0
// Sandboxes that talk, as a program runs them through the library.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/api/cordon.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

class CordonTalkTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    if (IsSkipped()) return;
    ::signal(SIGPIPE, SIG_DFL);  // as in a program that knows nothing of it
    const absl::StatusOr<Host> host = Host::Open();
    ASSERT_THAT(host, IsOk());
    const absl::StatusOr<NormalPolicy> policy =
        LoadPolicyBytes({"test", JobPolicyText({}), PolicyForm::kText, ""});
    ASSERT_THAT(policy, IsOk());
    absl::StatusOr<Runner> runner = Runner::Make(*host, *policy);
    ASSERT_THAT(runner, IsOk());
    runner_.emplace(*std::move(runner));
    descriptors_ = DescriptorsOfTest().size();
  }
  TalkMember Member(const std::string& name, std::vector<std::string> words) {
    TalkMember member{name, *runner_, {}};
    member.job.add_argv("/payload/payload");
    words.push_back(token_);
    for (const std::string& word : words) member.job.add_argv(word);
    return member;
  }
  std::vector<TalkMember> Two(const std::vector<std::string>& grader,
                              const std::vector<std::string>& contestant) {
    return {Member("grader", grader), Member("contestant", contestant)};
  }
  static TalkOptions BothWays() {
    TalkOptions options;
    options.connect = {{"grader.stdout", "contestant.stdin"},
                       {"contestant.stdout", "grader.stdin"}};
    options.verdict_of = "grader";
    return options;
  }

  absl::optional<Runner> runner_;
};

TEST_F(CordonTalkTest, TheReportIsThatOfTheWhole) {
  const absl::StatusOr<v1::Report> report =
      Runner::RunTalk(Two({"talk_ask", "20"}, {"cat"}), BothWays());
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::EXITED);
  EXPECT_EQ(report->decided_by(), "grader");
  EXPECT_EQ(report->cordon_version(), Version());
  EXPECT_FALSE(report->kernel_release().empty());
  ASSERT_EQ(report->sandbox_size(), 2);
  for (const v1::SandboxReport& each : report->sandbox()) {
    EXPECT_EQ(each.report().layers_size(), 11);
    EXPECT_EQ(each.report().policy(), "test");
    EXPECT_EQ(each.report().kernel_release(), report->kernel_release());
  }
  EXPECT_EQ(report->usage().stdout_bytes(), 40u);
  EXPECT_EQ(report->stream(1).from(), "contestant.stdout");
}

TEST_F(CordonTalkTest, StreamsThatAreNotConnectedAreTheCallers) {
  std::vector<TalkMember> members = {Member("first", {"cat"}), Member("last", {"cat"})};
  TalkOptions options;
  options.connect = {{"first.stdout", "last.stdin"}};
  options.verdict_of = "last";
  std::string text = "from before";
  members[0].in.text = "words";
  members[1].out.text = &text;
  ASSERT_THAT(Runner::RunTalk(members, options), IsOk());
  EXPECT_EQ(text, "words");
}

TEST_F(CordonTalkTest, OneThatFailsDecides) {
  const absl::StatusOr<v1::Report> aborted =
      Runner::RunTalk(Two({"talk_ask", "9"}, {"abort"}), BothWays());
  ASSERT_THAT(aborted, IsOk());
  EXPECT_EQ(aborted->verdict(), v1::SIGNALED);
  EXPECT_EQ(aborted->decided_by(), "contestant");
  const absl::StatusOr<v1::Report> stuck =
      Runner::RunTalk(Two({"talk_wait", "read"}, {"talk_wait", "read"}), BothWays());
  ASSERT_THAT(stuck, IsOk());
  EXPECT_EQ(stuck->verdict(), v1::DEADLOCK);
}

TEST_F(CordonTalkTest, WhatIsWrongIsSaidWithItsMember) {
  std::vector<TalkMember> members = Two({"exit", "0"}, {"exit", "0"});
  members[1].job.mutable_limits()->set_wall_time("1000s");
  EXPECT_THAT(Runner::RunTalk(members, BothWays()), HasErrorWith("sandbox[1].limits.wall_time"));

  members = Two({"talk_wait", "sleep"}, {});
  members[1].job.set_argv(0, "/payload/missing");
  const absl::StatusOr<v1::Report> missing = Runner::RunTalk(members, BothWays());
  EXPECT_THAT(missing, HasErrorWith("sandbox[1]"));
  EXPECT_EQ(DetailsOf(missing.status())[0].errno_name(), "ENOENT");
}

TEST_F(CordonTalkTest, WhatIsConnectedIsChecked) {
  const std::vector<TalkMember> members = Two({"canary"}, {"canary"});
  TalkOptions options = BothWays();
  options.connect[1].to = "gradr.stdin";
  EXPECT_THAT(Runner::RunTalk(members, options), HasErrorWith("there is no sandbox \"gradr\""));
  options = BothWays();
  options.verdict_of.clear();
  EXPECT_THAT(Runner::RunTalk(members, options), HasErrorWith("verdict_of"));
  EXPECT_THAT(Runner::RunTalk({members[0]}, BothWays()), HasErrorWith("there are 1 sandboxes"));
  std::vector<TalkMember> both = members;
  both[0].in.text = "from outside, too";
  EXPECT_THAT(Runner::RunTalk(both, BothWays()), HasErrorWith("has a file, too"));
  both = members;
  both[1].err.fd = 2;
  both[1].err.path = "/dev/null";
  EXPECT_THAT(Runner::RunTalk(both, BothWays()), HasErrorWith("sandbox[1].err"));
}

TEST_F(CordonTalkTest, AHandleCancelsThemAll) {
  TalkOptions options = BothWays();
  const absl::StatusOr<CancelHandle> handle = CancelHandle::Make();
  ASSERT_THAT(handle, IsOk());
  options.cancel = *handle;
  std::thread canceller([&] {
    for (int i = 0; i < 3000 && ProcessesWith(token_).size() < 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    handle->Cancel();
  });
  const absl::StatusOr<v1::Report> report =
      Runner::RunTalk(Two({"talk_wait", "sleep"}, {"talk_wait", "sleep"}), options);
  canceller.join();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::CANCELLED);
  for (const v1::SandboxReport& each : report->sandbox()) {
    EXPECT_EQ(each.report().verdict(), v1::CANCELLED);
  }
}

TEST_F(CordonTalkTest, SeveralTalksAtATime) {
  std::vector<std::thread> threads;
  std::vector<std::string> verdicts(3);
  for (std::string& verdict : verdicts) {
    threads.emplace_back([&] {
      const absl::StatusOr<v1::Report> report =
          Runner::RunTalk(Two({"talk_ask", "50"}, {"cat"}), BothWays());
      verdict = report.ok() ? v1::Verdict_Name(report->verdict()) : report.status().ToString();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(verdicts, testing::Each("EXITED"));
}

}  // namespace
}  // namespace cordon
