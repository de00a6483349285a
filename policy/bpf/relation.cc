// SPDX-License-Identifier: Apache-2.0
// Each comparison is seen as an interval, a mask, or everything but one value.
#include "policy/bpf/relation.h"

#include <algorithm>
#include <cstdint>

#include "policy/bpf/meaning.h"

namespace cordon {
namespace {

using Op = v1::ArgCompare;

struct Interval {
  uint64_t low;
  uint64_t high;
};

// The smallest interval around all values that satisfy the comparison; low > high when there are
// none.
Interval Hull(const v1::ArgCompare& compare) {
  const uint64_t value = compare.value();
  switch (compare.op()) {
    case Op::EQ:
      return {value, value};
    case Op::LT:
      return value == 0 ? Interval{1, 0} : Interval{0, value - 1};
    case Op::LE:
      return {0, value};
    case Op::GT:
      return value == UINT64_MAX ? Interval{1, 0} : Interval{value + 1, UINT64_MAX};
    case Op::GE:
      return {value, UINT64_MAX};
    case Op::MASKED_EQ:
      return {value, value | ~compare.mask()};
    default:
      return {0, UINT64_MAX};
  }
}

bool IsInterval(const v1::ArgCompare& compare) {
  return compare.op() != Op::NE && compare.op() != Op::MASKED_EQ;
}

// Only `value` satisfies the comparison.
bool IsExactly(const v1::ArgCompare& compare, uint64_t value) {
  const Interval hull = Hull(compare);
  return hull.low == value && hull.high == value;
}

}  // namespace

bool ProvablyDisjoint(const v1::ArgCompare& a, const v1::ArgCompare& b) {
  if (a.op() == Op::NE) return b.op() != Op::NE && IsExactly(b, a.value());
  if (b.op() == Op::NE) return IsExactly(a, b.value());
  const Interval x = Hull(a);
  const Interval y = Hull(b);
  if (std::max(x.low, y.low) > std::min(x.high, y.high)) return true;
  if (a.op() == Op::MASKED_EQ && b.op() == Op::MASKED_EQ) {
    return (a.value() & b.mask()) != (b.value() & a.mask());
  }
  if (a.op() == Op::EQ) return !Holds(b, a.value());
  if (b.op() == Op::EQ) return !Holds(a, b.value());
  return false;
}

bool Implies(const v1::ArgCompare& a, const v1::ArgCompare& b) {
  if (a.op() == Op::NE) return b.op() == Op::NE && a.value() == b.value();
  if (a.op() == Op::EQ) return Holds(b, a.value());
  if (b.op() == Op::NE) return !Holds(a, b.value());
  if (IsInterval(b)) return Hull(b).low <= Hull(a).low && Hull(a).high <= Hull(b).high;
  return a.op() == Op::MASKED_EQ && (b.mask() & ~a.mask()) == 0 &&
         (a.value() & b.mask()) == b.value();
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
