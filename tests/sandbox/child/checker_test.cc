// SPDX-License-Identifier: Apache-2.0
// The process that starts health checks, at the level of frames: the test is the supervisor.
#include <signal.h>
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/children.h"
#include "tests/support/good_program.h"
#include "tests/support/host_watch.h"
#include "tests/support/sandbox_parts.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::FrameKind;
using child::Opcode;
using child::StatusFrame;

constexpr uint32_t kForged = 77;  // number of the check that forge_health speaks of

class CheckerTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    options_.landlock = "OFF";
    options_.limits = "open_files: 77";
    ASSERT_THAT(parts_.Build(options_), IsOk());
  }

  // A job that runs, and a checker for this command.
  void Start(const std::vector<std::string>& job, const std::vector<std::string>& check) {
    Begin(job, check);
    ASSERT_EQ(Await(FrameKind::kExecDone).kind, FrameKind::kExecDone);
  }
  void Begin(const std::vector<std::string>& job, const std::vector<std::string>& check) {
    ASSERT_THAT(parts_.Start(parts_.good), IsOk());
    v1::LaunchPlan launch;
    launch.add_argv("/payload/payload");
    for (const std::string& word : job) launch.add_argv(word);
    launch.add_exec_path("/payload/payload");
    launch.set_working_directory("/work");
    launch.add_environment("A=1");
    for (const std::string& word : check) launch.mutable_health()->add_argv(word);
    launch.mutable_health()->add_exec_path(check[0]);
    ASSERT_THAT(OpenGate(parts_.child, *parts_.checked, launch), IsOk());
    checker_ = Await(FrameKind::kCheckerForked).aux;
    ASSERT_NE(checker_, 0u);
  }

  // The next frame of that kind; others are dropped.
  StatusFrame Await(FrameKind kind, int timeout_ms = 60000) {
    for (;;) {
      const auto frame = ReadFrame(parts_.child.status.get(), timeout_ms);
      if (!frame.ok() || !frame->has_value()) return {};
      if ((*frame)->kind == kind) return **frame;
    }
  }

  void Tell(char byte) {
    ASSERT_THAT(WriteAll(parts_.child.control.get(), "control", absl::string_view(&byte, 1)),
                IsOk());
  }
  void LetGo(uint32_t number) {
    __atomic_store_n(&parts_.child.region()->check_go, number, __ATOMIC_RELEASE);
  }
  // Asks for check `number`, lets it go, and gives how it ended.
  StatusFrame Check(uint32_t number) {
    Tell(child::kByteCheck);
    const StatusFrame stands = Await(FrameKind::kCheckStands);
    EXPECT_EQ(stands.aux64, number);
    LetGo(number);
    const StatusFrame ended = Await(FrameKind::kCheckEnded);
    EXPECT_EQ(ended.aux64 >> 32, number);
    return ended;
  }
  std::string Output() const {
    const child::SharedRegion& region = *parts_.child.region();
    return {region.check_output, region.check_output_size};
  }
  std::string ProcOf(uint32_t inside, const std::string& file) {
    const absl::StatusOr<FoundChild> checker = FindChild(parts_.child.pid, checker_);
    if (!checker.ok()) return "no checker";
    const absl::StatusOr<FoundChild> found =
        inside == checker_ ? FindChild(parts_.child.pid, inside) : FindChild(checker->pid, inside);
    return found.ok() ? FileText("/proc/" + std::to_string(found->pid) + "/" + file) : "gone";
  }

  JobOptions options_;
  SandboxParts parts_;
  uint32_t checker_ = 0;
};

TEST_F(CheckerTest, ChecksAreMadeOneAfterTheOtherAndReported) {
  Start({"sleep", "1000000"}, {"/payload/payload", "exit", "4"});
  for (uint32_t number = 1; number <= 30; ++number) {
    const StatusFrame ended = Check(number);
    EXPECT_EQ(ended.aux, static_cast<uint32_t>(CLD_EXITED));
    EXPECT_EQ(static_cast<uint32_t>(ended.aux64), 4u);
  }
  if (IsRoot()) {
    // Nothing of them is left in it: stdio, two pipes, the procfs.
    const absl::StatusOr<FoundChild> checker = FindChild(parts_.child.pid, checker_);
    ASSERT_THAT(checker, IsOk());
    EXPECT_LE(NamesIn("/proc/" + std::to_string(checker->pid) + "/fd").size(), 6u);
  }
}

TEST_F(CheckerTest, ACheckWaitsForTheSupervisorUnderItsFilter) {
  Start({"sleep", "1000000"}, {"/payload/payload", "exit", "0"});
  Tell(child::kByteCheck);
  const StatusFrame stands = Await(FrameKind::kCheckStands);
  ASSERT_EQ(stands.kind, FrameKind::kCheckStands);
  for (int i = 0; i < 2000; ++i) {
    if (ParseStatus(ProcOf(stands.aux, "status"))["Seccomp"] == "2") break;
    ::usleep(1000);
  }
  EXPECT_EQ(ParseStatus(ProcOf(stands.aux, "status"))["Seccomp"], "2");
  // The checker has the caller's limit of open files, and a check the job's.
  const auto limits = ParseLimits(ProcOf(stands.aux, "limits"));
  ASSERT_THAT(limits, IsOk());
  EXPECT_EQ(limits->at("Max open files").hard, 77u);
  LetGo(7);  // that is another one's
  EXPECT_EQ(Await(FrameKind::kCheckEnded, 300).kind, FrameKind{});
  LetGo(1);
  EXPECT_EQ(static_cast<uint32_t>(Await(FrameKind::kCheckEnded).aux64), 0u);
}

TEST_F(CheckerTest, OneThatTakesTooLongIsEndedWithItsGroup) {
  const std::string token = "checker_" + std::to_string(::getpid());
  Start({"sleep", "1000000"}, {"/payload/payload", "end_on_signal", "10", token});
  Tell(child::kByteCheck);
  (void)Await(FrameKind::kCheckStands);
  LetGo(1);
  for (int i = 0; i < 20000 && ProcessesWith(token).size() < 2; ++i) ::usleep(1000);
  EXPECT_GE(ProcessesWith(token).size(), 2u);  // with a child
  Tell(child::kByteStopCheck);
  const StatusFrame ended = Await(FrameKind::kCheckEnded);
  EXPECT_EQ(ended.aux, static_cast<uint32_t>(CLD_KILLED));
  EXPECT_EQ(static_cast<uint32_t>(ended.aux64), static_cast<uint32_t>(SIGKILL));
  for (int i = 0; i < 20000 && !ProcessesWith(token).empty(); ++i) ::usleep(1000);
  EXPECT_THAT(ProcessesWith(token), testing::IsEmpty());
  EXPECT_EQ(Output(), "ready\n");
  // A word that comes too late is about nobody.
  Tell(child::kByteStopCheck);
  Tell(child::kByteStopCheck);
  Tell(child::kByteCheck);
  EXPECT_EQ(Await(FrameKind::kCheckStands).aux64, 2u);
}

TEST_F(CheckerTest, OutputIsKeptInBoundsAndIsTheLastChecks) {
  Start({"sleep", "1000000"}, {"/payload/payload", "environment"});
  (void)Check(1);
  EXPECT_EQ(Output(), "A=1\n");
  (void)Check(2);
  EXPECT_EQ(Output(), "A=1\n");
}

TEST_F(CheckerTest, AProgramThatIsNotThereIsAFailedStep) {
  Start({"sleep", "1000000"}, {"/nowhere"});
  Tell(child::kByteCheck);
  (void)Await(FrameKind::kCheckStands);
  LetGo(1);
  const StatusFrame failed = Await(FrameKind::kCheckFailed);
  EXPECT_EQ(failed.opcode, Opcode::kExec);
  EXPECT_EQ(failed.error, ENOENT);
  EXPECT_EQ(failed.aux, 1u);
  EXPECT_EQ(Await(FrameKind::kCheckEnded).aux64 >> 32, 1u);
}

TEST_F(CheckerTest, ItIsClosedToTheJobAndCannotBeDumped) {
  Start({"sleep", "1000000"}, {"/payload/payload", "exit", "0"});
  const absl::StatusOr<FoundChild> checker = FindChild(parts_.child.pid, checker_);
  ASSERT_THAT(checker, IsOk());
  // The files of a process that cannot be dumped are root's.
  struct stat info = {};
  ASSERT_EQ(::stat(("/proc/" + std::to_string(checker->pid) + "/fd").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0u);
  std::map<std::string, std::string> status = ParseStatus(ProcOf(checker_, "status"));
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["CapEff"], "0000000000000000");
  EXPECT_EQ(status["Name"], "cordon-checker");
  EXPECT_EQ(ProcOf(checker_, "oom_score_adj"), "1000\n");
  EXPECT_EQ(ProcOf(checker_, "cmdline").find_first_not_of('\0'), std::string::npos);
}

// The job's own filter lets it try. With the guard in place nothing of another process is open to
// it; without, it speaks in the checker's name, and so the attack is a real one.
class ForgeTest : public CheckerTest {
 protected:
  void SetUp() override {
    options_.seccomp += R"(
      rule { calls: ["ptrace", "process_vm_writev", "pidfd_getfd", "pidfd_open"] action: ALLOW })";
    CheckerTest::SetUp();
  }
  // Whether a forged frame comes, in the time that the job tries.
  bool Forged() {
    // Without the guard the job may stop the init before that says that the program has begun.
    Begin({"forge_health", "600"}, {"/payload/payload", "exit", "1"});
    for (;;) {
      const auto frame = ReadFrame(parts_.child.status.get(), 60000);
      if (!frame.ok() || !frame->has_value()) return false;
      if ((*frame)->kind == FrameKind::kCheckEnded && (*frame)->aux64 >> 32 == kForged) return true;
      if ((*frame)->kind == FrameKind::kWaitStatus) done_ = static_cast<uint32_t>((*frame)->aux64);
    }
  }
  uint32_t done_ = 0;
};

TEST_F(ForgeTest, NothingOfTheCheckerIsOpenToTheJob) {
  EXPECT_FALSE(Forged());
  EXPECT_EQ(done_, 0u);
}

TEST_F(ForgeTest, WithoutTheGuardItWouldBe) {
  CORDON_NEEDS("an ordinary user: the change of root's ids closes a process, too", !IsRoot());
  EraseOp(&parts_.good, IndexOf(parts_.good, Opcode::kSetUndumpable));
  EXPECT_TRUE(Forged());
}

}  // namespace
}  // namespace cordon
