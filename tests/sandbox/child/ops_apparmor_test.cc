// SPDX-License-Identifier: Apache-2.0
// AppArmor on a real kernel: the running payload's label, seen from the host; what the mounts and
// the filter let pass is denied by the profile, and the same job without the layer does it; and
// no job starts without the profile that its policy asks for.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "sandbox/child/context.h"
#include "sandbox/launch/launcher.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/apparmor_memory.h"
#include "sandbox/os/apparmor.h"
#include "sandbox/os/process.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"
#include "tests/support/running_job.h"

namespace cordon {
namespace {

using testing::HasSubstr;

constexpr char kOn[] = "REQUIRED";
constexpr char kOff[] = "OFF";

JobOptions Options(const std::string& apparmor) {
  JobOptions options;
  options.seccomp.insert(options.seccomp.find(']'), ", \"inet\", \"unix\"");
  options.landlock = "OFF";  // alone: what is denied is denied by AppArmor
  options.apparmor = apparmor;
  return options;
}

std::string LabelOf(const std::string& pid) {
  return FileText("/proc/" + pid + "/attr/apparmor/current");
}

class OpsAppArmorTest : public RunningJobTest {
 protected:
  void SetUp() override {
    RunningJobTest::SetUp();
    const v1::AppArmorFacts facts = HostFactsOfTest().apparmor();
    CORDON_NEEDS("AppArmor", facts.present());
    CORDON_NEEDS("AppArmor profiles (root, or what cordon-setup makes)",
                 facts.may_load() || facts.family());
  }

  static int Errno(const std::vector<std::string>& arguments, const JobOptions& options) {
    const JobResult result = RunPayload(arguments, options);
    EXPECT_THAT(result.report, IsOk());
    if (!result.report.ok()) return -1;
    EXPECT_EQ(result.report->verdict(), v1::EXITED) << result.verdict();
    return result.report->exit_code();
  }

  v1::LayerReport Row() const {
    for (const v1::LayerReport& each : sandbox_->layers()) {
      if (each.layer() == "apparmor") return each;
    }
    return {};
  }
};

TEST_F(OpsAppArmorTest, TheHostSeesThePayloadInTheProfileAndTheInitInNone) {
  Start(Options(kOn));
  if (HasFatalFailure()) return;
  EXPECT_EQ(LabelOf(payload_), AppArmorShown(sandbox_->plan().apparmor()) + " (enforce)\n");
  const auto init = ParseAppArmorLabel(LabelOf(init_));
  ASSERT_THAT(init, IsOk());
  EXPECT_TRUE(IsUnconfined(*init));
  EXPECT_EQ(Row().state(), v1::ENFORCED_VERIFIED);
  EXPECT_THAT(Row().detail(), HasSubstr(AppArmorShown(sandbox_->plan().apparmor())));
}

TEST_F(OpsAppArmorTest, SwitchedOffThePayloadIsUnconfined) {
  Start(Options(kOff));
  if (HasFatalFailure()) return;
  const auto label = ParseAppArmorLabel(LabelOf(payload_));
  ASSERT_THAT(label, IsOk());
  EXPECT_TRUE(IsUnconfined(*label));
  EXPECT_EQ(Row().state(), v1::LAYER_OFF);
}

// Without its rule about signals a profile keeps everybody but the kernel from ending the job.
TEST_F(OpsAppArmorTest, AConfinedJobCanBeKilledFromTheHost) {
  Start(Options(kOn));
  if (HasFatalFailure()) return;
  ASSERT_EQ(::kill(static_cast<pid_t>(std::stol(payload_)), SIGKILL), 0);
  EXPECT_THAT(WaitPidfd(sandbox_->child().pidfd.get(), true), IsOk());
  sandbox_->child().reaped = true;
  EXPECT_FALSE(std::filesystem::exists("/proc/" + payload_));
}

TEST_F(OpsAppArmorTest, ALimitEndsAConfinedJob) {
  JobOptions options = Options(kOn);
  options.wall_time = "1s";
  EXPECT_STREQ(RunPayload({"ignore_signals"}, options).verdict(), "WALL_LIMIT");
}

TEST_F(OpsAppArmorTest, WhatTheMountsGiveIsLeft) {
  for (const char* apparmor : {kOff, kOn}) {
    EXPECT_EQ(Errno({"open_to_write", "/dev/null"}, Options(apparmor)), 0) << apparmor;
    EXPECT_EQ(Errno({"open_to_write", "/proc/self/comm"}, Options(apparmor)), 0) << apparmor;
    EXPECT_EQ(Errno({"canary", "/work/new"}, Options(apparmor)), 0) << apparmor;
    EXPECT_EQ(Errno({"signal_child"}, Options(apparmor)), 0) << apparmor;
  }
}

// The mount of /proc and the filter allow it, and its mode.
TEST_F(OpsAppArmorTest, FilesOfTheKernelAreNotWritten) {
  EXPECT_EQ(Errno({"open_to_write", "/proc/self/clear_refs"}, Options(kOff)), 0);
  EXPECT_EQ(Errno({"open_to_write", "/proc/self/clear_refs"}, Options(kOn)), EACCES);
}

TEST_F(OpsAppArmorTest, SocketsWithoutANetworkAreNotMade) {
  CORDON_NEEDS("AppArmor profiles of policies", HostFactsOfTest().apparmor().may_load());
  EXPECT_EQ(Errno({"tcp_bind", "40000"}, Options(kOff)), 0);
  EXPECT_EQ(Errno({"tcp_bind", "40000"}, Options(kOn)), EACCES);
}

TEST_F(OpsAppArmorTest, AMissingProfileIsNoStart) {
  const JobResult result =
      RunPayload({"exit", "0"}, Options("REQUIRED profile: \"cordon-no-such-profile\""));
  EXPECT_THAT(result.report, HasErrorWith("the profile cordon-no-such-profile is not loaded"));
  const JobResult optional =
      RunPayload({"exit", "0"}, Options("IF_AVAILABLE profile: \"cordon-no-such-profile\""));
  ASSERT_THAT(optional.report, IsOk());
  for (const v1::LayerReport& each : optional.report->layers()) {
    if (each.layer() != "apparmor") continue;
    EXPECT_EQ(each.state(), v1::UNAVAILABLE);
    EXPECT_THAT(each.detail(), HasSubstr("cordon-no-such-profile is not loaded"));
  }
}

// The profile goes between the supervisor's look and the payload's exec, which would be unconfined.
TEST_F(OpsAppArmorTest, AProfileThatVanishesIsNoStartEither) {
  const absl::StatusOr<CompiledPlan> good = PlanOf(Options(kOff));
  ASSERT_THAT(good, IsOk());
  const v1::HostFacts facts = HostFactsOfTest();
  v1::Plan whole = good->proto();
  whole.mutable_apparmor()->set_enabled(true);
  whole.mutable_apparmor()->set_name("cordon-no-such-profile");
  const auto sources = ResolveSources(whole.mount(), facts.privileged());
  ASSERT_THAT(sources, IsOk());
  const auto program = BuildProgram({whole, *sources, facts.privileged()}, InitFilter());
  ASSERT_THAT(program, IsOk());
  const StartOptions start = {facts.privileged(),   true,
                              whole.userns().uid(), whole.userns().gid(),
                              sources->has_owner,   sources->owner};
  auto child = StartChild(*program, start, nullptr);
  ASSERT_THAT(child, IsOk());
  ASSERT_THAT(EnterGroup(*child, nullptr), IsOk());
  // The twin meets it first.
  EXPECT_THAT(AwaitGate(*child, *program, 30000),
              HasErrorWith("AppArmorOnExec: write(\"cordon-no-such-profile\"): ENOENT"));
}

// What follows loads profiles of the test's own.
class OwnProfileTest : public OpsAppArmorTest {
 protected:
  void SetUp() override {
    OpsAppArmorTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const v1::AppArmorFacts facts = HostFactsOfTest().apparmor();
    CORDON_NEEDS("root, for profiles of the administrator's",
                 facts.may_load() && facts.policy_namespace().empty());
    name_ = absl::StrCat("cordon-test-", ::getpid());
  }
  void TearDown() override {
    if (!name_.empty()) {
      std::ofstream("/sys/kernel/security/apparmor/.remove") << name_ << std::flush;
    }
    RunningJobTest::TearDown();
  }
  void Load(absl::string_view flags, absl::string_view rules) {
    const auto binary = CompileAppArmorText(
        absl::StrCat("abi <abi/3.0>,\nprofile ", name_, " flags=(attach_disconnected", flags,
                     ") {\n \"/{,**}\" rwmix, signal, ", rules, "}\n"));
    ASSERT_THAT(binary, IsOk());
    ASSERT_THAT(LoadAppArmorProfile("", *binary), IsOk());
    const auto loaded = FindAppArmorProfile("", name_);
    ASSERT_THAT(loaded, IsOk());
    EXPECT_TRUE(loaded->found);
    EXPECT_TRUE(HasKernelHash(*binary, loaded->hash)) << loaded->hash;
    EXPECT_FALSE(HasKernelHash(*binary + " ", loaded->hash));
  }
  JobOptions Entering() const { return Options(absl::StrCat("REQUIRED profile: \"", name_, "\"")); }

  std::string name_;
};

// Judged on the host: the mount is writable as a whole.
TEST_F(OwnProfileTest, TheAdministratorsProfileIsEnteredAndHolds) {
  Load("", "audit deny \"/out/secret\" rw,");
  if (HasFatalFailure()) return;
  const SharedFolder folder;
  const auto writes = [&](JobOptions options, const std::string& name) {
    options.mounts = "bind { source: \"" + folder.path() + "\" target: \"/out\" read_only: false }";
    EXPECT_THAT(RunPayload({"canary", "/out/" + name}, options).report, IsOk());
    return std::filesystem::remove(folder.path() + "/" + name);
  };
  EXPECT_TRUE(writes(Entering(), "open"));
  EXPECT_FALSE(writes(Entering(), "secret"));
  EXPECT_TRUE(writes(Options(kOff), "secret"));
  Start(Entering());
  if (HasFatalFailure()) return;
  EXPECT_EQ(LabelOf(payload_), name_ + " (enforce)\n");
}

TEST_F(OwnProfileTest, AProfileThatOnlyComplainsIsRefused) {
  Load(",complain", "");
  if (HasFatalFailure()) return;
  EXPECT_THAT(RunPayload({"exit", "0"}, Entering()).report,
              HasErrorWith(absl::StrCat("the profile ", name_, " is in complain mode")));
}

// As somebody would who wants jobs to run behind less: the bytes decide, not the name.
TEST_F(OwnProfileTest, AnotherProfileOfOurNameIsReplaced) {
  const absl::StatusOr<CompiledPlan> plan = PlanOf(Options(kOn));
  ASSERT_THAT(plan, IsOk());
  const v1::AppArmorPlan& apparmor = plan->proto().apparmor();
  ASSERT_THAT(EnsureAppArmorProfile(apparmor), IsOk());
  const auto ours = FindAppArmorProfile("", apparmor.name());
  ASSERT_THAT(ours, IsOk());
  const auto wide = CompileAppArmorText(
      absl::StrCat("profile ", apparmor.name(), " { file, signal, network, }\n"));
  ASSERT_THAT(wide, IsOk());
  ASSERT_THAT(LoadAppArmorProfile("", *wide), IsOk());
  const auto theirs = FindAppArmorProfile("", apparmor.name());
  ASSERT_THAT(theirs, IsOk());
  EXPECT_NE(theirs->hash, ours->hash);
  ASSERT_THAT(EnsureAppArmorProfile(apparmor), IsOk());
  EXPECT_EQ(FindAppArmorProfile("", apparmor.name())->hash, ours->hash);
  EXPECT_EQ(Errno({"open_to_write", "/proc/self/clear_refs"}, Options(kOn)), EACCES);
}

// A profile that is unloaded leaves what runs in it unconfined.
TEST_F(OwnProfileTest, ProfilesThatNobodyUsesAreUnloadedAndNoOthers) {
  const AppArmorMemory memory = AppArmorMemory::Open();
  CORDON_NEEDS("/run that only root can write", memory.valid());
  JobOptions other = Options(kOn);
  other.mounts = "tmpfs { target: \"/unused\" size: \"1MiB\" }";
  const absl::StatusOr<CompiledPlan> unused = PlanOf(other);
  ASSERT_THAT(unused, IsOk());
  const std::string unused_name = unused->proto().apparmor().name();
  {
    const auto use = EnsureAppArmorProfile(unused->proto().apparmor());
    ASSERT_THAT(use, IsOk());
    memory.Sweep(0, 0);
    EXPECT_TRUE(FindAppArmorProfile("", unused_name)->found) << "it is in use";
  }
  Start(Options(kOn));
  if (HasFatalFailure()) return;
  const std::string used_name = sandbox_->plan().apparmor().name();
  constexpr uint64_t kHour = uint64_t{3600} * 1'000'000'000;
  memory.Sweep(0, kHour);
  EXPECT_TRUE(FindAppArmorProfile("", unused_name)->found) << "it is young";
  memory.Sweep(0, 0);
  EXPECT_FALSE(FindAppArmorProfile("", unused_name)->found);
  EXPECT_TRUE(FindAppArmorProfile("", used_name)->found);
  EXPECT_EQ(LabelOf(payload_), used_name + " (enforce)\n");
  sandbox_.reset();
  memory.Sweep(0, 0);
  EXPECT_FALSE(FindAppArmorProfile("", used_name)->found);
}

// A host's tree in the place of procfs, as a namespace of root's could have it: the handler is
// given one whose file has the right name and takes every write.
TEST(AppArmorOnExecTest, ALabelIsWrittenToProcfsAndToNothingElse) {
  const SharedFolder tree;
  const std::string folder = tree.path() + "/self/attr/apparmor";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/exec") << "";
  const std::string arena = absl::StrCat("exec cordon", std::string(1, '\0'), "cordon");
  child::Op op = {};
  op.code = child::Opcode::kAppArmorOnExec;
  op.data = 0;
  op.data2 = static_cast<uint32_t>(arena.find('\0') + 1);
  child::Context context = {};
  context.program.arena = arena.c_str();
  const UniqueFd proc(::open(tree.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  context.proc_fd = proc.get();
  const child::OpResult result = child::RunAppArmorOnExec(context, op);
  EXPECT_EQ(result.error, EPROTO);
  EXPECT_EQ(result.call, child::KernelCall::k_statfs);
  EXPECT_EQ(FileText(folder + "/exec"), "") << "the label went somewhere else";
}

}  // namespace
}  // namespace cordon
