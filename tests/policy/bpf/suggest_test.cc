// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/suggest.h"

#include "gmock/gmock.h"

namespace cordon {
namespace {

constexpr absl::string_view kNames[] = {"openat", "open", "unlinkat", "AF_UNIX", "PR_SET_NAME"};

TEST(SuggestTest, FindsSwappedMissingAndExtraLetters) {
  EXPECT_EQ(NearestName("opneat", kNames), "openat");
  EXPECT_EQ(NearestName("unlikat", kNames), "unlinkat");
  EXPECT_EQ(NearestName("opeen", kNames), "open");
}

TEST(SuggestTest, LetterCaseDoesNotCount) {
  EXPECT_EQ(NearestName("af_unix", kNames), "AF_UNIX");
  EXPECT_EQ(NearestName("PR_SETNAME", kNames), "PR_SET_NAME");
}

TEST(SuggestTest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(NearestName("frobnicate", kNames), "");
  EXPECT_EQ(NearestName("", kNames), "");
  EXPECT_EQ(NearestName("xy", kNames), "");
  EXPECT_EQ(DidYouMean("frobnicate", kNames), "");
}

TEST(SuggestTest, HostileNamesCostNothing) {
  EXPECT_EQ(NearestName(std::string(1'000'000, 'a'), kNames), "");
}

TEST(SuggestTest, DidYouMeanIsAQuestion) {
  EXPECT_EQ(DidYouMean("opnat", kNames), "did you mean \"openat\"?");
}

}  // namespace
}  // namespace cordon
