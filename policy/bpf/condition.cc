// SPDX-License-Identifier: Apache-2.0
// Lowering of conditions, one function per kind of comparison.
#include "policy/bpf/condition.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/bpf/argument_types.h"
#include "policy/bpf/constants.h"

namespace cordon {
namespace {

constexpr uint64_t kAllBits = UINT64_MAX;

using Alternatives = std::vector<v1::ArgCompare>;

// One argument as the kernel sees it.
struct Argument {
  uint32_t index;
  uint32_t bits;
  uint64_t mask() const { return bits == 64 ? kAllBits : (uint64_t{1} << bits) - 1; }
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

// The value in the bits that the kernel reads. A negative constant arrives sign extended.
absl::StatusOr<uint64_t> ParseValue(const Argument& argument, absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseConstant(text));
  if (argument.bits == 64) return value;
  const uint64_t above = ~(argument.mask() >> 1);
  if ((value & ~argument.mask()) == 0 || (value & above) == above) return value & argument.mask();
  return Mistake(absl::StrCat("\"", EscapeForPeople(text), "\" does not fit argument ",
                              argument.index, ", which has ", argument.bits, " bits"));
}

v1::ArgCompare Equal(const Argument& argument, uint64_t value) {
  if (argument.bits == 64) return Compare(argument, v1::ArgCompare::EQ, value);
  return MaskedCompare(argument, argument.mask(), value);
}

Alternatives NotEqual(const Argument& argument, uint64_t value) {
  if (argument.bits == 64) return {Compare(argument, v1::ArgCompare::NE, value)};
  Alternatives result;
  for (uint32_t bit = 0; bit < argument.bits; ++bit) {
    const uint64_t mask = uint64_t{1} << bit;
    result.push_back(MaskedCompare(argument, mask, ~value & mask));
  }
  return result;
}

absl::StatusOr<Alternatives> Ordered(const Argument& argument, v1::ArgCompare::Op op,
                                     absl::string_view text) {
  if (argument.bits != 64) {
    return Mistake(absl::StrCat("argument ", argument.index, " has ", argument.bits,
                                " bits and cannot be ordered"))
        .Hint("list the values with any_of, or compare bits with masked_equals");
  }
  CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseConstant(text));
  const bool never =
      (op == v1::ArgCompare::LT && value == 0) || (op == v1::ArgCompare::GT && value == kAllBits);
  const bool always =
      (op == v1::ArgCompare::GE && value == 0) || (op == v1::ArgCompare::LE && value == kAllBits);
  if (never) return Mistake("the condition never holds");
  if (always) return Mistake("the condition always holds").Hint("leave it out");
  return Alternatives{Compare(argument, op, value)};
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
  std::vector<uint64_t> values;
  for (const std::string& text : set.value()) {
    CORDON_ASSIGN_OR_RETURN(const uint64_t value, ParseValue(argument, text));
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  if (values.empty()) return Mistake("any_of lists no value: the condition never holds");
  Alternatives result;
  for (uint64_t value : values) result.push_back(Equal(argument, value));
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
                                                           const v1::Condition& condition) {
  CORDON_ASSIGN_OR_RETURN(const uint32_t bits, ArgumentBits(call, condition.arg()));
  const Argument argument{condition.arg(), bits};
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
      return Ordered(argument, v1::ArgCompare::LT, condition.less_than());
    case v1::Condition::kAtMost:
      return Ordered(argument, v1::ArgCompare::LE, condition.at_most());
    case v1::Condition::kGreaterThan:
      return Ordered(argument, v1::ArgCompare::GT, condition.greater_than());
    case v1::Condition::kAtLeast:
      return Ordered(argument, v1::ArgCompare::GE, condition.at_least());
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
