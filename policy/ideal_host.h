// SPDX-License-Identifier: Apache-2.0
// Facts of a host that can do everything. Checking, explaining and comparing policies is not about
// this machine: their answers must not depend on it.
#ifndef CORDON_POLICY_IDEAL_HOST_H_
#define CORDON_POLICY_IDEAL_HOST_H_

#include "policy/bpf/syscall_table.h"
#include "policy/proto/host_facts.pb.h"

namespace cordon {

v1::HostFacts IdealHost(Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_IDEAL_HOST_H_
