// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/disassemble.h"

#include <vector>

#include "gmock/gmock.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

std::string TextOf(const std::vector<sock_filter>& code) {
  const absl::string_view bytes(reinterpret_cast<const char*>(code.data()),
                                code.size() * sizeof(sock_filter));
  const auto program = BpfProgram::Make(bytes);
  EXPECT_THAT(program, IsOk());
  return Disassemble(*program, Architecture::kX86_64);
}

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kReturn = BPF_RET | BPF_K;

TEST(DisassembleTest, ReadsLikeAProgram) {
  EXPECT_EQ(TextOf({{kLoad, 0, 0, 4},
                    {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64},
                    {kReturn, 0, 0, SECCOMP_RET_KILL_PROCESS},
                    {kLoad, 0, 0, 0},
                    {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 16},
                    {kLoad, 0, 0, 24},
                    {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff},
                    {BPF_JMP | BPF_JSET | BPF_K, 1, 0, 3},
                    {BPF_JMP | BPF_JA, 0, 0, 1},
                    {kReturn, 0, 0, SECCOMP_RET_ALLOW},
                    {kReturn, 0, 0, SECCOMP_RET_ERRNO | 1}}),
            "0000: a = architecture\n"
            "0001: if (a == 0xc000003e) goto 3 else goto 2\n"
            "0002: return KILL\n"
            "0003: a = number\n"
            "0004: if (a == 0x10) goto 5 else goto 9  ; ioctl\n"
            "0005: a = arg1.low\n"
            "0006: a &= 0xff\n"
            "0007: if (a & 0x3) goto 9 else goto 8\n"
            "0008: goto 10\n"
            "0009: return ALLOW\n"
            "0010: return ERRNO EPERM\n");
}

TEST(DisassembleTest, WordsOfArgumentsAreNamed) {
  std::vector<sock_filter> code;
  for (uint32_t offset = 0; offset < 64; offset += 4) code.push_back({kLoad, 0, 0, offset});
  code.push_back({kReturn, 0, 0, 0});
  EXPECT_THAT(TextOf(code), testing::HasSubstr("a = ip.high\n0004: a = arg0.low\n"));
  EXPECT_THAT(TextOf(code), testing::HasSubstr("0015: a = arg5.high\n"));
}

TEST(DisassembleTest, WhatItDoesNotKnowIsShownAsItIs) {
  EXPECT_EQ(TextOf({{BPF_ALU | BPF_ADD | BPF_K, 0, 0, 7}, {kReturn, 0, 0, 0x30000}}),
            "0000: code 0x04, jt 0, jf 0, k 0x7\n0001: return 0x00030000\n");
}

}  // namespace
}  // namespace cordon
