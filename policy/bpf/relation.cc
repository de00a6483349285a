// SPDX-License-Identifier: Apache-2.0
// A comparison is a set of bits that must have given values; all relations follow from that.
#include "policy/bpf/relation.h"

#include <algorithm>
#include <cstdint>

#include "absl/types/optional.h"

namespace cordon {
namespace {

struct Bits {
  uint64_t mask;   // which bits must have a given value
  uint64_t value;  // that value; no bits outside the mask
};

absl::optional<Bits> BitsOf(const v1::ArgCompare& compare) {
  if (compare.op() == v1::ArgCompare::EQ) return Bits{UINT64_MAX, compare.value()};
  if (compare.op() == v1::ArgCompare::MASKED_EQ) return Bits{compare.mask(), compare.value()};
  return absl::nullopt;
}

}  // namespace

bool ProvablyDisjoint(const v1::ArgCompare& a, const v1::ArgCompare& b) {
  const absl::optional<Bits> x = BitsOf(a);
  const absl::optional<Bits> y = BitsOf(b);
  return x.has_value() && y.has_value() && ((x->value ^ y->value) & x->mask & y->mask) != 0;
}

bool Implies(const v1::ArgCompare& a, const v1::ArgCompare& b) {
  const absl::optional<Bits> x = BitsOf(a);
  const absl::optional<Bits> y = BitsOf(b);
  return x.has_value() && y.has_value() && (y->mask & ~x->mask) == 0 &&
         (x->value & y->mask) == y->value;
}

bool ProvablyDisjoint(const v1::SyscallRule& a, const v1::SyscallRule& b) {
  for (const v1::ArgCompare& x : a.when()) {
    for (const v1::ArgCompare& y : b.when()) {
      if (x.arg() == y.arg() && ProvablyDisjoint(x, y)) return true;
    }
  }
  return false;
}

bool Implies(const v1::SyscallRule& a, const v1::SyscallRule& b) {
  return std::all_of(b.when().begin(), b.when().end(), [&](const v1::ArgCompare& y) {
    return std::any_of(a.when().begin(), a.when().end(), [&](const v1::ArgCompare& x) {
      return x.arg() == y.arg() && Implies(x, y);
    });
  });
}

}  // namespace cordon
