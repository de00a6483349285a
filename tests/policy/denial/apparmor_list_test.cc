// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/apparmor_list.h"

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

v1::AppArmorPlan Plan(const std::string& where = "", bool stacked = false) {
  v1::AppArmorPlan plan;
  plan.set_enabled(true);
  plan.set_source(v1::AppArmorPlan::COMPILED);
  plan.set_name("cordon-p-01");
  plan.set_policy_namespace(where);
  plan.set_stacked(stacked);
  return plan;
}

struct Line {
  std::string prefix = "5";
  std::string where;  // "namespace=... "
  std::string profile = "cordon-p-01";
  std::string name = "\"/data/secret\"";
  uint32_t pid = 4713;
  std::string user = absl::StrCat(" fsuid=", kUser, " ouid=0");
};

std::string Text(const Line& line) {
  return absl::StrCat(line.prefix,
                      ",1,2,-;audit: type=1400 audit(1795729743.470:11729): apparmor=\"DENIED\" "
                      "operation=\"open\" ",
                      line.where, "profile=\"", line.profile, "\" name=", line.name,
                      " pid=", line.pid, " comm=\"cat\" requested_mask=\"r\" denied_mask=\"r\"",
                      line.user, "\n");
}

Line Named(const std::string& name) {
  Line line;
  line.name = absl::StrCat("\"", name, "\"");
  return line;
}

v1::Report Of(const AppArmorList& list) {
  v1::Report report;
  list.Fill(&report);
  return report;
}

class AppArmorListTest : public testing::Test {
 protected:
  AppArmorList list_{Plan(), {kUser, kMain}};
  void ExpectNothing() {
    const v1::Report report = Of(list_);
    EXPECT_THAT(report.denial(), IsEmpty());
    EXPECT_THAT(report.denials_unknown(), IsEmpty());
    EXPECT_EQ(report.denials_more(), 0u);
  }
  void ExpectUnknown(const std::string& why) {
    const v1::Report report = Of(list_);
    EXPECT_THAT(report.denial(), IsEmpty());
    EXPECT_THAT(report.denials_unknown(), ElementsAre(HasSubstr(why)));
  }
};

TEST_F(AppArmorListTest, EqualOnesAreCounted) {
  list_.Add(Text(Line()));
  list_.Add(Text(Named("/b")));
  list_.Add(Text(Line()));
  const v1::Report report = Of(list_);
  ASSERT_EQ(report.denial_size(), 2);
  EXPECT_EQ(report.denial(0).layer(), "apparmor");
  EXPECT_EQ(report.denial(0).operation(), "open");
  EXPECT_EQ(report.denial(0).object(), "/data/secret");
  EXPECT_EQ(report.denial(0).requested(), "r");
  EXPECT_EQ(report.denial(0).process(), "cat");
  EXPECT_EQ(report.denial(0).profile(), "cordon-p-01");
  EXPECT_EQ(report.denial(0).count(), 2u);
  EXPECT_EQ(report.denial(1).object(), "/b");
  EXPECT_EQ(report.denial(1).count(), 1u);
  EXPECT_THAT(report.denials_unknown(), IsEmpty());
}

TEST_F(AppArmorListTest, AnotherUserIsAnotherJobInTheSameProfile) {
  Line line;
  line.user = " fsuid=1610617448 ouid=0";
  list_.Add(Text(line));
  line.pid = kMain;  // of an earlier process with that number
  list_.Add(Text(line));
  ExpectNothing();
}

TEST_F(AppArmorListTest, OtherProfilesAreOthers) {
  Line line;
  line.profile = "cordon-p-02";
  list_.Add(Text(line));
  line = Line();
  line.where = "namespace=\"root//cordon-1000\" ";
  list_.Add(Text(line));
  line.where = "";
  line.profile = "cordon-job";
  list_.Add(Text(line));
  ExpectNothing();
}

TEST_F(AppArmorListTest, ForgedLinesAreNotTheKernels) {
  Line line;
  for (const char* prefix : {"12", "13", "9", "30"}) {
    line.prefix = prefix;
    list_.Add(Text(line));
    list_.Add(absl::StrCat(prefix, ",1,2,-;kauditd_printk_skb: 12 callbacks suppressed\n"));
  }
  ExpectNothing();
}

TEST_F(AppArmorListTest, WithoutAUserOnlyTheMainProcessIsKnown) {
  Line line;
  line.user = "";
  line.pid = kMain;
  list_.Add(Text(line));
  EXPECT_EQ(Of(list_).denial_size(), 1);
  line.pid = kMain + 1;
  list_.Add(Text(line));
  const v1::Report report = Of(list_);
  EXPECT_EQ(report.denial_size(), 1);
  EXPECT_THAT(report.denials_unknown(), ElementsAre(HasSubstr("need not be of this job: 1")));
}

TEST_F(AppArmorListTest, AJobWithoutAUserOfItsOwnIsItsMainProcess) {
  list_ = AppArmorList(Plan(), {absl::nullopt, kMain});
  list_.Add(Text(Line()));
  ExpectUnknown("need not be of this job: 1");
  Line line;
  line.pid = kMain;
  list_.Add(Text(line));
  EXPECT_EQ(Of(list_).denial_size(), 1);
  list_ = AppArmorList(Plan(), {absl::nullopt, 0});
  line.pid = 0;
  list_.Add(Text(line));
  ExpectUnknown("need not be of this job: 1");
}

TEST_F(AppArmorListTest, APolicyNamespaceIsNamedFromTheRoot) {
  list_ = AppArmorList(Plan("cordon-1000", true), {kUser, kMain});
  list_.Add(Text(Line()));  // the root's profile of that name
  ExpectNothing();
  Line line;
  line.where = "namespace=\"root//cordon-1000\" ";
  list_.Add(Text(line));
  line = Line();
  line.profile = "cordon-job";  // holds it as well
  list_.Add(Text(line));
  const v1::Report report = Of(list_);
  ASSERT_EQ(report.denial_size(), 2);
  EXPECT_EQ(report.denial(1).profile(), "cordon-job");
}

TEST_F(AppArmorListTest, LossIsSaid) {
  list_.Add("4,1,2,-;kauditd_printk_skb: 12 callbacks suppressed\n");
  ExpectUnknown("lost lines");
}

TEST_F(AppArmorListTest, OverwrittenRecordsAreSaid) {
  list_.Overwritten();
  ExpectUnknown("lost lines");
}

TEST_F(AppArmorListTest, CutLinesAreSaid) {
  const std::string whole = Text(Line());
  list_.Add(whole.substr(0, whole.find(" pid=")) + "\n");
  ExpectUnknown("cut");
}

TEST_F(AppArmorListTest, NamesAreShownHarmless) {
  Line line;
  line.name = "2F1B5B326A0A";
  list_.Add(Text(line));
  const v1::Report report = Of(list_);
  ASSERT_EQ(report.denial_size(), 1);
  EXPECT_EQ(report.denial(0).object(), "/\\033[2j\\n");
}

TEST_F(AppArmorListTest, TheListIsBounded) {
  for (size_t i = 0; i < AppArmorList::kMostShown + 5; ++i) {
    list_.Add(Text(Named(absl::StrCat("/", i))));
  }
  list_.Add(Text(Named("/0")));
  const v1::Report report = Of(list_);
  EXPECT_EQ(report.denial_size(), static_cast<int>(AppArmorList::kMostShown));
  EXPECT_EQ(report.denials_more(), 5u);
  EXPECT_EQ(report.denial(0).count(), 2u);
}

}  // namespace
}  // namespace cordon
