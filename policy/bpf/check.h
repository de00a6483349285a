// SPDX-License-Identifier: Apache-2.0
// Does a filter do what its rules mean? Entry point: CheckFilter, which runs every filter before
// it may be used: libseccomp 2.5.4 is known to assemble some rule sets wrongly.
#ifndef CORDON_POLICY_BPF_CHECK_H_
#define CORDON_POLICY_BPF_CHECK_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "policy/bpf/program.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Compares the interpreter's answer (evaluate.h) with the meaning (meaning.h) for every number from
// 0 to 1023 and the extremes, with and without the x32 bit, for foreign architectures, and, for
// calls with conditions, for the combinations of the values at which a comparison changes its
// answer. INTERNAL with the first call on which they differ.
absl::Status CheckFilter(const v1::SeccompRules& rules, const BpfProgram& program,
                         Architecture architecture);

// The values of argument `arg` around which the rules change their answer. Sorted, no duplicates.
std::vector<uint64_t> BoundaryValues(const std::vector<const v1::SyscallRule*>& rules,
                                     uint32_t arg);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CHECK_H_
