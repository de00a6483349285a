// SPDX-License-Identifier: Apache-2.0
// The instructions in front of libseccomp's program. Entry point: Prologue. They decide by ranges
// of numbers, for which libseccomp has no rule.
#ifndef CORDON_POLICY_BPF_PROLOGUE_H_
#define CORDON_POLICY_BPF_PROLOGUE_H_

#include <string>

#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// An array of struct sock_filter, to be followed by at least one instruction, which gets all calls
// that are not decided here:
//   a number of the x32 ABI (meaning.h): kill the process;
//   a number from rules.unknown_from on: ENOSYS.
// A foreign architecture is left to what follows. Empty when there is nothing to decide. Below
// those numbers a call passes through four instructions, all of which the kernel understands when
// it makes its table of calls that are always allowed (seccomp_is_const_allow), so that these run
// none.
std::string Prologue(const v1::SeccompRules& rules, Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_PROLOGUE_H_
