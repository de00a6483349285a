// SPDX-License-Identifier: Apache-2.0
// An interpreter of classic BPF, independent of libseccomp and of the kernel. Entry point:
// Evaluate. It answers what the kernel would answer to one system call.
#ifndef CORDON_POLICY_BPF_EVALUATE_H_
#define CORDON_POLICY_BPF_EVALUATE_H_

#include <cstdint>

#include "policy/bpf/meaning.h"
#include "policy/bpf/program.h"

namespace cordon {

// The SECCOMP_RET_ value that the program returns for `call`. Always ends: jumps only go forward.
uint32_t Evaluate(const BpfProgram& program, const CallSample& call);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_EVALUATE_H_
