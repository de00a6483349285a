// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/call_words.h"

#include "gtest/gtest.h"
#include "policy/bpf/constants.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr Architecture kArch = Architecture::kX86_64;

TEST(CallWordsTest, ArgumentsAreWrittenInTheirOwnWidth) {
  const ArgumentType integer = {ArgumentType::Kind::kInteger, 32, true};
  EXPECT_EQ(ArgumentText(integer, 0xffffffff), "-1");
  EXPECT_EQ(ArgumentText(integer, 0x1'7fffffff), "2147483647");
  EXPECT_EQ(ArgumentText({ArgumentType::Kind::kInteger, 64, true}, UINT64_MAX), "-1");
  EXPECT_EQ(ArgumentText({ArgumentType::Kind::kInteger, 16, false}, 0xabc01ff), "0x1ff");
  EXPECT_EQ(ArgumentText({ArgumentType::Kind::kPointer, 64, false}, UINT64_MAX),
            "0xffffffffffffffff");
}

TEST(CallWordsTest, OnlyWhatTheKernelReadsIsWritten) {
  EXPECT_EQ(CallInWords(41, {2 | uint64_t{9} << 32, 3, 0, 7, 7, 7}, kArch),
            "socket(AF_INET=2, 3, 0)");
  EXPECT_EQ(CallInWords(39, {1, 2, 3, 4, 5, 6}, kArch), "getpid()");
  EXPECT_EQ(CallInWords(101, {0, UINT64_MAX, 0, 0, 0, 0}, kArch), "ptrace(0, -1, 0x0, 0x0)");
  EXPECT_EQ(CallInWords(999, {1, 2, 3, 4, 5, 6}, kArch), "call 999()");
}

TEST(CallWordsTest, FlagsAreNamedOneByOneAndWhatHasNoNameIsKept) {
  EXPECT_EQ(ConstantName("unshare", 0, 0x10020000), "CLONE_NEWNS|CLONE_NEWUSER");
  EXPECT_EQ(ConstantName("unshare", 0, 0x10000001), "CLONE_NEWUSER|0x1");
  EXPECT_EQ(ConstantName("unshare", 0, 1), "");
  EXPECT_EQ(ConstantName("ioctl", 1, 0x5412), "TIOCSTI");
  EXPECT_EQ(ConstantName("ioctl", 0, 0x5412), "");
  EXPECT_EQ(ConstantName("kill", 1, 9), "SIGKILL");
  EXPECT_EQ(ConstantName("getpid", 0, 2), "");
}

// A name is written where a value would be, so it has to mean that value to the policy language.
TEST(CallWordsTest, EveryNameIsTheValueThatItStandsFor) {
  struct Place {
    const char* call;
    uint32_t argument;
  };
  for (const Place place : {Place{"socket", 0}, Place{"prctl", 0}, Place{"fcntl", 1},
                            Place{"ioctl", 1}, Place{"unshare", 0}, Place{"setns", 1},
                            Place{"madvise", 2}, Place{"tgkill", 2}, Place{"seccomp", 0}}) {
    size_t named = 0;
    for (const NamedConstant& constant : NamedConstants()) {
      const std::string name = ConstantName(place.call, place.argument, constant.value);
      if (name.empty()) continue;
      ++named;
      const auto value = ParseConstant(name);
      ASSERT_THAT(value, IsOk()) << name;
      EXPECT_EQ(*value, constant.value) << place.call << " " << name;
    }
    EXPECT_GT(named, 0u) << place.call;
  }
}

}  // namespace
}  // namespace cordon
