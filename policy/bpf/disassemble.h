// SPDX-License-Identifier: Apache-2.0
// A filter as text, for people and for golden files. Entry point: Disassemble.
#ifndef CORDON_POLICY_BPF_DISASSEMBLE_H_
#define CORDON_POLICY_BPF_DISASSEMBLE_H_

#include <string>

#include "policy/bpf/program.h"
#include "policy/bpf/syscall_table.h"

namespace cordon {

// One line per instruction: its number, what it does in the terms of struct seccomp_data, and for
// comparisons of the call's number the name of the call:
//   0005: if (a == 0x10) goto 7 else goto 6      ; ioctl
std::string Disassemble(const BpfProgram& program, Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_DISASSEMBLE_H_
