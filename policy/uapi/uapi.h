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

// Rights of Landlock by the ABI that brought them; <linux/landlock.h> of Debian 12 ends at ABI 2.
inline constexpr uint32_t kLandlockNewestAbi = 7;  // ABI 7 brought flags for logs, no rights
inline constexpr uint32_t kLandlockLogAbi = 7;     // Linux 6.15
// Flags of landlock_restrict_self from that ABI on. Without them the log has what is denied before
// the next execve, and what domains inside this one deny.
inline constexpr uint64_t kLandlockLogSameExecOff = 1u << 0;
inline constexpr uint64_t kLandlockLogNewExecOn = 1u << 1;
inline constexpr uint64_t kLandlockLogSubdomainsOff = 1u << 2;
inline constexpr uint64_t kLandlockExecute = 1u << 0;
inline constexpr uint64_t kLandlockWriteFile = 1u << 1;
inline constexpr uint64_t kLandlockReadFile = 1u << 2;
inline constexpr uint64_t kLandlockReadDir = 1u << 3;
inline constexpr uint64_t kLandlockRemoveDir = 1u << 4;
inline constexpr uint64_t kLandlockRemoveFile = 1u << 5;
inline constexpr uint64_t kLandlockMakeChar = 1u << 6;
inline constexpr uint64_t kLandlockMakeDir = 1u << 7;
inline constexpr uint64_t kLandlockMakeReg = 1u << 8;
inline constexpr uint64_t kLandlockMakeSock = 1u << 9;
inline constexpr uint64_t kLandlockMakeFifo = 1u << 10;
inline constexpr uint64_t kLandlockMakeBlock = 1u << 11;
inline constexpr uint64_t kLandlockMakeSym = 1u << 12;
inline constexpr uint64_t kLandlockFsAbi1 = (1u << 13) - 1;
inline constexpr uint64_t kLandlockRefer = 1u << 13;         // ABI 2: link and rename elsewhere
inline constexpr uint64_t kLandlockTruncate = 1u << 14;      // ABI 3
inline constexpr uint64_t kLandlockIoctlDev = 1u << 15;      // ABI 5
inline constexpr uint64_t kLandlockNetBindTcp = 1u << 0;     // ABI 4
inline constexpr uint64_t kLandlockNetConnectTcp = 1u << 1;  // ABI 4
inline constexpr uint64_t kLandlockScopeAbstract = 1u << 0;  // ABI 6
inline constexpr uint64_t kLandlockScopeSignal = 1u << 1;    // ABI 6
// A rule on a file is refused when it holds any other.
inline constexpr uint64_t kLandlockFileRights = kLandlockExecute | kLandlockWriteFile |
                                                kLandlockReadFile | kLandlockTruncate |
                                                kLandlockIoctlDev;

// Offsets in struct seccomp_data, which a filter reads as 32-bit words.
inline constexpr uint32_t kSeccompDataSize = 64;

}  // namespace cordon::uapi

#endif  // CORDON_POLICY_UAPI_UAPI_H_
