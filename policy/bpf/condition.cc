// SPDX-License-Identifier: Apache-2.0
// Lowering of conditions, one function per kind of comparison.
#include "policy/bpf/condition.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/bpf/constants.h"

namespace cordon {
namespace {

constexpr uint64_t kAllBits = UINT64_MAX;

using Alternatives = std::vector<v1::ArgCompare>;

// One argument as the kernel sees it.
struct Argument {
  uint32_t index;
  ArgumentType type;
  uint64_t mask() const { return kAllBits >> (64 - type.bits); }
  // Flipping it makes the order of signed values that of unsigned ones.
  uint64_t sign() const { return type.is_signed ? uint64_t{1} << (type.bits - 1) : 0; }
};

v1::ArgCompare Compare(const Argument& argument, v1::ArgCompare::Op op, uint64_t value) {
  v1::ArgCompare compare;
  compare.set_arg(argument.index);
  compare.set_op(op);
  compare.set_value(value);
  return compare;
}

v1::ArgCompare MaskedCompare(const Argument& argument, uint64_t mask, uint64_t value) {
  v1::ArgCompare compare = Compare(argument, v1::ArgCompare::MASKED_EQ, value);
  compare.set_mask(mask);
  return compare;
}

Error Mistake(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, message);
}

Error DoesNotFit(const Argument& argument, absl::string_view text) {
  return Mistake(absl::StrCat("\"", EscapeForPeople(text), "\" does not fit argument ",
                              argument.index, ", which has ", argument.type.bits, " bits",
                              argument.type.is_signed ? " and a sign" : " and no sign"));
}

// The value in the bits that the kernel reads. A negative constant arrives sign extended.
absl::StatusOr<uint64_t> ParseValue(const Argument& argument, absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseConstant(text));
  const uint64_t above = ~(argument.mask() >> 1);
  if ((value & ~argument.mask()) == 0 || (value & above) == above) return value & argument.mask();
  return DoesNotFit(argument, text);
}

// The value to order by: in range as it is written. 0xffffffff is no int that could be ordered,
// although a register that holds it equals -1.
absl::StatusOr<uint64_t> ParseBound(const Argument& argument, absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseConstant(text));
  const bool negative = (value & argument.sign()) != 0;
  const uint64_t rest = negative ? ~argument.mask() : 0;
  if ((value & ~argument.mask()) == rest) return value & argument.mask();
  return DoesNotFit(argument, text);
}

// Equality in the bits of `mask`.
v1::ArgCompare EqualIn(const Argument& argument, uint64_t mask, uint64_t value) {
  if (mask == kAllBits) return Compare(argument, v1::ArgCompare::EQ, value);
  return MaskedCompare(argument, mask, value);
}

v1::ArgCompare Equal(const Argument& argument, uint64_t value) {
  return EqualIn(argument, argument.mask(), value);
}

// A set of values that agree in the bits of `mask`.
struct Cube {
  uint64_t mask;
  uint64_t value;
};

// Joins two cubes that differ in one bit, until there are none: the same values by fewer
// comparisons, which is what a filter costs at run time and libseccomp at compile time.
void JoinCubes(std::vector<Cube>* cubes) {
  for (size_t i = 0; i < cubes->size(); ++i) {
    for (size_t j = i + 1; j < cubes->size(); ++j) {
      Cube& first = (*cubes)[i];
      const Cube second = (*cubes)[j];
      const uint64_t difference = first.value ^ second.value;
      if (first.mask != second.mask || (difference & (difference - 1)) != 0) continue;
      first.mask &= ~difference;
      first.value &= ~difference;
      cubes->erase(cubes->begin() + static_cast<std::ptrdiff_t>(j));
      return JoinCubes(cubes);
    }
  }
}

// Different in some bit.
Alternatives NotEqual(const Argument& argument, uint64_t value) {
  Alternatives result;
  for (uint32_t bit = 0; bit < argument.type.bits; ++bit) {
    const uint64_t one = uint64_t{1} << bit;
    result.push_back(EqualIn(argument, one, ~value & one));
  }
  return result;
}

// The values that first differ from `value` in bit `bit`, from the highest on. Values are those of
// an order without signs; the register has its sign bit the other way round.
v1::ArgCompare DiffersFirstIn(const Argument& argument, uint32_t bit, uint64_t value) {
  const uint64_t one = uint64_t{1} << bit;
  const uint64_t from_here = argument.mask() & ~(one - 1);  // this bit and those above it
  return EqualIn(argument, from_here, ((value ^ one) ^ argument.sign()) & from_here);
}

// Below `value`: equal to it above some bit that it has and the argument has not.
Alternatives Below(const Argument& argument, uint64_t value) {
  Alternatives result;
  for (uint32_t bit = 0; bit < argument.type.bits; ++bit) {
    if ((value >> bit & 1) != 0) result.push_back(DiffersFirstIn(argument, bit, value));
  }
  return result;
}

// Above `value`: equal to it above some bit that the argument has and it has not.
Alternatives Above(const Argument& argument, uint64_t value) {
  Alternatives result;
  for (uint32_t bit = 0; bit < argument.type.bits; ++bit) {
    if ((value >> bit & 1) == 0) result.push_back(DiffersFirstIn(argument, bit, value));
  }
  return result;
}

enum class Order { kLessThan, kAtMost, kGreaterThan, kAtLeast };

absl::StatusOr<Alternatives> Ordered(const Argument& argument, Order order,
                                     absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(const uint64_t bound, ParseBound(argument, text));
  const uint64_t value = bound ^ argument.sign();
  const uint64_t highest = argument.mask();
  const bool never = (order == Order::kLessThan && value == 0) ||
                     (order == Order::kGreaterThan && value == highest);
  const bool always =
      (order == Order::kAtLeast && value == 0) || (order == Order::kAtMost && value == highest);
  if (never) return Mistake("the condition never holds");
  if (always) return Mistake("the condition always holds").Hint("leave it out");
  switch (order) {
    case Order::kLessThan:
      return Below(argument, value);
    case Order::kAtMost:
      return Below(argument, value + 1);
    case Order::kGreaterThan:
      return Above(argument, value);
    case Order::kAtLeast:
      return Above(argument, value - 1);
  }
  return Alternatives{};
}

// The one thing that a filter can say about a pointer: whether there is one.
absl::Status CheckPointer(absl::string_view call, const v1::Condition& condition) {
  const auto comparison = condition.comparison_case();
  if (comparison == v1::Condition::kEquals || comparison == v1::Condition::kNotEquals) {
    const bool equals = comparison == v1::Condition::kEquals;
    CORDON_ASSIGN_OR_RETURN(const uint64_t value,
                            ParseConstant(equals ? condition.equals() : condition.not_equals()));
    if (value == 0) return absl::OkStatus();
  }
  return static_cast<absl::Status>(
      Mistake(absl::StrCat("argument ", condition.arg(), " of ", call,
                           " is a pointer and cannot be compared"))
          .Hint("a filter does not see what it points to, and another thread may change that after "
                "the decision; only equals and not_equals \"0\" are possible"));
}

absl::StatusOr<Alternatives> Masked(const Argument& argument, const v1::MaskedEquals& masked) {
  CORDON_ASSIGN_OR_RETURN(const uint64_t mask, ParseValue(argument, masked.mask()));
  CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseValue(argument, masked.value()));
  if (mask == 0) return Mistake("the mask is zero: the condition always holds");
  if ((value & ~mask) != 0) {
    return Mistake("the condition never holds: the value has bits that the mask has not");
  }
  if (mask == argument.mask()) return Alternatives{Equal(argument, value)};
  return Alternatives{MaskedCompare(argument, mask, value)};
}

absl::StatusOr<Alternatives> AnyOf(const Argument& argument, const v1::ValueSet& set) {
  std::vector<Cube> cubes;
  for (const std::string& text : set.value()) {
    CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseValue(argument, text));
    cubes.push_back({argument.mask(), value});
  }
  if (cubes.empty()) return Mistake("any_of lists no value: the condition never holds");
  JoinCubes(&cubes);
  Alternatives result;
  for (const Cube& cube : cubes) result.push_back(EqualIn(argument, cube.mask, cube.value));
  return result;
}

absl::StatusOr<v1::Condition> ParseOne(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ', absl::SkipWhitespace());
  v1::Condition condition;
  uint32_t arg = 0;
  if (words.size() < 3 || !absl::SimpleAtoi(words[0], &arg)) {
    return Mistake(absl::StrCat("not a condition: ", EscapeForPeople(text)));
  }
  condition.set_arg(arg);
  if (words[1] == "=" && words.size() == 3) {
    condition.set_equals(std::string(words[2]));
  } else if (words[1] == "!=" && words.size() == 3) {
    condition.set_not_equals(std::string(words[2]));
  } else if (words[1] == "&" && words.size() == 5 && words[3] == "=") {
    condition.mutable_masked_equals()->set_mask(std::string(words[2]));
    condition.mutable_masked_equals()->set_value(std::string(words[4]));
  } else if (words[1] == "in") {
    for (size_t i = 2; i < words.size(); ++i) {
      condition.mutable_any_of()->add_value(std::string(words[i]));
    }
  } else {
    return Mistake(absl::StrCat("not a condition: ", EscapeForPeople(text)));
  }
  return condition;
}

}  // namespace

absl::StatusOr<std::vector<v1::ArgCompare>> LowerCondition(absl::string_view call,
                                                           const v1::Condition& condition,
                                                           Architecture architecture) {
  CORDON_ASSIGN_OR_RETURN(const ArgumentType type,
                          FindArgument(call, condition.arg(), architecture));
  if (type.kind == ArgumentType::Kind::kPointer &&
      condition.comparison_case() != v1::Condition::COMPARISON_NOT_SET) {
    CORDON_RETURN_IF_ERROR(CheckPointer(call, condition));
  }
  const Argument argument{condition.arg(), type};
  switch (condition.comparison_case()) {
    case v1::Condition::kEquals: {
      CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseValue(argument, condition.equals()));
      return Alternatives{Equal(argument, value)};
    }
    case v1::Condition::kNotEquals: {
      CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseValue(argument, condition.not_equals()));
      return NotEqual(argument, value);
    }
    case v1::Condition::kLessThan:
      return Ordered(argument, Order::kLessThan, condition.less_than());
    case v1::Condition::kAtMost:
      return Ordered(argument, Order::kAtMost, condition.at_most());
    case v1::Condition::kGreaterThan:
      return Ordered(argument, Order::kGreaterThan, condition.greater_than());
    case v1::Condition::kAtLeast:
      return Ordered(argument, Order::kAtLeast, condition.at_least());
    case v1::Condition::kMaskedEquals:
      return Masked(argument, condition.masked_equals());
    case v1::Condition::kAnyOf:
      return AnyOf(argument, condition.any_of());
    case v1::Condition::COMPARISON_NOT_SET:
      break;
  }
  return Mistake("the condition has no comparison");
}

absl::StatusOr<std::vector<v1::Condition>> ParseConditions(absl::string_view text) {
  std::vector<v1::Condition> conditions;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    CORDON_ASSIGN_OR_RETURN(v1::Condition condition, ParseOne(part));
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

}  // namespace cordon
