// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/condition.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/bpf/meaning.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using Compares = std::vector<v1::ArgCompare>;

v1::Condition Condition(const std::string& text) {
  v1::Condition condition;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &condition)) << text;
  return condition;
}

absl::StatusOr<Compares> Lower(absl::string_view call, const std::string& text) {
  return LowerCondition(call, Condition(text), Architecture::kX86_64);
}

bool Any(const Compares& compares, uint64_t value) {
  return std::any_of(compares.begin(), compares.end(),
                     [&](const v1::ArgCompare& compare) { return Holds(compare, value); });
}

// Values around which comparisons with `value` change, with and without garbage above 32 bits.
std::vector<uint64_t> Around(uint64_t value) {
  std::vector<uint64_t> all = {0, 1, UINT64_MAX, uint64_t{1} << 31, uint64_t{1} << 32};
  for (uint64_t near : {value - 1, value, value + 1}) {
    for (uint64_t high : {uint64_t{0}, uint64_t{1} << 32, uint64_t{0xffffffff} << 32}) {
      all.push_back(near ^ high);
    }
  }
  for (int bit = 0; bit < 64; ++bit) all.push_back(value ^ uint64_t{1} << bit);
  return all;
}

TEST(ConditionTest, OrdersOf64BitsMeanWhatTheySay) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> operands = {1,          2,           0x7fffffff,        0x80000000,
                                    0xffffffff, 0x100000000, uint64_t{1} << 63, UINT64_MAX - 1};
  for (int i = 0; i < 50; ++i) operands.push_back(random() >> (random() % 60));
  for (uint64_t v : operands) {
    if (v == 0 || v == UINT64_MAX) continue;
    const auto less = Lower("mprotect", absl::StrCat("less_than: \"", v, "\""));
    const auto most = Lower("mprotect", absl::StrCat("at_most: \"", v, "\""));
    const auto greater = Lower("mprotect", absl::StrCat("greater_than: \"", v, "\""));
    const auto least = Lower("mprotect", absl::StrCat("at_least: \"", v, "\""));
    const auto equal = Lower("mprotect", absl::StrCat("equals: \"", v, "\""));
    const auto different = Lower("mprotect", absl::StrCat("not_equals: \"", v, "\""));
    for (const auto& each : {less, most, greater, least, equal, different}) {
      ASSERT_THAT(each, IsOk());
    }
    for (uint64_t x : Around(v)) {
      EXPECT_EQ(Any(*less, x), x < v) << x << " < " << v;
      EXPECT_EQ(Any(*most, x), x <= v) << x << " <= " << v;
      EXPECT_EQ(Any(*greater, x), x > v) << x << " > " << v;
      EXPECT_EQ(Any(*least, x), x >= v) << x << " >= " << v;
      EXPECT_EQ(Any(*equal, x), x == v) << x << " == " << v;
      EXPECT_EQ(Any(*different, x), x != v) << x << " != " << v;
    }
  }
}

TEST(ConditionTest, OnlyEqualityOfBitsReachesTheAssembler) {
  for (const char* text : {"less_than: \"77\"", "at_most: \"77\"", "greater_than: \"77\"",
                           "at_least: \"77\"", "not_equals: \"77\"", "equals: \"77\"",
                           "masked_equals { mask: \"0xf0\" value: \"0x10\" }"}) {
    const auto compares = Lower("mprotect", text);
    ASSERT_THAT(compares, IsOk());
    for (const v1::ArgCompare& compare : *compares) {
      EXPECT_THAT(compare.op(), testing::AnyOf(v1::ArgCompare::EQ, v1::ArgCompare::MASKED_EQ));
    }
  }
}

TEST(ConditionTest, IntsAreComparedIn32Bits) {
  const auto equal = Lower("socket", "equals: \"AF_UNIX\"");
  const auto different = Lower("socket", "not_equals: \"AF_UNIX\"");
  ASSERT_THAT(equal, IsOk());
  ASSERT_THAT(different, IsOk());
  for (uint64_t x : Around(1)) {
    const bool same = static_cast<uint32_t>(x) == 1;
    EXPECT_EQ(Any(*equal, x), same) << x;
    EXPECT_EQ(Any(*different, x), !same) << x;
  }
}

TEST(ConditionTest, ModesAreComparedIn16Bits) {
  const auto equal = Lower("chmod", "arg: 1 equals: \"0x1ed\"");
  ASSERT_THAT(equal, IsOk());
  EXPECT_TRUE(Any(*equal, 0x1ed));
  EXPECT_TRUE(Any(*equal, 0x101ed));
  EXPECT_FALSE(Any(*equal, 0x9ed));
}

TEST(ConditionTest, ANegativeConstantFitsAnInt) {
  // AT_FDCWD reaches the kernel zero or sign extended, as the caller's compiler likes.
  const auto equal = Lower("openat", "equals: \"AT_FDCWD\"");
  ASSERT_THAT(equal, IsOk());
  EXPECT_TRUE(Any(*equal, 0xffffff9c));
  EXPECT_TRUE(Any(*equal, 0xffffffffffffff9c));
  EXPECT_FALSE(Any(*equal, 0x9c));
  EXPECT_THAT(Lower("personality", "equals: \"0x1ffffffff\""),
              StatusIs(absl::StatusCode::kInvalidArgument, "does not fit"));
}

TEST(ConditionTest, AnyOfIsTheSetOfItsValuesAndNoMore) {
  const auto compares = Lower("madvise", R"(arg: 2 any_of { value: "MADV_NORMAL"
    value: "MADV_RANDOM" value: "MADV_SEQUENTIAL" value: "MADV_WILLNEED" value: "MADV_FREE"
    value: "MADV_FREE" value: "21" value: "20" value: "0x15" })");
  ASSERT_THAT(compares, IsOk());
  EXPECT_LT(compares->size(), 5u) << "neighbours are joined";
  const std::set<uint64_t> wanted = {0, 1, 2, 3, 8, 20, 21};
  for (uint64_t x = 0; x < 300; ++x) {
    EXPECT_EQ(Any(*compares, x), wanted.count(x) == 1) << x;
    EXPECT_EQ(Any(*compares, x | uint64_t{5} << 32), wanted.count(x) == 1) << x;
  }
}

TEST(ConditionTest, MaskedEqualsIsTakenAsItIs) {
  const auto compares =
      Lower("clone", "masked_equals { mask: \"CLONE_NEWUSER|CLONE_NEWNS\" value: \"0\" }");
  ASSERT_THAT(compares, IsOk());
  ASSERT_EQ(compares->size(), 1u);
  EXPECT_EQ((*compares)[0].mask(), 0x10020000u);
  EXPECT_EQ((*compares)[0].value(), 0u);
}

TEST(ConditionTest, RefusesWhatAlwaysOrNeverHolds) {
  for (const char* text :
       {"less_than: \"0\"", "at_least: \"0\"", "greater_than: \"0xffffffffffffffff\"",
        "at_most: \"0xffffffffffffffff\"", "masked_equals { mask: \"0\" value: \"0\" }",
        "masked_equals { mask: \"1\" value: \"3\" }", "any_of { }"}) {
    EXPECT_THAT(Lower("mprotect", text),
                StatusIs(absl::StatusCode::kInvalidArgument, "the condition"))
        << text;
  }
}

// What each comparison lowers to, against the comparison of C on the type that the kernel reads.
template <typename Int>
void ExpectTheOrderOfC(absl::string_view call, uint32_t arg, const std::vector<Int>& operands,
                       const std::vector<uint64_t>& samples) {
  for (Int v : operands) {
    if (v == std::numeric_limits<Int>::min() || v == std::numeric_limits<Int>::max()) continue;
    const std::string at = absl::StrCat("arg: ", arg, " ");
    const auto less = Lower(call, absl::StrCat(at, "less_than: \"", v, "\""));
    const auto most = Lower(call, absl::StrCat(at, "at_most: \"", v, "\""));
    const auto greater = Lower(call, absl::StrCat(at, "greater_than: \"", v, "\""));
    const auto least = Lower(call, absl::StrCat(at, "at_least: \"", v, "\""));
    for (const auto& each : {less, most, greater, least}) ASSERT_THAT(each, IsOk()) << call << v;
    for (uint64_t sample : samples) {
      const Int x = static_cast<Int>(sample);
      EXPECT_EQ(Any(*less, sample), x < v) << call << ": " << x << " < " << v;
      EXPECT_EQ(Any(*most, sample), x <= v) << call << ": " << x << " <= " << v;
      EXPECT_EQ(Any(*greater, sample), x > v) << call << ": " << x << " > " << v;
      EXPECT_EQ(Any(*least, sample), x >= v) << call << ": " << x << " >= " << v;
    }
  }
}

template <typename Int>
void ExpectTheOrderOfCAround(absl::string_view call, uint32_t arg) {
  using Limits = std::numeric_limits<Int>;
  std::mt19937_64 random(sizeof(Int));
  std::vector<Int> operands = {static_cast<Int>(-2),
                               static_cast<Int>(-1),
                               0,
                               1,
                               2,
                               static_cast<Int>(Limits::max() - 1),
                               static_cast<Int>(Limits::min() + 1)};
  for (int i = 0; i < 30; ++i) operands.push_back(static_cast<Int>(random() >> (random() % 64)));
  for (Int v : operands) {
    std::vector<uint64_t> samples = Around(static_cast<uint64_t>(v));
    for (Int other : operands) samples.push_back(static_cast<uint64_t>(other));
    for (int i = 0; i < 50; ++i) samples.push_back(random() >> (random() % 64));
    ExpectTheOrderOfC<Int>(call, arg, {v}, samples);
  }
}

TEST(ConditionTest, OrdersMeanWhatTheyMeanInCForTheTypeThatTheKernelReads) {
  ExpectTheOrderOfCAround<int32_t>("kill", 1);
  ExpectTheOrderOfCAround<int32_t>("openat", 0);
  ExpectTheOrderOfCAround<uint32_t>("read", 0);
  ExpectTheOrderOfCAround<uint32_t>("close_range", 1);
  ExpectTheOrderOfCAround<uint16_t>("chmod", 1);
  ExpectTheOrderOfCAround<int64_t>("lseek", 1);
  ExpectTheOrderOfCAround<uint64_t>("mprotect", 0);
}

TEST(ConditionTest, OrdersOf16BitsHoldForEveryValue) {
  std::vector<uint64_t> all;
  for (uint64_t x = 0; x < 1 << 16; ++x) all.push_back(x | x << 48);
  ExpectTheOrderOfC<uint16_t>("chmod", 1, {1, 0x1ff, 0x7fff, 0x8000, 0xfffe}, all);
}

TEST(ConditionTest, BoundsAreInTheRangeOfTheType) {
  for (const char* text : {"less_than: \"0xffffffff\"", "at_most: \"2147483648\"",
                           "at_least: \"-2147483649\"", "greater_than: \"0x100000000\""}) {
    EXPECT_THAT(Lower("kill", absl::StrCat("arg: 1 ", text)),
                HasErrorWith("does not fit argument 1, which has 32 bits and a sign"))
        << text;
  }
  EXPECT_THAT(Lower("read", "less_than: \"-1\""),
              HasErrorWith("does not fit argument 0, which has 32 bits and no sign"));
  for (const char* text : {"less_than: \"-2147483648\"", "greater_than: \"2147483647\""}) {
    EXPECT_THAT(Lower("kill", absl::StrCat("arg: 1 ", text)), HasErrorWith("never holds")) << text;
  }
  for (const char* text : {"at_least: \"-2147483648\"", "at_most: \"0x7fffffff\""}) {
    EXPECT_THAT(Lower("kill", absl::StrCat("arg: 1 ", text)), HasErrorWith("always holds")) << text;
  }
}

TEST(ConditionTest, OfAPointerOnlyNullIsVisible) {
  for (const char* text :
       {"equals: \"1\"", "not_equals: \"0x1000\"", "less_than: \"4096\"", "at_least: \"1\"",
        "masked_equals { mask: \"0xfff\" value: \"0\" }", "any_of { value: \"0\" }"}) {
    EXPECT_THAT(Lower("openat", absl::StrCat("arg: 1 ", text)),
                HasError("argument 1 of openat is a pointer and cannot be compared; hint: a filter "
                         "does not see what it points to, and another thread may change that "
                         "after the decision; only equals and not_equals \"0\" are possible"))
        << text;
  }
  const auto null = Lower("prlimit64", "arg: 2 equals: \"0\"");
  const auto some = Lower("prlimit64", "arg: 2 not_equals: \"0\"");
  ASSERT_THAT(null, IsOk());
  ASSERT_THAT(some, IsOk());
  for (uint64_t x : Around(0)) {
    EXPECT_EQ(Any(*null, x), x == 0) << x;
    EXPECT_EQ(Any(*some, x), x != 0) << x;
  }
}

TEST(ConditionTest, TypesAreThoseOfTheArchitecture) {
  const v1::Condition last = Condition("arg: 4 at_least: \"1\"");
  EXPECT_THAT(LowerCondition("clone", last, Architecture::kX86_64), IsOk()) << "the thread pointer";
  EXPECT_THAT(LowerCondition("clone", last, Architecture::kAarch64), HasErrorWith("is a pointer"));
}

TEST(ConditionTest, RefusesBadArgumentsAndValues) {
  EXPECT_THAT(Lower("socket", "arg: 3 equals: \"1\""), HasErrorWith("has no argument 3"));
  EXPECT_THAT(Lower("socket", "equals: \"AF_UNICKS\""), HasErrorWith("AF_UNIX"));
  EXPECT_THAT(Lower("socket", "arg: 0"),
              StatusIs(absl::StatusCode::kInvalidArgument, "no comparison"));
}

TEST(ConditionTest, TablesHaveAShortForm) {
  const auto conditions =
      ParseConditions("1 = SOL_SOCKET, 2 in SO_TYPE SO_ERROR, 0 & 7 = 1, 3 != 4");
  ASSERT_THAT(conditions, IsOk());
  ASSERT_EQ(conditions->size(), 4u);
  EXPECT_EQ((*conditions)[0].arg(), 1u);
  EXPECT_EQ((*conditions)[0].equals(), "SOL_SOCKET");
  EXPECT_THAT((*conditions)[1].any_of().value(), testing::ElementsAre("SO_TYPE", "SO_ERROR"));
  EXPECT_EQ((*conditions)[2].masked_equals().mask(), "7");
  EXPECT_EQ((*conditions)[2].masked_equals().value(), "1");
  EXPECT_EQ((*conditions)[3].not_equals(), "4");
  EXPECT_THAT(ParseConditions(""), IsOk());
  for (absl::string_view bad :
       {"x = 1", "1 = 2 3", "1 & 2", "1 < 2", "1 != 2 3", "1", "1 & 2 == 3"}) {
    EXPECT_THAT(ParseConditions(bad), StatusIs(absl::StatusCode::kInvalidArgument, "condition"))
        << bad;
  }
}

}  // namespace
}  // namespace cordon
