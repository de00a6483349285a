// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_landlock.h"

#include "gmock/gmock.h"
#include "tests/support/explained.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kPolicy[] = R"(mounts { bind { source: "/data" read_only: false } }
  landlock { enforcement: IF_AVAILABLE file { path: "/data" access: READ }
             file { path: "/data/out" access: WRITE } })";

TEST(ExplainLandlockTest, SaysWhatItAddsAndWhichLineSaysSo) {
  const v1::Explanation explanation = Explained(std::string(kPolicy));
  const std::string text = RowOf(explanation, "walls", "landlock").text();
  EXPECT_THAT(text, HasSubstr("what the mounts allow, once more; no TCP; no signals and"));
  EXPECT_THAT(text, HasSubstr("(where the host can)"));
  EXPECT_THAT(text, Not(HasSubstr("cannot guard")));
  EXPECT_EQ(RowOf(explanation, "walls", "/data").text(), "may only be read");
  EXPECT_EQ(RowOf(explanation, "walls", "/data/out").text(), "may be used as its mount allows");
  EXPECT_THAT(RowOf(explanation, "walls", "/data").place(), HasSubstr("test.textproto:2:"));
}

TEST(ExplainLandlockTest, SaysWhatTheKernelLacks) {
  v1::HostFacts facts = FullHost();
  facts.set_landlock_abi(5);
  EXPECT_THAT(RowOf(Explained(std::string(kPolicy), facts), "walls", "landlock").text(),
              HasSubstr("this kernel cannot guard: abstract sockets and signals (ABI 6)"));
  facts.set_landlock_abi(0);
  facts.set_landlock_why("boot with it");
  const v1::Explanation without = Explained(std::string(kPolicy), facts);
  EXPECT_THAT(RowOf(without, "walls", "landlock").text(),
              HasSubstr("NOT ENFORCED on this host: this kernel has no Landlock; boot"));
  EXPECT_EQ(RowOf(without, "walls", "/data").text(), "NOT ENFORCED: may only be read");
}

TEST(ExplainLandlockTest, OffIsSaid) {
  EXPECT_EQ(RowOf(Explained("landlock { enforcement: OFF }"), "walls", "landlock").text(),
            "OFF: the mounts stand alone");
}

}  // namespace
}  // namespace cordon
