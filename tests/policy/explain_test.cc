// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include "gmock/gmock.h"
#include "tests/support/explained.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ExplainTest, HasTheSectionsInTheirOrder) {
  const v1::Explanation explanation = Explained("description: \"one \\\"policy\\\"\"");
  std::vector<std::string> ids;
  for (const v1::ExplainedSection& section : explanation.section()) ids.push_back(section.id());
  EXPECT_THAT(ids, ElementsAre("summary", "files", "limits", "walls", "identity", "calls"));
  EXPECT_EQ(explanation.policy(), "test.textproto");
  EXPECT_EQ(explanation.description(), "one \\\"policy\\\"");
  EXPECT_EQ(explanation.bases_size(), 0);
}

TEST(ExplainTest, NamesTheBasesAndTheLineOfEachThatDecides) {
  const v1::Explanation explanation = Explained(Shipped("judge/java"));
  EXPECT_THAT(explanation.bases(), ElementsAre("base/compute", "base/strict"));
  EXPECT_THAT(RowOf(explanation, "limits", "memory").place(), HasSubstr("judge/java:"));
  EXPECT_THAT(RowOf(explanation, "files", "/work").place(), HasSubstr("base/compute:"));
  EXPECT_THAT(RowOf(explanation, "files", "/usr").place(), HasSubstr("base/strict:"));
  EXPECT_THAT(RowOf(explanation, "calls", "stdio").place(), HasSubstr("base/strict:"));
  const v1::ExplainedRow user = RowOf(explanation, "identity", "user");
  EXPECT_EQ(user.field(), "identity.uid");
  EXPECT_EQ(user.place(), "") << "nobody wrote it";
}

TEST(ExplainTest, TheSummaryIsTheWholeInFiveLines) {
  const v1::Explanation explanation = Explained(R"(mounts {
      bind { source: "/usr" } bind { source: "/srv/out" target: "/out" read_only: false }
      tmpfs { target: "/tmp" size: "16MiB" } }
    limits { wall_time: "3s" cpu_time: "1s" memory: "64MiB" processes: 1 })");
  EXPECT_EQ(RowOf(explanation, "summary", "it may read").text(), "the host's /usr");
  EXPECT_EQ(RowOf(explanation, "summary", "it may write").text(),
            "/out (kept on the host); /tmp (in memory, gone afterwards)");
  EXPECT_EQ(RowOf(explanation, "summary", "it may run").text(), "one process");
  EXPECT_EQ(RowOf(explanation, "summary", "it reaches").text(),
            "no network, and no process but its own");
  EXPECT_EQ(RowOf(explanation, "summary", "it is ended").text(),
            "after 1s of processor time, or 3s on the clock, or 64MiB of memory, whichever it uses "
            "up first");
  const v1::Explanation nothing = Explained("network { mode: LOOPBACK }");
  EXPECT_EQ(RowOf(nothing, "summary", "it may read").text(), "nothing of the host");
  EXPECT_EQ(RowOf(nothing, "summary", "it may write").text(), "nothing but its output");
  EXPECT_THAT(RowOf(nothing, "summary", "it reaches").text(), HasSubstr("itself over loopback"));
}

TEST(ExplainTest, SaysWhichProfileOfAppArmorIsEntered) {
  const auto text = [](const std::string& policy, const v1::HostFacts& facts = FullHost()) {
    return RowOf(Explained(policy, facts), "walls", "apparmor").text();
  };
  EXPECT_THAT(text("working_directory: \"/\""), HasSubstr("as a profile of its own"));
  EXPECT_THAT(text("apparmor { profile: \"site\" }"),
              HasSubstr("the administrator's profile site"));
  EXPECT_THAT(text("apparmor { enforcement: OFF }"), HasSubstr("OFF"));
  v1::HostFacts facts = FullHost();
  facts.mutable_apparmor()->set_may_load(false);
  facts.mutable_apparmor()->set_load_why("ask root");
  EXPECT_THAT(text("apparmor { enforcement: IF_AVAILABLE }", facts),
              HasSubstr("NOT ENFORCED on this host: no profile can be loaded, and cordon-job is "
                        "not there; ask root"));
  facts.mutable_apparmor()->set_family(true);
  EXPECT_THAT(text("apparmor { enforcement: IF_AVAILABLE }", facts),
              HasSubstr("the administrator's cordon-job, one for every job"));
}

TEST(ExplainTest, SaysLoudlyWhatIsOff) {
  const v1::Explanation explanation = Explained(R"(network { enforcement: OFF }
    capabilities { enforcement: OFF })");
  const v1::ExplainedRow network = RowOf(explanation, "walls", "network");
  EXPECT_EQ(network.text(), "OFF: THE HOST'S NETWORK IS SHARED");
  EXPECT_EQ(network.place(), "test.textproto:1:11");
  EXPECT_EQ(RowOf(explanation, "walls", "capabilities").text(),
            "OFF: THOSE OF ITS USER NAMESPACE ARE KEPT");
  EXPECT_THAT(RowOf(explanation, "summary", "it reaches").text(), HasSubstr("THE HOST'S NETWORK"));
}

TEST(ExplainTest, ListsIdentityAndEnvironment) {
  const v1::Explanation explanation = Explained(R"(identity { uid: 7 gid: 8 hostname: "h" }
    environment { name: "B" value: "2" } environment { name: "A" value: "\"1\"" })");
  EXPECT_THAT(RowOf(explanation, "identity", "user").text(), HasSubstr("uid 7, gid 8"));
  EXPECT_EQ(RowOf(explanation, "identity", "host name").text(), "h");
  EXPECT_EQ(RowOf(explanation, "identity", "environment").text(), "A=\\\"1\\\"");
  EXPECT_EQ(RowOf(explanation, "identity", "").text(), "B=2");
  EXPECT_EQ(RowOf(explanation, "identity", "").place(), "test.textproto:2:5");
  EXPECT_THAT(RowOf(Explained(""), "identity", "environment").text(), HasSubstr("empty"));
}

}  // namespace
}  // namespace cordon
