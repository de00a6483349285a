// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/prove.h"

#include <chrono>
#include <random>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/bpf/assemble.h"
#include "policy/bpf/rules.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

const Architecture kArch = NativeArchitecture();

v1::SeccompRules Rules(const std::string& text) {
  v1::SeccompRules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "default_action { action: ERRNO errno_value: 38 } " + text, &rules));
  return rules;
}

absl::StatusOr<BpfProgram> Assembled(const v1::SeccompRules& rules) {
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, Assemble(rules, kArch));
  return BpfProgram::Make(bytes);
}

constexpr char kTwoRules[] = R"(
  rule { call: "read" number: 0 action { action: ALLOW } }
  rule { call: "ioctl" number: 16 when { arg: 1 op: MASKED_EQ mask: 0xffffffff value: 0x5401 }
         action { action: ALLOW } })";

TEST(ProveTest, AcceptsWhatTheLibraryAssemblesRightly) {
  const v1::SeccompRules rules = Rules(kTwoRules);
  const auto program = Assembled(rules);
  ASSERT_THAT(program, IsOk());
  EXPECT_THAT(ProveFilter(rules, *program, kArch), IsOk());
}

// Changing one constant or one jump of a filter must be seen: each instruction matters.
TEST(ProveTest, SeesEveryChangedInstruction) {
  const v1::SeccompRules rules = Rules(kTwoRules);
  const auto bytes = Assemble(rules, kArch);
  ASSERT_THAT(bytes, IsOk());
  int changed = 0;
  for (size_t at = 0; at < bytes->size() / sizeof(sock_filter); ++at) {
    std::string broken = *bytes;
    auto* op = reinterpret_cast<sock_filter*>(&broken[at * sizeof(sock_filter)]);
    if (BPF_CLASS(op->code) == BPF_LD) continue;
    if (BPF_CLASS(op->code) == BPF_JMP) {
      std::swap(op->jt, op->jf);
    } else {
      op->k ^= 0x10000;
    }
    const auto program = BpfProgram::Make(broken);
    if (!program.ok() || broken == *bytes) continue;
    ++changed;
    EXPECT_THAT(ProveFilter(rules, *program, kArch),
                StatusIs(absl::StatusCode::kInternal, "differs from its rules"))
        << "instruction " << at;
  }
  EXPECT_GT(changed, 8);
}

TEST(ProveTest, NamesTheCallOnWhichTheyDiffer) {
  const auto program = Assembled(Rules(kTwoRules));
  ASSERT_THAT(program, IsOk());
  const absl::Status status = ProveFilter(
      Rules("rule { call: \"read\" number: 0 action { action: KILL } }"), *program, kArch);
  EXPECT_THAT(status, HasErrorWith("(number 0x0, architecture 0x"));
  EXPECT_THAT(status, HasErrorWith("answers ALLOW where the rules say KILL"));
}

TEST(ProveTest, SeesAnswersThatDependOnTheUpperHalfOfAnArgument) {
  // 64-bit equality where 32 bits are meant.
  const auto program =
      Assembled(Rules("rule { call: \"ioctl\" number: 16 when { arg: 1 op: EQ value: 0x5401 } "
                      "action { action: ALLOW } }"));
  ASSERT_THAT(program, IsOk());
  EXPECT_THAT(ProveFilter(Rules("rule { call: \"ioctl\" number: 16 when { arg: 1 op: MASKED_EQ "
                                "mask: 0xffffffff value: 0x5401 } action { action: ALLOW } }"),
                          *program, kArch),
              StatusIs(absl::StatusCode::kInternal, "differs"));
}

// The known fault of libseccomp 2.5.4: two orders on one 64-bit argument. Policies never reach it
// (condition.h), so the rules are written by hand.
TEST(ProveTest, RefusesTheRuleSetThatTheLibraryGetsWrong) {
  const v1::SeccompRules rules = Rules(R"(
    rule { call: "mprotect" number: 10 when { op: GT value: 0 } action { action: ALLOW } }
    rule { call: "mprotect" number: 10 when { op: LT value: 9223372036854775808 }
           action { action: ALLOW } })");
  const auto program = Assembled(rules);
  ASSERT_THAT(program, IsOk());
  EXPECT_THAT(ProveFilter(rules, *program, kArch),
              StatusIs(absl::StatusCode::kInternal, "to mprotect("));
}

// The answer does not depend on luck: one call in 2^512 is found.
TEST(ProveTest, FindsTheOneCallOnWhichTheyDiffer) {
  std::string compares;
  for (int arg = 0; arg < 6; ++arg) {
    absl::StrAppend(&compares, " when { arg: ", arg, " op: EQ value: ", 0x123456789abcdef + arg,
                    " }");
  }
  const std::string rule = "rule { call: \"mmap\" number: 9 ";
  const auto program = Assembled(Rules(rule + compares + " action { action: ALLOW } }"));
  ASSERT_THAT(program, IsOk());
  const v1::SeccompRules none = Rules("");
  const auto proof = Prove(none, *program, kArch);
  ASSERT_THAT(proof, IsOk());
  ASSERT_TRUE(proof->differs.has_value());
  EXPECT_EQ(proof->differs->call.number, 9u);
  for (uint64_t arg = 0; arg < 6; ++arg) {
    EXPECT_EQ(proof->differs->call.args[arg], 0x123456789abcdef + arg);
  }
  EXPECT_EQ(proof->differs->got, SECCOMP_RET_ALLOW);
}

TEST(ProveTest, TheGraphOfRulesMeansWhatTheRulesMean) {
  std::mt19937_64 random(11);
  static constexpr uint32_t kBases[] = {2, 2, 2, 2, 512, 548, 0x40000000, 0};
  static constexpr v1::ArgCompare::Op kOps[] = {
      v1::ArgCompare::EQ, v1::ArgCompare::NE, v1::ArgCompare::LT,       v1::ArgCompare::LE,
      v1::ArgCompare::GT, v1::ArgCompare::GE, v1::ArgCompare::MASKED_EQ};
  for (int round = 0; round < 200; ++round) {
    v1::SeccompRules rules = Rules("");
    rules.set_unknown_from(static_cast<uint32_t>(random() % 4));
    for (int i = 0; i < 4; ++i) {
      v1::SyscallRule& rule = *rules.add_rule();
      rule.set_number(static_cast<uint32_t>(i / 2));
      rule.mutable_action()->set_action(i % 2 == 0 ? v1::Seccomp::ALLOW : v1::Seccomp::KILL);
      for (int j = 0; j < 2; ++j) {
        v1::ArgCompare& compare = *rule.add_when();
        compare.set_arg(static_cast<uint32_t>(random() % 2));
        compare.set_op(kOps[random() % std::size(kOps)]);
        compare.set_value(random() % 4 << (random() % 2 * 31));
        compare.set_mask(random() % 4 << (random() % 2 * 31));
      }
    }
    DecisionGraph graph;
    const DecisionGraph::Node node = GraphOfRules(rules, kArch, &graph);
    for (int i = 0; i < 500; ++i) {
      CallSample call;
      call.architecture = random() % 20 == 0 ? 3 : AuditArchitecture(kArch);
      call.number = kBases[random() % std::size(kBases)] + static_cast<uint32_t>(random() % 4) - 2;
      for (uint64_t& arg : call.args) arg = random() % 5 << (random() % 2 * 31);
      EXPECT_EQ(graph.Evaluate(node, call), MeaningOf(rules, kArch, call));
    }
  }
}

TEST(ProveTest, CallsReadLikeCalls) {
  CallSample call;
  call.architecture = AuditArchitecture(kArch);
  call.number = FindSyscall("ioctl", kArch)->value();
  call.args[1] = 0x5412;
  EXPECT_THAT(CallText(call, kArch), testing::StartsWith("ioctl(0x0, 0x5412) (number 0x"));
  call.architecture = 3;
  EXPECT_THAT(CallText(call, kArch), testing::StartsWith("a call(0x0, 0x5412) (number"));
  EXPECT_EQ(AnswerText(SECCOMP_RET_ERRNO | 1), "ERRNO EPERM");
  EXPECT_EQ(AnswerText(SECCOMP_RET_USER_NOTIF), "NOTIFY");
  EXPECT_EQ(AnswerText(SECCOMP_RET_USER_NOTIF | 1), "0x7fc00001");
  EXPECT_EQ(AnswerText(SECCOMP_RET_TRAP), "0x00030000");
}

// One random condition as a policy would write it.
void AddCondition(std::mt19937_64* random, uint32_t arg, v1::Rule* rule) {
  static constexpr uint64_t kValues[] = {
      0,          1,           2,           0x7fffffff, 0x80000000,
      0xffffffff, 0x100000000, 0x1ffffffff, UINT64_MAX, uint64_t{1} << 63};
  const std::string value = std::to_string(kValues[(*random)() % std::size(kValues)]);
  v1::Condition& condition = *rule->add_when();
  condition.set_arg(arg);
  switch ((*random)() % 8) {
    case 0:
      return condition.set_not_equals(value);
    case 1:
      return condition.set_less_than(value);
    case 2:
      return condition.set_at_most(value);
    case 3:
      return condition.set_greater_than(value);
    case 4:
      return condition.set_at_least(value);
    case 5:
      condition.mutable_masked_equals()->set_mask(value);
      return condition.mutable_masked_equals()->set_value(value);
    default:
      return condition.set_equals(value);
  }
}

// Whatever a policy says: it is refused, or its filter is the one that the rules mean.
TEST(ProveTest, RandomPoliciesAreRefusedOrAssembledRightly) {
  std::mt19937_64 random(20240607);
  int assembled = 0;
  for (int round = 0; round < 400; ++round) {
    v1::Seccomp policy;
    const int count = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < count; ++i) {
      v1::Rule& rule = *policy.add_rule();
      rule.add_calls("mprotect");
      rule.set_action(random() % 3 == 0 ? v1::Seccomp::KILL : v1::Seccomp::ALLOW);
      AddCondition(&random, static_cast<uint32_t>(random() % 2), &rule);
      if (random() % 2 == 0) AddCondition(&random, 2, &rule);
    }
    const auto rules = BuildRules(policy, kArch);
    if (!rules.ok()) {
      EXPECT_THAT(rules, StatusIs(absl::StatusCode::kInvalidArgument, ""));
      continue;
    }
    const auto program = Assembled(*rules);
    ASSERT_THAT(program, IsOk()) << policy.DebugString();
    EXPECT_THAT(ProveFilter(*rules, *program, kArch), IsOk()) << policy.DebugString();
    ++assembled;
  }
  EXPECT_GT(assembled, 100);
}

}  // namespace
}  // namespace cordon
