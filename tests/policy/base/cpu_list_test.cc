// SPDX-License-Identifier: Apache-2.0
// CPU lists: one canonical form, nothing lenient.
#include "policy/base/cpu_list.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(CpuListTest, HasOneCanonicalForm) {
  EXPECT_EQ(*CanonicalCpuList("0"), "0");
  EXPECT_EQ(*CanonicalCpuList("0-1,3"), "0-1,3");
  EXPECT_EQ(*CanonicalCpuList("3,1,0,1"), "0-1,3");
  EXPECT_EQ(*CanonicalCpuList("0-4,2-7"), "0-7");
  EXPECT_EQ(*CanonicalCpuList("5-5"), "5");
  EXPECT_EQ(*CanonicalCpuList("8190-8191"), "8190-8191");
}

TEST(CpuListTest, RefusesWhatTheKernelMightReadOtherwise) {
  for (const absl::string_view bad :
       {"", ",", "0,", ",0", "0--1", "1-0", "-1", "0-", "a", "0 1", " 0", "00", "01-2", "8192",
        "0-8192", "0-3:1/2", "99999999999999999999", "N"}) {
    EXPECT_THAT(CanonicalCpuList(bad), StatusIs(absl::StatusCode::kInvalidArgument, "0-1,3"))
        << bad;
  }
}

TEST(CpuListTest, OneListLiesWithinAnother) {
  EXPECT_TRUE(CpusWithin("1", "0-3"));
  EXPECT_TRUE(CpusWithin("0-3", "0-3"));
  EXPECT_TRUE(CpusWithin("0,2", ""));  // all
  EXPECT_FALSE(CpusWithin("3-4", "0-3"));
  EXPECT_FALSE(CpusWithin("4", "0-3,5"));
  EXPECT_FALSE(CpusWithin("", "0-3"));
  EXPECT_TRUE(CpusWithin("", ""));
  EXPECT_FALSE(CpusWithin("x", "0-3"));
  EXPECT_FALSE(CpusWithin("0", "x"));
}

}  // namespace
}  // namespace cordon
