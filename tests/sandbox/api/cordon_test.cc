// SPDX-License-Identifier: Apache-2.0
// The library as a program uses it; what a job leaves is looked for on the host.
#include "sandbox/api/cordon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

class CordonTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    if (IsSkipped()) return;
    ::signal(SIGPIPE, SIG_DFL);  // as in a program that knows nothing of it
  }
  absl::StatusOr<Runner> MakeRunner(const JobOptions& options = {}) {
    return MakeRunnerOf(JobPolicyText(options));
  }
  absl::StatusOr<Runner> MakeRunnerOf(const std::string& text) {
    CORDON_ASSIGN_OR_RETURN(const Host host, Host::Open());
    CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy,
                            LoadPolicyBytes({"test", text, PolicyForm::kText, ""}));
    return Runner::Make(host, policy);
  }
  v1::JobSpec Job(std::vector<std::string> words) {
    v1::JobSpec job;
    job.add_argv("/payload/payload");
    words.push_back(token_);
    for (const std::string& word : words) job.add_argv(word);
    return job;
  }
  // Calls `act` once the job of this test is there.
  std::thread WhenItRuns(const std::function<void()>& act) {
    return std::thread([this, act] {
      for (int i = 0; i < 3000 && ProcessesWith(token_).empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      act();
    });
  }
};

TEST_F(CordonTest, AJobFromTextToTextWithARowForEveryLayer) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  RunOptions options;
  options.in.text = std::string("a\0b\n", 4);
  std::string answer = "from before";
  options.out.text = &answer;
  const absl::StatusOr<v1::Report> report = runner->Run(Job({"cat"}), options);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::EXITED);
  EXPECT_EQ(report->exit_code(), 0);
  EXPECT_EQ(answer, std::string("a\0b\n", 4));
  EXPECT_EQ(report->layers_size(), 11);
  EXPECT_EQ(report->policy(), "test");
  EXPECT_EQ(report->cordon_version(), Version());
  EXPECT_FALSE(report->kernel_release().empty());
}

TEST_F(CordonTest, OneRunnerRunsManyJobsAndTheyOnlyTighten) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  for (const int code : {0, 7}) {
    const absl::StatusOr<v1::Report> report = runner->Run(Job({"exit", absl::StrCat(code)}));
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->exit_code(), code);
  }
  v1::JobSpec tighter = Job({"sleep", "1000000"});
  tighter.mutable_limits()->set_wall_time("200ms");
  const absl::StatusOr<v1::Report> ended = runner->Run(tighter);
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->verdict(), v1::WALL_LIMIT);
  v1::JobSpec wider = Job({"exit", "0"});
  wider.mutable_limits()->set_wall_time("1000s");
  EXPECT_THAT(runner->Run(wider), StatusIs(absl::StatusCode::kInvalidArgument, ""));
}

// Under another policy that says what the report says, the same job ends as it likes.
TEST_F(CordonTest, AViolationSaysWhatWouldAllowIt) {
  JobOptions text;
  text.seccomp += " rule { calls: \"mkdir\" action: KILL }";
  SharedFolder folder;
  const std::string broken = folder.path() + "/broken.textproto";
  std::ofstream(broken) << JobPolicyText(text);
  absl::StatusOr<Runner> runner = MakeRunner(text);
  ASSERT_THAT(runner, IsOk());
  absl::StatusOr<v1::Report> report = runner->Run(Job({"move", "/work"}));
  ASSERT_THAT(report, IsOk());
  ASSERT_EQ(report->verdict(), v1::SYSCALL_VIOLATION);
  EXPECT_EQ(report->violation().call(), "mkdir");
  const std::string allowed = report->violation().allow_with();
  EXPECT_THAT(allowed, HasSubstr("rule { calls: \"mkdir\" action: ALLOW }"));
  runner = MakeRunnerOf(absl::StrCat("extends: \"", broken, "\"\n", allowed));
  ASSERT_THAT(runner, IsOk());
  report = runner->Run(Job({"move", "/work"}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::EXITED);
  EXPECT_EQ(report->exit_code(), 0);
  EXPECT_FALSE(report->has_violation());
}

TEST_F(CordonTest, OutputGoesToDescriptorsFilesAndTexts) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  const SharedFolder folder;
  const StreamFile out;
  RunOptions options;
  options.out.fd = out.fd();
  options.err.path = folder.path() + "/err";
  ASSERT_THAT(runner->Run(Job({"echo", "one", "two"}), options), IsOk());
  EXPECT_EQ(out.Text(), "one");
  EXPECT_EQ(FileText(options.err.path), "two");
  std::string both;
  options = RunOptions();
  options.out.text = options.err.text = &both;
  ASSERT_THAT(runner->Run(Job({"echo", "one", "two"}), options), IsOk());
  EXPECT_THAT(both, testing::AnyOf("onetwo", "twoone"));
  options = RunOptions();
  options.in.path = folder.path() + "/err";
  options.out.path = options.err.path = folder.path() + "/all";
  ASSERT_THAT(runner->Run(Job({"cat"}), options), IsOk());
  EXPECT_EQ(FileText(folder.path() + "/all"), "two");
  // Without any of it: counted and dropped.
  const absl::StatusOr<v1::Report> report = runner->Run(Job({"echo", "one", "two"}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->usage().output_bytes(), 6u);
}

TEST_F(CordonTest, FilesAreCopiedInAndOut) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  const SharedFolder folder;
  v1::JobSpec job = Job({"canary", "/work/out"});
  v1::CopyIn* in = job.add_copy_in();
  in->set_target("/work/in");
  in->set_text("brought");
  for (const char* name : {"in", "out"}) {
    v1::CopyOut* out = job.add_copy_out();
    out->set_path(absl::StrCat("/work/", name));
    out->set_to(absl::StrCat(folder.path(), "/", name));
  }
  const absl::StatusOr<v1::Report> report = runner->Run(job);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::EXITED);
  EXPECT_EQ(report->copied_in_size(), 1);
  EXPECT_EQ(FileText(folder.path() + "/in"), "brought");
  EXPECT_EQ(FileText(folder.path() + "/out"), "alive\n");
}

TEST_F(CordonTest, ATextHoldsNoMoreThanTheLimitOnOutput) {
  JobOptions small;
  small.output = "10KiB";
  const absl::StatusOr<Runner> runner = MakeRunner(small);
  ASSERT_THAT(runner, IsOk());
  std::string text;
  RunOptions options;
  options.out.text = &text;
  const absl::StatusOr<v1::Report> report = runner->Run(Job({"flood"}), options);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::OUTPUT_LIMIT);
  EXPECT_EQ(text, std::string(10240, 'f'));
}

TEST_F(CordonTest, TwoEndsOfOneStreamAreRefused) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  RunOptions options;
  options.in.fd = 0;
  options.in.text = "x";
  EXPECT_THAT(runner->Run(Job({"cat"}), options), HasErrorWith("in: at most one of"));
  std::string text;
  options = RunOptions();
  options.err.path = "/dev/null";
  options.err.text = &text;
  EXPECT_THAT(runner->Run(Job({"cat"}), options), HasErrorWith("err: at most one of"));
}

TEST_F(CordonTest, AnotherThreadCancelsAndAHandleStaysCancelled) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  const absl::StatusOr<CancelHandle> handle = CancelHandle::Make();
  ASSERT_THAT(handle, IsOk());
  RunOptions options;
  options.cancel = *handle;
  // While nobody cancels, it changes nothing.
  ASSERT_EQ(runner->Run(Job({"exit", "3"}), options)->exit_code(), 3);
  std::thread canceller = WhenItRuns([&] { handle->Cancel(); });
  const absl::StatusOr<v1::Report> report = runner->Run(Job({"sleep", "1000000"}), options);
  canceller.join();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::CANCELLED) << report->ShortDebugString();
  EXPECT_NE(EvidenceOf(*report, "supervisor.cancel"), nullptr);
  const absl::StatusOr<v1::Report> later = runner->Run(Job({"sleep", "1000000"}), options);
  ASSERT_THAT(later, IsOk());
  EXPECT_EQ(later->verdict(), v1::CANCELLED);
}

// What a handler of SIGUSR1 does: only a descriptor's number is shared with it.
absl::optional<CancelHandle>& HandleOfSignal() {
  static auto* const handle = new absl::optional<CancelHandle>;
  return *handle;
}

TEST_F(CordonTest, ASignalHandlerMayCancel) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  HandleOfSignal() = CancelHandle::Make().value();
  ::signal(SIGUSR1, [](int) { HandleOfSignal()->Cancel(); });
  RunOptions options;
  options.cancel = HandleOfSignal();
  const pid_t runs = static_cast<pid_t>(::syscall(SYS_gettid));
  std::thread sender = WhenItRuns([&] { ::syscall(SYS_tgkill, ::getpid(), runs, SIGUSR1); });
  const absl::StatusOr<v1::Report> report = runner->Run(Job({"sleep", "1000000"}), options);
  sender.join();
  ::signal(SIGUSR1, SIG_DFL);
  options.cancel.reset();
  HandleOfSignal().reset();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->verdict(), v1::CANCELLED);
}

TEST_F(CordonTest, SignalsCancelOnlyWhenAsked) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  static volatile sig_atomic_t handled = 0;
  handled = 0;
  ::signal(SIGTERM, [](int) { handled = 1; });
  const pid_t runs = static_cast<pid_t>(::syscall(SYS_gettid));
  const auto terminate = [runs] { ::syscall(SYS_tgkill, ::getpid(), runs, SIGTERM); };
  v1::JobSpec job = Job({"sleep", "1000000"});
  job.mutable_limits()->set_wall_time("2s");
  std::thread first = WhenItRuns(terminate);
  const absl::StatusOr<v1::Report> left_alone = runner->Run(job);
  first.join();
  EXPECT_EQ(handled, 1);  // it was the caller's, and the job ran on
  ASSERT_THAT(left_alone, IsOk());
  EXPECT_EQ(left_alone->verdict(), v1::WALL_LIMIT);
  RunOptions options;
  options.signals = true;
  handled = 0;
  std::thread second = WhenItRuns(terminate);
  const absl::StatusOr<v1::Report> cancelled = runner->Run(Job({"sleep", "1000000"}), options);
  second.join();
  ::signal(SIGTERM, SIG_DFL);
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->verdict(), v1::CANCELLED);
  EXPECT_EQ(handled, 0);
}

TEST_F(CordonTest, ThreadsRunJobsBesideEachOther) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  std::vector<std::thread> threads;
  std::vector<std::string> wrong(6);
  for (size_t thread = 0; thread < wrong.size(); ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 3; ++round) {
        const std::string mine = absl::StrCat("thread ", thread, " round ", round);
        std::string answer;
        RunOptions options;
        options.in.text = mine;
        options.out.text = &answer;
        const absl::StatusOr<v1::Report> report = runner->Run(Job({"cat"}), options);
        if (!report.ok()) {
          wrong[thread] += AllErrors(report.status());
        } else if (report->verdict() != v1::EXITED || answer != mine) {
          wrong[thread] += report->ShortDebugString();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(""));
}

TEST_F(CordonTest, AReaderThatIsGoneHarmsNeitherProcessNorMask) {
  const absl::StatusOr<Runner> runner = MakeRunner();
  ASSERT_THAT(runner, IsOk());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  RunOptions options;
  options.out.fd = ends[1];
  sigset_t before;
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  const absl::StatusOr<v1::Report> report = runner->Run(Job({"flood"}), options);
  sigset_t after;
  ::sigprocmask(SIG_SETMASK, nullptr, &after);
  ::close(ends[1]);
  ASSERT_THAT(report, IsOk());  // and this process is there to say so
  EXPECT_EQ(report->signal_name(), "SIGPIPE");
  EXPECT_EQ(sigismember(&before, SIGPIPE), 0);
  EXPECT_EQ(sigismember(&after, SIGPIPE), 0);
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST_F(CordonTest, AProcessThatIsNotFitIsToldWhy) {
  ::signal(SIGCHLD, SIG_IGN);
  const absl::StatusOr<Host> ignored = Host::Open();
  ::signal(SIGCHLD, SIG_DFL);
  EXPECT_THAT(ignored, StatusIs(absl::StatusCode::kFailedPrecondition, "SIGCHLD is ignored"));
  const int copy = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
  ASSERT_GE(copy, 0);
  ::close(0);
  const absl::StatusOr<Host> closed = Host::Open();
  ASSERT_EQ(::dup2(copy, 0), 0);
  ::close(copy);
  EXPECT_THAT(closed, StatusIs(absl::StatusCode::kFailedPrecondition, "descriptor 0 is closed"));
  EXPECT_THAT(Host::Open(), IsOk());
}

// REQUIRED and not to be had: no host has this profile, and many have no AppArmor.
TEST_F(CordonTest, WhatIsRequiredAndMissingIsAnError) {
  JobOptions options;
  options.apparmor = "REQUIRED profile: \"cordon-test-nobody-has-this\"";
  const absl::StatusOr<Runner> runner = MakeRunner(options);
  const absl::Status status =
      runner.ok() ? runner->Run(Job({"exit", "0"})).status() : runner.status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, ""));
  const v1::Report report = ReportOfFailure(status);
  EXPECT_EQ(report.verdict(), v1::SETUP_FAILED);
  EXPECT_EQ(report.error().layer(), "apparmor");
}

TEST_F(CordonTest, NothingIsPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const absl::StatusOr<NormalPolicy> broken =
      LoadPolicyBytes({"broken", "limits { memory: \"lots\" }", PolicyForm::kText, ""});
  const absl::StatusOr<Runner> runner = MakeRunner();
  const absl::StatusOr<v1::Report> ran =
      runner.ok() ? runner->Run(Job({"echo", "one", "two"})) : runner.status();
  const absl::StatusOr<v1::Report> failed =
      runner.ok() ? runner->Run(v1::JobSpec()) : runner.status();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_FALSE(broken.ok());
  EXPECT_THAT(ran, IsOk());
  EXPECT_THAT(failed, HasErrorWith("argv: a job needs a program"));
}

}  // namespace
}  // namespace cordon
