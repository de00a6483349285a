// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/init_filter.h"

#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace cordon {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArch = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kArch = AUDIT_ARCH_AARCH64;
#endif

// waitid reaps, write reports, read takes the exec pipe's word, clock_gettime stamps the reports,
// kill ends what is left. An x32 number has bit 30 set and so equals none of them.
constexpr uint32_t kCalls[] = {__NR_waitid, __NR_write,     __NR_read,       __NR_close,
                               __NR_kill,   __NR_getrusage, __NR_exit_group, __NR_clock_gettime};

sock_filter Statement(uint16_t code, uint32_t k) { return {code, 0, 0, k}; }
sock_filter Jump(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) { return {code, yes, no, k}; }

}  // namespace

std::string InitFilter() {
  std::vector<sock_filter> program;
  program.push_back(Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  program.push_back(Jump(BPF_JMP | BPF_JEQ | BPF_K, kArch, 1, 0));
  program.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  program.push_back(Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  auto left = static_cast<uint8_t>(std::size(kCalls));
  for (const uint32_t call : kCalls) {
    // Over the calls that are left and the kill, to the allow.
    program.push_back(Jump(BPF_JMP | BPF_JEQ | BPF_K, call, left, 0));
    --left;
  }
  program.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  program.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  std::string bytes(program.size() * sizeof(sock_filter), '\0');
  std::memcpy(bytes.data(), program.data(), bytes.size());
  return bytes;
}

}  // namespace cordon
