// SPDX-License-Identifier: Apache-2.0
// The seccomp filter of the sandbox's own init: the calls of sandbox/child/init.cc after the fork,
// nothing else. Written by hand because it never changes with the policy.
#ifndef CORDON_SANDBOX_PROGRAM_INIT_FILTER_H_
#define CORDON_SANDBOX_PROGRAM_INIT_FILTER_H_

#include <string>

namespace cordon {

// An array of struct sock_filter as bytes.
std::string InitFilter();

}  // namespace cordon

#endif  // CORDON_SANDBOX_PROGRAM_INIT_FILTER_H_
