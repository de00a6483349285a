// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/argument_types.h"

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

uint32_t Bits(absl::string_view call, uint32_t argument) {
  return ArgumentBits(call, argument).value_or(0);
}

TEST(ArgumentTypesTest, IntsAre32Bits) {
  EXPECT_EQ(Bits("ioctl", 1), 32u);
  EXPECT_EQ(Bits("prctl", 0), 32u);
  EXPECT_EQ(Bits("personality", 0), 32u);
  for (uint32_t argument : {0u, 1u, 2u}) EXPECT_EQ(Bits("socket", argument), 32u);
  EXPECT_EQ(Bits("kill", 1), 32u);
  EXPECT_EQ(Bits("fcntl", 1), 32u);
  EXPECT_EQ(Bits("madvise", 2), 32u);
}

TEST(ArgumentTypesTest, LongsSizesAndPointersAre64Bits) {
  EXPECT_EQ(Bits("ioctl", 2), 64u);
  EXPECT_EQ(Bits("mmap", 3), 64u);
  EXPECT_EQ(Bits("read", 2), 64u);
  EXPECT_EQ(Bits("openat", 1), 64u);
  EXPECT_EQ(Bits("prctl", 1), 64u);
  EXPECT_EQ(Bits("unshare", 0), 64u);
}

TEST(ArgumentTypesTest, TheKernelDropsTheUpperHalfOfCloneFlags) {
  EXPECT_EQ(Bits("clone", 0), 32u);
}

TEST(ArgumentTypesTest, ModesOfFilesAre16Bits) {
  EXPECT_EQ(Bits("chmod", 1), 16u);
  EXPECT_EQ(Bits("fchmodat", 2), 16u);
  EXPECT_EQ(Bits("open", 2), 16u);
  EXPECT_EQ(Bits("openat", 3), 16u);
  EXPECT_EQ(Bits("mknodat", 2), 16u);
}

TEST(ArgumentTypesTest, AnArgumentThatDoesNotExistIsAnError) {
  EXPECT_THAT(ArgumentBits("socket", 3),
              HasError("socket has no argument 3; hint: it has 3, counted from 0"));
  EXPECT_THAT(ArgumentBits("pause", 0), StatusIs(absl::StatusCode::kInvalidArgument, "pause"));
}

TEST(ArgumentTypesTest, ACallWithUnknownTypesIsAnError) {
  EXPECT_THAT(ArgumentBits("landlock_add_rule", 0),
              StatusIs(absl::StatusCode::kInvalidArgument, "not supported"));
  EXPECT_THAT(ArgumentBits("no_such_call", 0),
              StatusIs(absl::StatusCode::kInvalidArgument, "not supported"));
}

}  // namespace
}  // namespace cordon
