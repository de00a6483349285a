// SPDX-License-Identifier: Apache-2.0
// A stricter copy of a policy, step by step. Entry point: TightenSome.
#ifndef CORDON_FUZZ_TIGHTENING_H_
#define CORDON_FUZZ_TIGHTENING_H_

#include "fuzz/byte_source.h"
#include "policy/proto/policy.pb.h"

namespace cordon::fuzz {

// Takes away some of what a normal policy allows: lower limits, fewer groups, stricter actions,
// mounts that can be written or executed less, hidden paths, layers that must be there. What
// results may fail to compile (a file rule may want more than its mount then gives).
void TightenSome(ByteSource* source, v1::Policy* policy);

}  // namespace cordon::fuzz

#endif  // CORDON_FUZZ_TIGHTENING_H_
