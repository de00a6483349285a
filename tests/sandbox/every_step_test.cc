// SPDX-License-Identifier: Apache-2.0
// The program of a real plan with one operation that fails put in at every index: the error names
// that step, and neither a process nor a control group nor a mount is left.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/launch/launcher.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/os/event.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"
#include "tests/support/good_program.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::FrameKind;
using child::Op;
using child::Opcode;
using testing::IsEmpty;

// How far a broken program came.
struct Outcome {
  absl::Status prepare;                       // up to the gate
  std::optional<child::StatusFrame> failure;  // behind it
  bool exec_done = false;
  bool died_silently = false;
};

// The parameter: whether the filter has a listener, as by default, so that payload and init wait
// for each other in another way.
class EveryStepTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
    const absl::StatusOr<CompiledPlan> plan = PlanOf(GetParam() ? JobOptions() : WithoutListener());
    ASSERT_THAT(plan, IsOk());
    plan_ = plan->proto();
    if (plan_.apparmor().enabled()) {
      absl::StatusOr<AppArmorUse> use = EnsureAppArmorProfile(plan_.apparmor());
      ASSERT_THAT(use, IsOk());
      profile_use_ = *std::move(use);
    }
    launch_ = LaunchOf(*plan, {"exit", "0"}).value();
    facts_ = HostFactsOfTest();
    absl::StatusOr<ResolvedSources> sources = ResolveSources(plan_.mount(), facts_.privileged());
    ASSERT_THAT(sources, IsOk());
    sources_ = *std::move(sources);
    absl::StatusOr<CheckedProgram> program =
        BuildProgram({plan_, sources_, facts_.privileged()}, InitFilter());
    ASSERT_THAT(program, IsOk());
    good_ = program->program();
  }

  // What Sandbox::Prepare and Launch do, with a program of the test's own.
  Outcome Run(const CheckedProgram& program) {
    Outcome outcome;
    std::unique_ptr<CgroupLease> lease;
    if (plan_.cgroup().enabled()) lease = CreateCgroup(plan_.cgroup(), facts_).value();
    const StartOptions options = {facts_.privileged(),
                                  true,
                                  plan_.userns().uid(),
                                  plan_.userns().gid(),
                                  sources_.has_owner,
                                  sources_.owner,
                                  "/",
                                  GetParam()};
    absl::StatusOr<Child> child = StartChild(program, options, lease.get());
    outcome.prepare = child.status();
    if (!child.ok()) return outcome;
    const absl::Status entered = EnterGroup(*child, lease.get());
    outcome.prepare = AwaitGate(*child, program, 10000);
    if (!outcome.prepare.ok()) return outcome;
    EXPECT_THAT(entered, IsOk());
    EXPECT_THAT(OpenGate(*child, program, launch_), IsOk());
    UniqueFd listener;
    for (;;) {
      const auto frame = ReadFrame(child->status.get(), 10000, GetParam() ? &listener : nullptr);
      EXPECT_THAT(frame, IsOk());
      if (!frame.ok()) return outcome;
      if (!frame->has_value()) {
        outcome.died_silently = !outcome.failure.has_value() && !outcome.exec_done;
        return outcome;
      }
      // Init may have failed since.
      if ((*frame)->kind == FrameKind::kListener) (void)ConfirmListener(*child);
      if ((*frame)->kind == FrameKind::kExecDone) outcome.exec_done = true;
      const bool failed =
          (*frame)->kind == FrameKind::kStepFailed || (*frame)->kind == FrameKind::kExecFailed;
      if (failed && !outcome.failure.has_value()) outcome.failure = **frame;
    }
  }

  void ExpectNothingLeft(const std::string& mounts, size_t descriptors) {
    EXPECT_THAT(ChildrenOfTest(), IsEmpty());
    EXPECT_THAT(GroupsOfTest(), IsEmpty());
    EXPECT_EQ(MountsOfTest(), mounts);
    EXPECT_EQ(DescriptorsOfTest().size(), descriptors);
  }

  // A component longer than any file system allows: ENAMETOOLONG once there is a root, EBADF
  // before and after. It fails at every place of the init's side.
  void InsertFailingInitStep(SetupProgram* program, size_t at) {
    Op op = program->ops[IndexOf(*program, Opcode::kMakeSymlink)];
    const std::string path = "/" + std::string(300, 'x') + "/y";
    op.data = static_cast<uint32_t>(program->arena.size());
    program->arena.append(path.c_str(), path.size() + 1);
    InsertOp(program, at, op);
    program->origins[at].object = path;
  }

  v1::Plan plan_;
  AppArmorUse profile_use_;
  v1::LaunchPlan launch_;
  v1::HostFacts facts_;
  ResolvedSources sources_;
  SetupProgram good_;
};

TEST_P(EveryStepTest, TheUnbrokenProgramExecs) {
  const auto checked = CheckedProgram::Make(good_);
  ASSERT_THAT(checked, IsOk());
  const Outcome outcome = Run(*checked);
  EXPECT_THAT(outcome.prepare, IsOk());
  EXPECT_TRUE(outcome.exec_done);
  EXPECT_FALSE(outcome.failure.has_value());
}

TEST_P(EveryStepTest, AFailureAtAnyStepBeforeTheGateNamesItAndLeavesNothing) {
  const std::string mounts = MountsOfTest();
  const size_t descriptors = DescriptorsOfTest().size();
  const size_t gate = IndexOf(good_, Opcode::kGate);
  for (size_t at = 0; at <= gate; ++at) {
    SetupProgram program = good_;
    InsertFailingInitStep(&program, at);
    const auto checked = CheckedProgram::Make(std::move(program));
    ASSERT_THAT(checked, IsOk()) << at;
    const Outcome outcome = Run(*checked);
    ASSERT_FALSE(outcome.prepare.ok()) << at;
    const v1::ErrorDetail detail = DetailsOf(outcome.prepare)[0];
    EXPECT_EQ(detail.step(), "MakeSymlink") << at << ": " << AllErrors(outcome.prepare);
    EXPECT_EQ(detail.step_index(), static_cast<int>(at));
    EXPECT_NE(detail.errno_value(), 0) << at;
    ExpectNothingLeft(mounts, descriptors);
  }
}

TEST_P(EveryStepTest, AFailureOfTheInitBehindTheGateNamesItAndLeavesNothing) {
  const std::string mounts = MountsOfTest();
  const size_t descriptors = DescriptorsOfTest().size();
  const size_t reap = IndexOf(good_, Opcode::kReap);
  const size_t filter = IndexOf(good_, Opcode::kInitFilter);
  for (size_t at = IndexOf(good_, Opcode::kGate) + 1; at <= reap; ++at) {
    SetupProgram program = good_;
    InsertFailingInitStep(&program, at);
    const auto checked = CheckedProgram::Make(std::move(program));
    ASSERT_THAT(checked, IsOk()) << at;
    const Outcome outcome = Run(*checked);
    EXPECT_THAT(outcome.prepare, IsOk()) << at;
    if (at > filter) {
      // The init's own filter does not know the call: it dies before it could speak.
      EXPECT_TRUE(outcome.died_silently) << at;
    } else {
      ASSERT_TRUE(outcome.failure.has_value()) << at;
      EXPECT_EQ(outcome.failure->op_index, at);
      EXPECT_EQ(outcome.failure->opcode, Opcode::kMakeSymlink);
      EXPECT_THAT(StepError(*outcome.failure, good_), HasErrorWith("MakeSymlink"));
    }
    EXPECT_FALSE(outcome.exec_done);
    ExpectNothingLeft(mounts, descriptors);
  }
}

// A second setsid(2) of a session leader is EPERM. The twin makes the steps of the payload first,
// so that none of them can fail behind the gate alone.
TEST_P(EveryStepTest, AFailureOfThePayloadsSideNamesItBeforeTheGateAndLeavesNothing) {
  const std::string mounts = MountsOfTest();
  const size_t descriptors = DescriptorsOfTest().size();
  const size_t session = IndexOf(good_, Opcode::kPayloadSession);
  for (size_t at = session + 1; at + 1 <= good_.ops.size() - 1; ++at) {
    SetupProgram program = good_;
    const Op op = good_.ops[session];
    InsertOp(&program, at, op);
    const auto checked = CheckedProgram::Make(std::move(program));
    ASSERT_THAT(checked, IsOk()) << at;
    const Outcome outcome = Run(*checked);
    ASSERT_FALSE(outcome.prepare.ok()) << at;
    const v1::ErrorDetail detail = DetailsOf(outcome.prepare)[0];
    EXPECT_EQ(detail.step(), "PayloadSession") << at << ": " << AllErrors(outcome.prepare);
    EXPECT_EQ(detail.step_index(), static_cast<int>(at));
    EXPECT_EQ(detail.errno_name(), "EPERM");
    EXPECT_FALSE(outcome.exec_done);
    ExpectNothingLeft(mounts, descriptors);
  }
}

// The first of two identical operations that both would fail is the one that is named.
TEST_P(EveryStepTest, WrongValuesOfTheProgramAreErrorsOfTheirStep) {
  struct Case {
    Opcode code;
    void (*spoil)(Op*);
    const char* error;
  };
  const Case cases[] = {
      {Opcode::kAwaitParent, [](Op* op) { op->a = 'x'; }, "EPROTO"},
      {Opcode::kAwaitGroup, [](Op* op) { op->a = 'x'; }, "EPROTO"},
      {Opcode::kOpenTree,
       [](Op* op) {
         ++op->b;
         ++op->a;
       },
       "ESTALE"},
      {Opcode::kSetIds, [](Op* op) { op->a = 12345; }, "EINVAL"},
      {Opcode::kSetRlimit, [](Op* op) { op->a = 99; }, "EINVAL"},
      {Opcode::kLimitFiles, [](Op* op) { op->a = 99; }, "EINVAL"},
      {Opcode::kInitFilter, [](Op* op) { op->size2 = 8; }, "EINVAL"},
      // A right, and a right in a rule, that no kernel knows.
      {Opcode::kLandlockCreate, [](Op* op) { op->a = ~uint64_t{0}; }, "EINVAL"},
      {Opcode::kLandlockAllow, [](Op* op) { op->a = uint64_t{1} << 63; }, "EINVAL"},
      // Another label is expected than the one that the kernel shows.
      {Opcode::kAppArmorOnExec, [](Op* op) { op->data2 = op->data; }, "EPROTO"},
  };
  for (const Case& each : cases) {
    SetupProgram program = good_;
    const size_t at = IndexOf(good_, each.code);
    if (at == good_.ops.size()) continue;  // a kernel without Landlock, or AppArmor
    each.spoil(&program.ops[at]);
    const auto checked = CheckedProgram::Make(std::move(program));
    ASSERT_THAT(checked, IsOk());
    const Outcome outcome = Run(*checked);
    const absl::Status failed =
        outcome.failure.has_value() ? StepError(*outcome.failure, good_) : outcome.prepare;
    EXPECT_THAT(failed, HasErrorWith(each.error)) << OpcodeName(each.code);
    EXPECT_THAT(failed, HasErrorWith(std::string(OpcodeName(each.code))));
    EXPECT_THAT(ChildrenOfTest(), IsEmpty());
    EXPECT_THAT(GroupsOfTest(), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Filters, EveryStepTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& each) {
                           return each.param ? "WithListener" : "WithoutListener";
                         });

}  // namespace
}  // namespace cordon
