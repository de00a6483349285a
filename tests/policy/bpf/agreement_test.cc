// SPDX-License-Identifier: Apache-2.0
// Prover, interpreter and meaning must agree: on broken assemblers, each of which has to be caught,
// and on random rule sets (20000; CORDON_RULE_SETS=1000000 for the long run).
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/bpf/assemble.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/prove.h"
#include "policy/bpf/rules.h"
#include "tests/support/policies.h"
#include "tests/support/reference_assembler.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

const Architecture kArch = NativeArchitecture();

// Rules in which every fault of the reference assembler matters.
v1::SeccompRules TellingRules() {
  v1::SeccompRules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    default_action { action: ERRNO errno_value: 1 } unknown_from: 473
    rule { number: 0 action { action: ALLOW } }
    rule { number: 1 when { arg: 2 op: GT value: 4294967303 } action { action: ALLOW } }
    rule { number: 1 when { arg: 2 op: LE value: 5 } action { action: ERRNO errno_value: 13 } }
    rule { number: 9 when { arg: 2 op: MASKED_EQ mask: 4294967300 value: 0 }
           when { arg: 1 op: LT value: 4096 } action { action: ALLOW } }
    rule { number: 10 when { arg: 0 op: GE value: 8589934595 } action { action: LOG } }
    rule { number: 16 when { arg: 1 op: EQ value: 4294988818 } action { action: ALLOW } }
    rule { number: 41 action { action: NOTIFY errno_value: 1 } }
    rule { number: 56 when { arg: 0 op: NE value: 4294967298 } action { action: ALLOW } })",
                                                            &rules));
  return rules;
}

TEST(AgreementTest, TheReferenceAssemblerIsProven) {
  const v1::SeccompRules rules = TellingRules();
  const auto proof = Prove(rules, ReferenceAssembler().Assemble(rules, kArch), kArch);
  ASSERT_THAT(proof, IsOk());
  EXPECT_FALSE(proof->differs.has_value());
}

TEST(AgreementTest, EveryBrokenAssemblerIsCaughtWithACounterExampleThatHolds) {
  const v1::SeccompRules rules = TellingRules();
  const int faults = static_cast<int>(Fault::kCount);
  ASSERT_GE(faults, 13);
  for (int fault = 1; fault < faults; ++fault) {
    SCOPED_TRACE(fault);
    const BpfProgram program = ReferenceAssembler(static_cast<Fault>(fault)).Assemble(rules, kArch);
    const auto proof = Prove(rules, program, kArch);
    ASSERT_THAT(proof, IsOk());
    ASSERT_TRUE(proof->differs.has_value());
    const CounterExample& found = *proof->differs;
    EXPECT_EQ(found.got, Evaluate(program, found.call));
    EXPECT_EQ(found.expected, MeaningOf(rules, kArch, found.call));
    EXPECT_NE(found.got, found.expected);
    EXPECT_THAT(ProveFilter(rules, program, kArch),
                StatusIs(absl::StatusCode::kInternal, "differs from its rules"));
  }
}

TEST(AgreementTest, EveryShippedProfileIsProven) {
  int proven = 0;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const auto policy = Shipped(profile.name);
    ASSERT_THAT(policy, IsOk());
    const auto rules = BuildRules(policy->proto().seccomp(), kArch);
    ASSERT_THAT(rules, IsOk()) << profile.name;
    const auto bytes = Assemble(*rules, kArch);
    ASSERT_THAT(bytes, IsOk()) << profile.name;
    const auto proof = Prove(*rules, BpfProgram::Make(*bytes).value(), kArch);
    ASSERT_THAT(proof, IsOk()) << profile.name;
    EXPECT_FALSE(proof->differs.has_value()) << profile.name;
    // The same rules by other means: both programs are the same function.
    EXPECT_FALSE(
        Prove(*rules, ReferenceAssembler().Assemble(*rules, kArch), kArch)->differs.has_value())
        << profile.name;
    ++proven;
  }
  EXPECT_GE(proven, 15);
}

bool SameFunction(const v1::SeccompRules& rules, const BpfProgram& program) {
  const auto proof = Prove(rules, program, kArch);
  EXPECT_THAT(proof, IsOk());
  return proof.ok() && !proof->differs.has_value();
}

// A kill that is to be named is proven to be asked about: a filter in which one of them is lost, or
// is a kill of the kernel, or lets the call go on to a tracer, is another function.
TEST(AgreementTest, ANamedKillThatIsLostIsCaught) {
  int kills = 0;
  int profiles = 0;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const auto policy = Shipped(profile.name);
    ASSERT_THAT(policy, IsOk());
    const v1::SeccompRules rules = BuildRules(policy->proto().seccomp(), kArch).value();
    const v1::SeccompRules named = WithNamedKills(rules);
    if (named.SerializeAsString() == rules.SerializeAsString()) continue;  // nothing kills
    ++profiles;
    EXPECT_TRUE(SameFunction(named, BpfProgram::Make(*Assemble(named, kArch)).value()));
    EXPECT_FALSE(SameFunction(named, BpfProgram::Make(*Assemble(rules, kArch)).value()));
    EXPECT_FALSE(SameFunction(rules, BpfProgram::Make(*Assemble(named, kArch)).value()));
    for (const Fault fault :
         {Fault::kNotifyAllows, Fault::kNotifyTraces, Fault::kForeignAllowed, Fault::kNoX32Check}) {
      EXPECT_FALSE(SameFunction(named, ReferenceAssembler(fault).Assemble(named, kArch)))
          << profile.name << ", fault " << static_cast<int>(fault);
    }
    for (int i = 0; i < named.rule_size(); ++i) {
      if (rules.rule(i).action().action() != v1::Seccomp::KILL || ++kills % 7 != 0) continue;
      v1::SeccompRules lost = named;
      lost.mutable_rule()->DeleteSubrange(i, 1);
      EXPECT_FALSE(SameFunction(named, ReferenceAssembler().Assemble(lost, kArch)))
          << profile.name << ": " << named.rule(i).call();
      lost = named;
      lost.mutable_rule(i)->mutable_action()->set_action(v1::Seccomp::ALLOW);
      EXPECT_FALSE(SameFunction(named, ReferenceAssembler().Assemble(lost, kArch)))
          << profile.name << ": " << named.rule(i).call();
    }
  }
  EXPECT_GE(profiles, 5);
  EXPECT_GT(kills, 100);
}

class RandomRules {
 public:
  explicit RandomRules(uint64_t seed) : source_(seed) {}

  uint64_t Pick(uint64_t below) { return source_() % below; }

  uint64_t Value() {
    static constexpr uint64_t kPool[] = {
        0,          1,           2,           7,          0x7fffffff,        0x80000000,
        0xffffffff, 0x100000000, 0x1ffffffff, UINT64_MAX, uint64_t{1} << 63, 0xfffffffe};
    return Pick(4) == 0 ? source_() >> Pick(64) : kPool[Pick(std::size(kPool))];
  }

  v1::SyscallRule Rule(uint32_t number, bool any_action, int operators) {
    static constexpr v1::ArgCompare::Op kOps[] = {
        v1::ArgCompare::EQ, v1::ArgCompare::MASKED_EQ, v1::ArgCompare::GT, v1::ArgCompare::GE,
        v1::ArgCompare::LT, v1::ArgCompare::LE,        v1::ArgCompare::NE};
    v1::SyscallRule rule;
    rule.set_number(number);
    rule.mutable_action()->set_action(v1::Seccomp::ALLOW);
    if (any_action && Pick(5) == 0) rule.mutable_action()->set_action(v1::Seccomp::NOTIFY);
    if (any_action && Pick(3) == 0) {
      rule.mutable_action()->set_action(v1::Seccomp::ERRNO);
      rule.mutable_action()->set_errno_value(static_cast<uint32_t>(1 + Pick(3)));
    }
    const uint64_t compares = any_action ? Pick(4) : 1;
    for (uint64_t i = 0; i < compares; ++i) {
      v1::ArgCompare& compare = *rule.add_when();
      compare.set_arg(static_cast<uint32_t>(any_action ? Pick(3) : 0));
      compare.set_op(kOps[Pick(static_cast<uint64_t>(operators))]);
      compare.set_value(Value());
      if (compare.op() == v1::ArgCompare::MASKED_EQ) {
        compare.set_mask(Value());
        if (!any_action || Pick(4) != 0) compare.set_value(compare.value() & compare.mask());
      }
    }
    return rule;
  }

  CallSample Call(const v1::SeccompRules& rules) {
    CallSample call;
    call.architecture = Pick(16) == 0 ? AUDIT_ARCH_I386 : AuditArchitecture(kArch);
    call.number = static_cast<uint32_t>(Pick(4));
    if (Pick(8) == 0) call.number += static_cast<uint32_t>(Pick(2) == 0 ? 510 : 545);
    if (Pick(16) == 0) call.number |= uapi::kX32Bit;
    for (uint64_t& arg : call.args) {
      arg = Value();
      if (rules.rule_size() == 0 || Pick(2) == 0) continue;
      const v1::SyscallRule& rule =
          rules.rule(static_cast<int>(Pick(static_cast<uint64_t>(rules.rule_size()))));
      if (rule.when_size() > 0) arg = rule.when(0).value() + Pick(3) - 1;
    }
    return call;
  }

  v1::SeccompRules Set() {
    v1::SeccompRules rules;
    rules.mutable_default_action()->set_action(v1::Seccomp::KILL);
    static constexpr uint32_t kUnknown[] = {0, 2, 4, 512, 530, 548, 0x40000001};
    rules.set_unknown_from(kUnknown[Pick(std::size(kUnknown))]);
    for (uint32_t number = 0; number < 3; ++number) {
      for (uint64_t i = Pick(3); i > 0; --i) *rules.add_rule() = Rule(number, true, 7);
    }
    return rules;
  }

 private:
  std::mt19937_64 source_;
};

int RuleSets() {
  const char* wanted = std::getenv("CORDON_RULE_SETS");
  return wanted == nullptr ? 20000 : std::atoi(wanted);
}

TEST(AgreementTest, ProverInterpreterAndMeaningAgreeOnRandomRuleSets) {
  RandomRules random(20261122);
  ReferenceAssembler assembler;
  for (int round = 0; round < RuleSets(); ++round) {
    const v1::SeccompRules rules = random.Set();
    const BpfProgram program = assembler.Assemble(rules, kArch);
    const auto proof = Prove(rules, program, kArch);
    ASSERT_THAT(proof, IsOk());
    ASSERT_FALSE(proof->differs.has_value()) << rules.DebugString();
    DecisionGraph graph;
    const DecisionGraph::Node node = GraphOfRules(rules, kArch, &graph);
    for (int i = 0; i < 8; ++i) {
      const CallSample call = random.Call(rules);
      const uint32_t meaning = MeaningOf(rules, kArch, call);
      ASSERT_EQ(Evaluate(program, call), meaning) << rules.DebugString();
      ASSERT_EQ(graph.Evaluate(node, call), meaning) << rules.DebugString();
    }
  }
}

// A random fault in a random place: what the prover accepts must be the same function.
TEST(AgreementTest, WhatTheProverAcceptsSamplingAcceptsToo) {
  RandomRules random(7);
  int caught = 0;
  int harmless = 0;
  for (int round = 0; round < RuleSets() / 4; ++round) {
    const v1::SeccompRules rules = random.Set();
    const auto fault = static_cast<Fault>(random.Pick(static_cast<uint64_t>(Fault::kCount)));
    const BpfProgram program = ReferenceAssembler(fault).Assemble(rules, kArch);
    const auto proof = Prove(rules, program, kArch);
    ASSERT_THAT(proof, IsOk());
    ++(proof->differs.has_value() ? caught : harmless);
    if (proof->differs.has_value()) continue;
    for (int i = 0; i < 30; ++i) {
      const CallSample call = random.Call(rules);
      ASSERT_EQ(Evaluate(program, call), MeaningOf(rules, kArch, call)) << rules.DebugString();
    }
  }
  EXPECT_GT(caught, 100);
  EXPECT_GT(harmless, 100);
}

// libseccomp 2.5.4 is wrong on some pairs of orders on one argument; such a filter is never used.
TEST(AgreementTest, FaultsOfTheLibraryAreCountedAndRefused) {
  RandomRules random(99);
  int right = 0;
  int wrong = 0;
  for (int round = 0; round < RuleSets() / 10; ++round) {
    v1::SeccompRules rules;
    rules.mutable_default_action()->set_action(v1::Seccomp::KILL);
    // One operator each, EQ to LE: the library does not end for some pairs with NE.
    for (int i = 0; i < 2; ++i) *rules.add_rule() = random.Rule(10, false, 6);
    const auto bytes = Assemble(rules, kArch);
    if (!bytes.ok()) continue;
    const BpfProgram program = BpfProgram::Make(*bytes).value();
    const auto proof = Prove(rules, program, kArch);
    ASSERT_THAT(proof, IsOk());
    ++(proof->differs.has_value() ? wrong : right);
    if (!proof->differs.has_value()) continue;
    EXPECT_NE(Evaluate(program, proof->differs->call),
              MeaningOf(rules, kArch, proof->differs->call));
    EXPECT_THAT(ProveFilter(rules, program, kArch),
                StatusIs(absl::StatusCode::kInternal, "differs"));
  }
  EXPECT_GT(right, RuleSets() / 100);
  RecordProperty("library_right", right);
  RecordProperty("library_wrong", wrong);
  std::printf("libseccomp: %d filters right, %d wrong and refused\n", right, wrong);
}

}  // namespace
}  // namespace cordon
