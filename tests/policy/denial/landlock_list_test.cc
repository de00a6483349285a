// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/landlock_list.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint32_t kUser = 1610617447;
constexpr uint32_t kMain = 4712;

std::string Record(int type, absl::string_view fields, absl::string_view prefix = "5") {
  return absl::StrCat(prefix, ",1,2,-;audit: type=", type, " audit(1795729743.470:11729): ", fields,
                      "\n");
}

class LandlockListTest : public testing::Test {
 protected:
  void Denial(int domain, const std::string& path = "/a",
              const std::string& blockers = "fs.read_file") {
    list_.Add(Record(1423, absl::StrCat("domain=", domain, " blockers=", blockers, " path=\"", path,
                                        "\" dev=\"vda\" ino=1")));
  }
  void Owner(int domain, uint32_t pid = kMain, uint32_t user = kUser) {
    list_.Add(Record(1424, absl::StrCat("domain=", domain, " status=allocated mode=enforcing pid=",
                                        pid, " uid=", user, " exe=\"/x\" comm=\"x\"")));
  }
  v1::Report Report() const {
    v1::Report report;
    list_.Fill(&report);
    return report;
  }
  void ExpectNothing() {
    EXPECT_THAT(Report().denial(), IsEmpty());
    EXPECT_THAT(Report().denials_unknown(), IsEmpty());
    EXPECT_EQ(Report().denials_more(), 0u);
  }
  LandlockList list_{{kUser, kMain}};
};

TEST_F(LandlockListTest, TheDomainOfTheMainProcessIsTheJobs) {
  Denial(1);
  Owner(1);
  Denial(1);
  Denial(1, "/b", "fs.make_reg,fs.refer");
  const v1::Report report = Report();
  ASSERT_EQ(report.denial_size(), 2);
  EXPECT_EQ(report.denial(0).layer(), "landlock");
  EXPECT_EQ(report.denial(0).operation(), "fs.read_file");
  EXPECT_EQ(report.denial(0).object(), "/a");
  EXPECT_EQ(report.denial(0).count(), 2u);
  EXPECT_EQ(report.denial(0).process(), "");
  EXPECT_EQ(report.denial(1).operation(), "fs.make_reg,fs.refer");
  EXPECT_THAT(report.denials_unknown(), IsEmpty());
}

TEST_F(LandlockListTest, OtherDomainsAreOthers) {
  Denial(1);  // known to the log before the job began
  Denial(2);
  Owner(2, kMain + 1);
  Denial(2);
  Denial(3);
  Owner(3, kMain, kUser + 1);  // an earlier process with that number
  Owner(4);                    // without a denial
  ExpectNothing();
}

TEST_F(LandlockListTest, WithoutAMainProcessNothingIsTheJobs) {
  list_ = LandlockList({absl::nullopt, 0});
  Denial(1);
  Owner(1, 0);
  ExpectNothing();
}

TEST_F(LandlockListTest, WithoutAUserOfItsOwnTheProcessIsEnough) {
  list_ = LandlockList({absl::nullopt, kMain});
  Denial(1);
  Owner(1, kMain, 7);
  EXPECT_EQ(Report().denial_size(), 1);
}

TEST_F(LandlockListTest, ForgedLinesAreNotTheKernels) {
  for (const char* prefix : {"12", "13", "9", "30"}) {
    list_.Add(Record(1423, "domain=1 blockers=fs.refer path=\"/a\" dev=\"v\" ino=1", prefix));
    list_.Add(absl::StrCat(prefix, ",1,2,-;kauditd_printk_skb: 12 callbacks suppressed\n"));
  }
  Owner(1);
  ExpectNothing();
}

TEST_F(LandlockListTest, WhatIsMissingIsSaid) {
  list_.Add("4,1,2,-;kauditd_printk_skb: 12 callbacks suppressed\n");
  EXPECT_THAT(Report().denials_unknown(), ElementsAre(HasSubstr("lost lines")));
  list_ = LandlockList({kUser, kMain});
  list_.Overwritten();
  EXPECT_THAT(Report().denials_unknown(), ElementsAre(HasSubstr("lost lines")));
  list_ = LandlockList({kUser, kMain});
  list_.Add(Record(1423, "domain=1 blockers=fs.refer path=\"/a"));
  EXPECT_THAT(Report().denials_unknown(), ElementsAre(HasSubstr("cut")));
}

TEST_F(LandlockListTest, NamesAreShownHarmless) {
  list_.Add(Record(1423, "domain=1 blockers=fs.refer path=2F1B5B326A0A dev=\"v\" ino=1"));
  Owner(1);
  ASSERT_EQ(Report().denial_size(), 1);
  EXPECT_EQ(Report().denial(0).object(), "/\\033[2j\\n");
}

TEST_F(LandlockListTest, TheListIsBounded) {
  for (size_t i = 0; i < LandlockList::kMostShown + 5; ++i) Denial(1, absl::StrCat("/", i));
  Owner(1);
  Denial(1, "/0");
  const v1::Report report = Report();
  EXPECT_EQ(report.denial_size(), static_cast<int>(LandlockList::kMostShown));
  EXPECT_EQ(report.denials_more(), 5u);
  EXPECT_EQ(report.denial(0).count(), 2u);
}

TEST_F(LandlockListTest, MoreDomainsThanAreKeptAreSaid) {
  for (size_t i = 0; i < LandlockList::kMostDomains; ++i) Denial(static_cast<int>(i) + 1);
  ExpectNothing();
  Denial(1000);
  Owner(1000);
  EXPECT_THAT(Report().denial(), IsEmpty());
  EXPECT_THAT(Report().denials_unknown(), ElementsAre(HasSubstr("more domains")));
}

TEST_F(LandlockListTest, AReportKeepsWhatItHas) {
  v1::Report report;
  report.add_denial()->set_layer("apparmor");
  report.set_denials_more(3);
  Denial(1);
  Owner(1);
  list_.Fill(&report);
  EXPECT_EQ(report.denial_size(), 2);
  EXPECT_EQ(report.denials_more(), 3u);
}

}  // namespace
}  // namespace cordon
