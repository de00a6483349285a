// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/calls_diff.h"

#include <random>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

const Architecture kArch = NativeArchitecture();

v1::SeccompRules Rules(const std::string& text) {
  v1::SeccompRules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules));
  return rules;
}

constexpr char kKill[] = "default_action { action: KILL } ";
constexpr char kFail[] = "default_action { action: ERRNO errno_value: 1 } ";

TEST(CallsDiffTest, NothingIsWiderThanItself) {
  const v1::SeccompRules rules = Rules(std::string(kKill) + R"(
    rule { call: "ioctl" number: 16 when { arg: 1 op: GT value: 7 } action { action: ALLOW } })");
  const auto widened = CallsWidened(rules, rules, kArch);
  ASSERT_THAT(widened, IsOk());
  EXPECT_TRUE(widened->empty());
}

TEST(CallsDiffTest, NamesTheCallItsArgumentsAndTheField) {
  const v1::SeccompRules before = Rules(std::string(kFail) + R"(
    rule { call: "ioctl" number: 16 when { arg: 1 op: MASKED_EQ mask: 4294967295 value: 5 }
           action { action: ALLOW } })");
  const v1::SeccompRules after = Rules(std::string(kFail) + R"(
    rule { call: "ioctl" number: 16 when { arg: 1 op: MASKED_EQ mask: 4294967294 value: 4 }
           action { action: ALLOW } field: "seccomp.rule[3]" })");
  const auto widened = CallsWidened(before, after, kArch);
  ASSERT_THAT(widened, IsOk());
  ASSERT_EQ(widened->size(), 1u);
  const CallWidening& one = widened->front();
  EXPECT_EQ(one.call, "ioctl");
  EXPECT_EQ(one.arguments, "argument 1 = 0x4");
  EXPECT_EQ(one.field, "seccomp.rule[3]");
  EXPECT_EQ(one.before, Answer::kFails);
  EXPECT_EQ(one.after, Answer::kRuns);
  EXPECT_EQ(MeaningOf(after, kArch, one.example), SECCOMP_RET_ALLOW);
  const auto tightened = CallsWidened(after, before, kArch);
  ASSERT_THAT(tightened, IsOk());
  EXPECT_TRUE(tightened->empty());
}

TEST(CallsDiffTest, SurvivingACallIsWiderThanDyingOfIt) {
  const auto widened = CallsWidened(Rules(kKill), Rules(kFail), kArch);
  ASSERT_THAT(widened, IsOk());
  EXPECT_GT(widened->size(), 300u);
  EXPECT_EQ(widened->back().call, "");  // numbers without a name
  EXPECT_EQ(widened->back().after, Answer::kFails);
  EXPECT_EQ(MeaningOf(Rules(kFail), kArch, widened->back().example), SECCOMP_RET_ERRNO | 1);
}

TEST(CallsDiffTest, LoggingIsRunning) {
  const auto widened = CallsWidened(
      Rules(std::string(kKill) + "rule { call: \"read\" number: 0 action { action: LOG } }"),
      Rules(std::string(kKill) + "rule { call: \"read\" number: 0 action { action: ALLOW } }"),
      kArch);
  ASSERT_THAT(widened, IsOk());
  EXPECT_TRUE(widened->empty());
}

TEST(CallsDiffTest, NotifyingIsFailing) {
  const v1::SeccompRules listed =
      Rules(std::string(kFail) +
            "rule { call: \"socket\" number: 41 action { action: NOTIFY errno_value: 1 } }");
  EXPECT_TRUE(CallsWidened(Rules(kFail), listed, kArch)->empty());
  EXPECT_TRUE(CallsWidened(listed, Rules(kFail), kArch)->empty());
  const auto widened = CallsWidened(Rules(kKill), listed, kArch);
  ASSERT_THAT(widened, IsOk());
  const auto socket = std::find_if(widened->begin(), widened->end(),
                                   [](const CallWidening& each) { return each.number == 41; });
  ASSERT_NE(socket, widened->end()) << "an attempt that kills ends more than one that is listed";
  EXPECT_EQ(socket->after, Answer::kFails);
  const auto allowed = CallsWidened(
      listed,
      Rules(std::string(kFail) + "rule { call: \"socket\" number: 41 action { action: ALLOW } }"),
      kArch);
  ASSERT_THAT(allowed, IsOk());
  ASSERT_EQ(allowed->size(), 1u);
  EXPECT_EQ(allowed->front().before, Answer::kFails);
}

TEST(CallsDiffTest, ARuleOnANumberWithoutANameIsSeen) {
  const auto widened = CallsWidened(
      Rules(kKill),
      Rules(std::string(kKill) + "rule { call: \"future\" number: 999 action { action: ALLOW } }"),
      kArch);
  ASSERT_THAT(widened, IsOk());
  ASSERT_EQ(widened->size(), 1u);
  EXPECT_EQ(widened->front().call, "future");
}

// Above the table other rules decide than below it: both have to be looked at.
TEST(CallsDiffTest, NumbersAboveEitherTableAreSeen) {
  const auto younger =
      CallsWidened(Rules(kKill), Rules(std::string(kKill) + "unknown_from: 500"), kArch);
  ASSERT_THAT(younger, IsOk());
  ASSERT_EQ(younger->size(), 1u);
  EXPECT_EQ(younger->front().call, "");
  EXPECT_EQ(younger->front().number, 500u);
  EXPECT_EQ(younger->front().before, Answer::kKills);
  EXPECT_EQ(younger->front().after, Answer::kFails);
  const auto older = CallsWidened(Rules(std::string(kKill) + "unknown_from: 600"),
                                  Rules(std::string(kKill) + "unknown_from: 512"), kArch);
  ASSERT_THAT(older, IsOk());
  ASSERT_EQ(older->size(), 1u);
  EXPECT_EQ(older->front().number, 548u) << "512 to 547 are x32 calls, which die anyway";
  EXPECT_TRUE(CallsWidened(Rules(std::string(kKill) + "unknown_from: 547"),
                           Rules(std::string(kKill) + "unknown_from: 513"), kArch)
                  ->empty());
  const auto both = CallsWidened(Rules(std::string(kKill) + "unknown_from: 500"),
                                 Rules("default_action { action: ALLOW }"), kArch);
  ASSERT_THAT(both, IsOk());
  std::vector<Answer> before;
  for (const CallWidening& each : *both) {
    if (each.call.empty()) before.push_back(each.before);
  }
  EXPECT_THAT(before, testing::ElementsAre(Answer::kKills, Answer::kFails));
}

class Random {
 public:
  explicit Random(uint64_t seed) : source_(seed) {}
  uint64_t Below(uint64_t limit) { return source_() % limit; }

  v1::SeccompRules Rules() {
    v1::SeccompRules rules;
    rules.mutable_default_action()->set_action(Below(2) == 0 ? v1::Seccomp::KILL
                                                             : v1::Seccomp::ERRNO);
    rules.set_unknown_from(static_cast<uint32_t>(Below(5)));
    for (uint32_t number = 0; number < 3; ++number) {
      for (uint64_t i = Below(3); i > 0; --i) {
        v1::SyscallRule& rule = *rules.add_rule();
        rule.set_number(number);
        rule.mutable_action()->set_action(kActions[Below(4)]);
        for (uint64_t j = Below(3); j > 0; --j) {
          v1::ArgCompare& compare = *rule.add_when();
          compare.set_arg(static_cast<uint32_t>(Below(2)));
          compare.set_op(static_cast<v1::ArgCompare::Op>(Below(7)));
          compare.set_value(Below(6));
          compare.set_mask(Below(8));
        }
      }
    }
    return rules;
  }

  CallSample Call() {
    CallSample call;
    call.architecture = AuditArchitecture(kArch);
    call.number = static_cast<uint32_t>(Below(4));
    call.args[0] = Below(8);
    call.args[1] = Below(8);
    return call;
  }

 private:
  static constexpr v1::Seccomp::Action kActions[] = {v1::Seccomp::ALLOW, v1::Seccomp::ERRNO,
                                                     v1::Seccomp::KILL, v1::Seccomp::NOTIFY};
  std::mt19937_64 source_;
};

// No widening that trying finds is missed, and every one that is reported is one.
TEST(CallsDiffTest, AgreesWithTryingOnRandomPairs) {
  Random random(5);
  int widenings = 0;
  for (int round = 0; round < 150; ++round) {
    const v1::SeccompRules before = random.Rules();
    const v1::SeccompRules after = random.Rules();
    const auto widened = CallsWidened(before, after, kArch);
    ASSERT_THAT(widened, IsOk());
    std::vector<bool> reported(4);
    for (const CallWidening& each : *widened) {
      const Answer was = AnswerOf(MeaningOf(before, kArch, each.example));
      const Answer is = AnswerOf(MeaningOf(after, kArch, each.example));
      ASSERT_EQ(was, each.before);
      ASSERT_EQ(is, each.after);
      ASSERT_GT(is, was);
      if (each.number < 4) reported[each.number] = true;
    }
    for (int i = 0; i < 300; ++i) {
      const CallSample call = random.Call();
      const bool wider =
          AnswerOf(MeaningOf(after, kArch, call)) > AnswerOf(MeaningOf(before, kArch, call));
      ASSERT_TRUE(!wider || reported[call.number]) << before.DebugString() << after.DebugString();
    }
    widenings += static_cast<int>(widened->size());
  }
  EXPECT_GT(widenings, 1000);
}

// Transitive: when b is no wider than a and c no wider than b, c is no wider than a.
TEST(CallsDiffTest, StrictnessIsAPartialOrder) {
  Random random(6);
  int chains = 0;
  std::vector<v1::SeccompRules> sets;
  for (int i = 0; i < 12; ++i) {
    v1::SeccompRules rules = random.Rules();
    rules.mutable_default_action()->set_action(v1::Seccomp::KILL);
    sets.push_back(rules);
    // A tightened one: a rule less that allows.
    if (rules.rule_size() > 0 && rules.rule(0).action().action() == v1::Seccomp::ALLOW) {
      rules.mutable_rule(0)->mutable_action()->set_action(v1::Seccomp::KILL);
      sets.push_back(rules);
    }
  }
  const size_t n = sets.size();
  std::vector<std::vector<bool>> at_most(n, std::vector<bool>(n));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) at_most[i][j] = CallsWidened(sets[i], sets[j], kArch)->empty();
  }
  for (size_t i = 0; i < n; ++i) {
    EXPECT_TRUE(at_most[i][i]);
    for (size_t j = 0; j < n; ++j) {
      for (size_t k = 0; k < n; ++k) {
        if (!at_most[i][j] || !at_most[j][k]) continue;
        EXPECT_TRUE(at_most[i][k]);
        chains += i != j && j != k;
      }
    }
  }
  EXPECT_GT(chains, 0);
}

}  // namespace
}  // namespace cordon
