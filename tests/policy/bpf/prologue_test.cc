// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/prologue.h"

#include "gmock/gmock.h"
#include "policy/bpf/assemble.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/prove.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uint32_t kBody = 0x7ffc0001;  // no action of ours: the call came through

v1::SeccompRules RulesFrom(uint32_t unknown_from) {
  v1::SeccompRules rules;
  rules.mutable_default_action()->set_action(v1::Seccomp::LOG);
  rules.set_unknown_from(unknown_from);
  return rules;
}

uint32_t Answer(uint32_t unknown_from, Architecture architecture, uint32_t number,
                uint32_t audit_architecture) {
  sock_filter body = {};
  body.code = BPF_RET | BPF_K;
  body.k = kBody;
  const auto program =
      BpfProgram::Make(Prologue(RulesFrom(unknown_from), architecture) +
                       std::string(reinterpret_cast<const char*>(&body), sizeof(body)));
  EXPECT_THAT(program, IsOk());
  CallSample call;
  call.number = number;
  call.architecture = audit_architecture;
  return program.ok() ? Evaluate(*program, call) : 0;
}

// Numbers around every border that there is.
std::vector<uint32_t> Numbers(uint32_t unknown_from) {
  std::vector<uint32_t> numbers = {0, 1, 2, 0x7fffffff, 0x80000000, UINT32_MAX, UINT32_MAX - 1};
  for (uint32_t border :
       {unknown_from, uapi::kX32OldFirst, uapi::kX32OldLast, uapi::kX32Bit, uapi::kX32Bit + 600}) {
    for (uint32_t near : {border - 1, border, border + 1}) numbers.push_back(near);
  }
  return numbers;
}

TEST(PrologueTest, DecidesWhatTheMeaningDecidesBeforeTheRules) {
  for (Architecture architecture : {Architecture::kX86_64, Architecture::kAarch64}) {
    for (uint32_t unknown_from : {0u, 1u, 473u, 511u, 512u, 530u, 547u, 548u, 600u, 0x50000000u}) {
      for (uint32_t number : Numbers(unknown_from)) {
        CallSample call;
        call.number = number;
        call.architecture = AuditArchitecture(architecture);
        const uint32_t meant = MeaningOf(RulesFrom(unknown_from), architecture, call);
        EXPECT_EQ(Answer(unknown_from, architecture, number, call.architecture),
                  meant == SECCOMP_RET_LOG ? kBody : meant)
            << ArchitectureName(architecture) << " " << unknown_from << " " << number;
      }
    }
  }
}

TEST(PrologueTest, ForeignArchitecturesGoOn) {
  EXPECT_EQ(Answer(473, Architecture::kX86_64, 500, AUDIT_ARCH_I386), kBody);
  EXPECT_EQ(Answer(473, Architecture::kX86_64, 0x40000000, AUDIT_ARCH_AARCH64), kBody);
}

TEST(PrologueTest, NothingToDecideIsNoInstruction) {
  EXPECT_EQ(Prologue(RulesFrom(0), Architecture::kAarch64), "");
  EXPECT_NE(Prologue(RulesFrom(0), Architecture::kX86_64), "");
}

TEST(PrologueTest, AssembledFiltersAreProvenWhereverTheBorderIs) {
  for (uint32_t unknown_from : {0u, 1u, 5u, 473u, 512u, 530u, 548u, 4000u}) {
    v1::SeccompRules rules = RulesFrom(unknown_from);
    rules.mutable_default_action()->set_action(v1::Seccomp::KILL);
    v1::SyscallRule& rule = *rules.add_rule();
    rule.set_call("getpid");
    rule.set_number(39);
    rule.mutable_action()->set_action(v1::Seccomp::ALLOW);
    const auto bytes = Assemble(rules, NativeArchitecture());
    ASSERT_THAT(bytes, IsOk());
    const auto program = BpfProgram::Make(*bytes);
    ASSERT_THAT(program, IsOk());
    EXPECT_THAT(ProveFilter(rules, *program, NativeArchitecture()), IsOk()) << unknown_from;
    // Far enough to leave the x32 numbers, inside which a border makes no difference.
    rules.set_unknown_from(unknown_from + 100);
    EXPECT_THAT(ProveFilter(rules, *program, NativeArchitecture()),
                StatusIs(absl::StatusCode::kInternal, "differs from its rules"))
        << unknown_from;
  }
}

}  // namespace
}  // namespace cordon
