// SPDX-License-Identifier: Apache-2.0
// SeccompRules -> BPF bytes, by libseccomp, behind a prologue of our own for what it cannot say
// (prologue.h). Entry point: Assemble. libseccomp gets numbers, never names: its tables end at
// Linux 5.16. What comes out is not trusted: prove.h compares it with the rules.
#ifndef CORDON_POLICY_BPF_ASSEMBLE_H_
#define CORDON_POLICY_BPF_ASSEMBLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// An array of struct sock_filter. Deterministic: the running kernel is not asked what it supports.
// FAILED_PRECONDITION for an architecture other than the one this program was compiled for
// (libseccomp translates numbers through its native table, which younger calls are not in).
// INVALID_ARGUMENT when the filter is longer than the kernel loads.
absl::StatusOr<std::string> Assemble(const v1::SeccompRules& rules, Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_ASSEMBLE_H_
