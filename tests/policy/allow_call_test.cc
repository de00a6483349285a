// SPDX-License-Identifier: Apache-2.0
#include "policy/allow_call.h"

#include <algorithm>
#include <initializer_list>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "policy/bpf/call_words.h"
#include "policy/bpf/calls_diff.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/rules.h"
#include "policy/merge.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Architecture kArch = Architecture::kX86_64;

CallSample Call(const std::string& name, std::initializer_list<uint64_t> args) {
  CallSample call;
  call.architecture = AuditArchitecture(kArch);
  call.number = FindSyscall(name, kArch).value().value();
  std::copy(args.begin(), args.end(), call.args.begin());
  return call;
}

v1::CallViolation ViolationOf(const CallSample& call) {
  v1::CallViolation violation;
  violation.set_call(SyscallName(call.number, kArch));
  violation.set_number(call.number);
  violation.set_architecture("x86_64");
  const std::vector<ArgumentType> types = ArgumentsOf(violation.call(), kArch);
  for (size_t i = 0; i < types.size(); ++i) {
    violation.add_argument(ArgumentText(types[i], call.args[i]));
  }
  return violation;
}

v1::SeccompRules RulesOf(const NormalPolicy& policy) {
  return BuildRules(policy.proto().seccomp(), kArch).value();
}

// The policy that an author would have: the text in a file that extends the broken one.
NormalPolicy With(const NormalPolicy& policy, const std::string& text) {
  const auto parsed = ParsePolicy(text, PolicyForm::kText, "more.textproto");
  EXPECT_THAT(parsed, IsOk()) << text;
  auto merged = NormalPolicy::Make(MergePolicies(policy.parsed(), *parsed));
  EXPECT_THAT(merged, IsOk()) << text;
  return *std::move(merged);
}

// The arguments that the first rule of the text names.
std::set<uint32_t> TestedBy(const std::string& text) {
  const auto parsed = ParsePolicy(text, PolicyForm::kText, "more.textproto");
  EXPECT_THAT(parsed, IsOk());
  std::set<uint32_t> args;
  for (const v1::Condition& condition : parsed->policy.seccomp().rule(0).when()) {
    if (condition.comparison_case() == v1::Condition::kEquals) args.insert(condition.arg());
  }
  return args;
}

bool Runs(const v1::SeccompRules& rules, const CallSample& call) {
  return AnswerOf(MeaningOf(rules, kArch, call)) == Answer::kRuns;
}

// Everything that runs now and did not before is this call, with these values of the arguments that
// the text names; the comparison covers all calls and all arguments.
void ExpectNothingElse(const v1::SeccompRules& before, const v1::SeccompRules& after,
                       const CallSample& call, const std::string& text) {
  const std::vector<ArgumentType> types = ArgumentsOf(SyscallName(call.number, kArch), kArch);
  const auto widened = CallsWidened(before, after, kArch);
  ASSERT_THAT(widened, IsOk());
  bool runs = false;
  for (const CallWidening& each : *widened) {
    ASSERT_EQ(each.number, call.number) << text << "\nwidens " << each.call;
    if (each.after != Answer::kRuns) continue;
    runs = true;
    for (const uint32_t arg : TestedBy(text)) {
      EXPECT_EQ(BitsRead(types[arg], each.example.args[arg]), BitsRead(types[arg], call.args[arg]))
          << text << "\nwidens " << each.call << " with " << each.arguments;
    }
  }
  EXPECT_TRUE(runs) << text;
}

// One bit apart in an argument that the text names: as before.
void ExpectNoNeighbour(const v1::SeccompRules& before, const v1::SeccompRules& after,
                       const CallSample& call, const std::string& text) {
  const std::vector<ArgumentType> types = ArgumentsOf(SyscallName(call.number, kArch), kArch);
  for (const uint32_t arg : TestedBy(text)) {
    for (uint32_t bit = 0; bit < types[arg].bits; ++bit) {
      CallSample neighbour = call;
      neighbour.args[arg] ^= uint64_t{1} << bit;
      EXPECT_EQ(Runs(after, neighbour), Runs(before, neighbour))
          << text << ", argument " << arg << " bit " << bit;
    }
  }
}

TEST(AllowCallTest, ASocketFamilyOfTheStrictProfile) {
  const auto policy = Shipped("base/strict");
  ASSERT_THAT(policy, IsOk());
  const auto allowance = AllowanceOf(*policy, ViolationOf(Call("socket", {2, 1, 0})));
  ASSERT_THAT(allowance, IsOk());
  EXPECT_EQ(allowance->policy,
            "seccomp { rule { calls: \"socket\" when { arg: 0 equals: \"AF_INET\" } action: ALLOW "
            "} rule { calls: \"socket\" when { arg: 0 equals: \"AF_UNIX\" } action: ERRNO "
            "errno_name: \"EACCES\" } }");
  EXPECT_EQ(allowance->group, "") << "a rule names the call";
  EXPECT_THAT(allowance->notes,
              ElementsAre("other calls of socket then get the policy's default, ERRNO ENOSYS"));
}

TEST(AllowCallTest, ACallThatIsManyCallsIsAllowedByItsRequest) {
  const auto policy = Shipped("base/strict");
  ASSERT_THAT(policy, IsOk());
  const auto allowance = AllowanceOf(*policy, ViolationOf(Call("ptrace", {16, 5, 0, 0})));
  ASSERT_THAT(allowance, IsOk());
  EXPECT_EQ(allowance->policy,
            "seccomp { rule { calls: \"ptrace\" when { arg: 0 equals: \"16\" } action: ALLOW } }");
}

TEST(AllowCallTest, WithoutARuleOnItTheCallIsAllowedWholeAndItsGroupIsNamed) {
  const auto policy = ParseNormal("seccomp { allow: [\"stdio\", \"exec\"] default_action: KILL }");
  ASSERT_THAT(policy, IsOk());
  const auto allowance = AllowanceOf(*policy, ViolationOf(Call("fork", {})));
  ASSERT_THAT(allowance, IsOk());
  EXPECT_EQ(allowance->policy, "seccomp { rule { calls: \"fork\" action: ALLOW } }");
  EXPECT_EQ(allowance->group, "proc");
  EXPECT_THAT(allowance->notes, IsEmpty());
  EXPECT_TRUE(Runs(RulesOf(With(*policy, "seccomp { allow: \"proc\" }")), Call("fork", {})));
}

// What the call may do already stays allowed, in the words of the group that allowed it.
TEST(AllowCallTest, WhatPassedBeforePassesStill) {
  const auto policy = ParseNormal("seccomp { allow: [\"stdio\", \"exec\"] default_action: KILL }");
  ASSERT_THAT(policy, IsOk());
  const CallSample call = Call("ioctl", {0, 0x5412, 0});
  const auto allowance = AllowanceOf(*policy, ViolationOf(call));
  ASSERT_THAT(allowance, IsOk());
  const v1::SeccompRules after = RulesOf(With(*policy, allowance->policy));
  EXPECT_TRUE(Runs(after, call));
  EXPECT_TRUE(Runs(after, Call("ioctl", {0, 0x5401, 0}))) << "TCGETS";
  EXPECT_FALSE(Runs(after, Call("ioctl", {0, 0x541c, 0}))) << "TIOCLINUX";
}

TEST(AllowCallTest, APointerIsSaidToBeOne) {
  const auto policy = ParseNormal(
      "seccomp { allow: [\"stdio\", \"exec\"] rule { calls: \"prlimit64\" when { arg: 2 "
      "not_equals: \"0\" } action: KILL } }");
  ASSERT_THAT(policy, IsOk());
  const auto allowance =
      AllowanceOf(*policy, ViolationOf(Call("prlimit64", {0, 7, 0x7ffd1230, 0})));
  ASSERT_THAT(allowance, IsOk());
  EXPECT_THAT(allowance->policy, HasSubstr("when { arg: 2 not_equals: \"0\" }"));
  ASSERT_THAT(allowance->notes, testing::Not(IsEmpty()));
  EXPECT_THAT(allowance->notes[0], HasSubstr("argument 2 is a pointer"));
}

TEST(AllowCallTest, WhatHasNoAnswerSaysWhy) {
  const auto passes =
      ParseNormal("seccomp { default_action: ALLOW rule { calls: \"ptrace\" action: KILL } }");
  ASSERT_THAT(passes, IsOk());
  auto allowance = AllowanceOf(*passes, ViolationOf(Call("ptrace", {0})));
  ASSERT_THAT(allowance, IsOk());
  EXPECT_EQ(allowance->policy, "");
  EXPECT_THAT(allowance->notes, ElementsAre(HasSubstr("change the rule that kills")));
  v1::CallViolation unknown = ViolationOf(Call("ptrace", {0}));
  unknown.clear_call();
  allowance = AllowanceOf(*passes, unknown);
  ASSERT_THAT(allowance, IsOk());
  EXPECT_THAT(allowance->notes, ElementsAre(HasSubstr("no name")));
  unknown.set_architecture("mips");
  EXPECT_FALSE(AllowanceOf(*passes, unknown).ok());
}

TEST(AllowCallTest, ACeilingForbidsAndALintWarns) {
  RoofProfiles source("extends: \"base/strict\"");
  const CallSample call = Call("ptrace", {0});
  const auto free = Shipped("base/strict");
  ASSERT_THAT(free, IsOk());
  v1::CallViolation violation = ViolationOf(call);
  EXPECT_THAT(AddAllowance(*free, source, &violation), IsOk());
  EXPECT_THAT(violation.allow_with(), HasSubstr("ptrace"));
  EXPECT_THAT(violation.allow_note(), testing::Contains(HasSubstr("trace"))) << "the lint's id";

  const NormalPolicy held = With(*free, "ceiling: \"roof\"");
  violation = ViolationOf(call);
  EXPECT_THAT(AddAllowance(held, source, &violation), IsOk());
  EXPECT_EQ(violation.allow_with(), "");
  EXPECT_THAT(violation.allow_note(), ElementsAre(HasSubstr("a ceiling of the policy forbids it")));
}

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed), names_(SyscallNames(kArch)) {}

  CallSample Next() {
    CallSample call;
    call.architecture = AuditArchitecture(kArch);
    call.number = FindSyscall(names_[random_() % names_.size()], kArch).value().value();
    for (uint64_t& arg : call.args) arg = Value();
    return call;
  }

 private:
  uint64_t Value() {
    switch (random_() % 4) {
      case 0:
        return random_() % 8;
      case 1:
        return uint64_t{1} << random_() % 40;
      case 2:
        return uint64_t{random_()} << 32 | random_();
      default:
        return UINT64_MAX - random_() % 3;
    }
  }

  std::mt19937 random_;
  const std::vector<std::string> names_;
};

// Whatever call is refused: with the text it passes, and what else passes is the same as before.
TEST(AllowCallTest, ForEveryRefusedCallTheTextAllowsItAndNothingThatDiffersInWhatItNames) {
  const char* const policies[] = {
      "seccomp { allow: [\"stdio\", \"memory\", \"self\", \"exec\", \"rpath\", \"proc\"] kill: "
      "\"dangerous\" default_action: KILL }",
      "seccomp { allow: [\"stdio\", \"exec\", \"cpath\", \"inet\"] kill: [\"namespace\", \"keys\"] "
      "rule { calls: \"socket\" when { arg: 0 any_of { value: [\"AF_VSOCK\", \"AF_ALG\"] } } "
      "action: KILL } }"};
  int offered = 0;
  int refused = 0;
  Generator generator(7);
  for (const char* text : policies) {
    const auto policy = ParseNormal(text);
    ASSERT_THAT(policy, IsOk());
    const v1::SeccompRules before = RulesOf(*policy);
    for (int i = 0; i < 60; ++i) {
      const CallSample call = generator.Next();
      if (Runs(before, call)) continue;
      ++refused;
      const auto allowance = AllowanceOf(*policy, ViolationOf(call));
      ASSERT_THAT(allowance, IsOk());
      if (allowance->policy.empty()) {
        EXPECT_THAT(allowance->notes, testing::Not(IsEmpty()));
        continue;
      }
      ++offered;
      SCOPED_TRACE(CallInWords(call.number, call.args, kArch));
      const v1::SeccompRules after = RulesOf(With(*policy, allowance->policy));
      EXPECT_TRUE(Runs(after, call)) << allowance->policy;
      ExpectNothingElse(before, after, call, allowance->policy);
      ExpectNoNeighbour(before, after, call, allowance->policy);
      for (const CallSample& other : {generator.Next(), generator.Next()}) {
        if (other.number != call.number) {
          EXPECT_EQ(Runs(after, other), Runs(before, other));
        }
      }
    }
  }
  EXPECT_GT(refused, 60);
  EXPECT_GE(offered * 10, refused * 9) << "hardly any call is without an answer";
}

}  // namespace
}  // namespace cordon
