// SPDX-License-Identifier: Apache-2.0
// Kernel constants that the policy compiler puts into plans: resource numbers, seccomp return
// values, the opcodes of classic BPF and the audit numbers of architectures. The one place of
// policy/ that includes <linux/*>; resource numbers are written out because <linux/resource.h>
// clashes with the C library's header in files that need both.
#ifndef CORDON_POLICY_UAPI_UAPI_H_
#define CORDON_POLICY_UAPI_UAPI_H_

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>

namespace cordon::uapi {

// Resources of prlimit64(2), the same on x86_64 and aarch64.
inline constexpr uint32_t kRlimitCpu = 0;
inline constexpr uint32_t kRlimitFsize = 1;
inline constexpr uint32_t kRlimitData = 2;
inline constexpr uint32_t kRlimitStack = 3;
inline constexpr uint32_t kRlimitCore = 4;
inline constexpr uint32_t kRlimitRss = 5;
inline constexpr uint32_t kRlimitNproc = 6;
inline constexpr uint32_t kRlimitNofile = 7;
inline constexpr uint32_t kRlimitMemlock = 8;
inline constexpr uint32_t kRlimitAs = 9;
inline constexpr uint32_t kRlimitLocks = 10;
inline constexpr uint32_t kRlimitSigpending = 11;
inline constexpr uint32_t kRlimitMsgqueue = 12;
inline constexpr uint32_t kRlimitNice = 13;
inline constexpr uint32_t kRlimitRtprio = 14;
inline constexpr uint32_t kRlimitRttime = 15;

// Longest seccomp filter that the kernel loads (BPF_MAXINSNS).
inline constexpr uint32_t kMaxFilterInstructions = 4096;

// Numbers from here on are x32 calls when the architecture is AUDIT_ARCH_X86_64; so are these few
// without the bit, which kernels have at times taken from 64-bit programs. No other call gets them.
inline constexpr uint32_t kX32Bit = 0x40000000;
inline constexpr uint32_t kX32OldFirst = 512;
inline constexpr uint32_t kX32OldLast = 547;

// Offsets in struct seccomp_data, which a filter reads as 32-bit words.
inline constexpr uint32_t kSeccompDataSize = 64;

}  // namespace cordon::uapi

#endif  // CORDON_POLICY_UAPI_UAPI_H_
