// SPDX-License-Identifier: Apache-2.0
// The rest is seen through what reads with it: apparmor_list_test.cc, landlock_list_test.cc.
#include "policy/denial/log_tally.h"

#include "gmock/gmock.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LogTallyTest, OnlyTheKernelsOwnLinesAreRead) {
  LogTally tally;
  int asked = 0;
  const auto denial = [&](absl::string_view text) {
    EXPECT_EQ(text, "x");
    ++asked;
    return AuditLine::kDenial;
  };
  EXPECT_EQ(tally.Read("5,1,2,-;x\n", denial), AuditLine::kDenial);
  EXPECT_EQ(tally.Read("12,1,2,-;x\n", denial), AuditLine::kOther);
  EXPECT_EQ(asked, 1);
  v1::Report report;
  tally.Fill("layer", &report);
  EXPECT_THAT(report.denials_unknown(), IsEmpty());
  EXPECT_EQ(tally.Read("no record", denial), AuditLine::kUnreadable);
  EXPECT_EQ(asked, 1);
  tally.Fill("layer", &report);
  EXPECT_THAT(report.denials_unknown(),
              ElementsAre(HasSubstr("layer: lines of the log that were")));
}

TEST(DenialEntriesTest, OnlyWhatIsEqualIsOneEntry) {
  DenialEntries entries;
  v1::Denial denial;
  entries.Add(denial);
  denial.set_process("another");
  entries.Add(denial);
  denial.set_profile("p");
  entries.Add(denial);
  denial.set_requested("r");
  entries.Add(denial);
  v1::Report report;
  entries.Fill(&report);
  ASSERT_EQ(report.denial_size(), 3);
  EXPECT_EQ(report.denial(0).count(), 2u);
  EXPECT_EQ(report.denial(0).process(), "");
}

}  // namespace
}  // namespace cordon
