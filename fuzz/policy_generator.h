// SPDX-License-Identifier: Apache-2.0
// Policies out of a fuzzer's bytes. Entry point: PolicyFrom.
#ifndef CORDON_FUZZ_POLICY_GENERATOR_H_
#define CORDON_FUZZ_POLICY_GENERATOR_H_

#include "fuzz/byte_source.h"
#include "policy/proto/policy.pb.h"

namespace cordon::fuzz {

// Walks the schema by reflection. Numbers, sizes and durations are drawn by the table of quantities
// (policy/quantity.h), every other string by a generator of its own: a string field without one
// aborts, so that a new field cannot be forgotten here. Most policies are valid; some values are
// not, and some policies are left with the contradictions that the walk made. All decisions 0 give
// the empty policy.
v1::Policy PolicyFrom(ByteSource* source);

}  // namespace cordon::fuzz

#endif  // CORDON_FUZZ_POLICY_GENERATOR_H_
