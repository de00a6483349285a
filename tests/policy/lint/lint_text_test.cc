// SPDX-License-Identifier: Apache-2.0
#include "policy/lint/lint_text.h"

#include "gmock/gmock.h"

namespace cordon {
namespace {

v1::LintFinding Finding() {
  v1::LintFinding finding;
  finding.set_id("ioctl-tiocsti");
  finding.set_severity(v1::DANGER);
  finding.set_field("seccomp.rule[0]");
  finding.set_place("p.textproto:9:3");
  finding.set_message("lets ioctl(0x0, 0x5412) pass");
  finding.set_reason(
      "a reason of some words, long enough that the line has to be broken, which is "
      "done between words");
  finding.set_fix("a fix");
  return finding;
}

TEST(LintTextTest, ReadsLikeTheLinesOfACompiler) {
  EXPECT_EQ(RenderLint(Finding()),
            "p.textproto:9:3: danger: seccomp.rule[0] lets ioctl(0x0, 0x5412) pass "
            "[ioctl-tiocsti]\n"
            "  why: a reason of some words, long enough that the line has to be broken, which is "
            "done between\n"
            "       words\n"
            "  fix: a fix\n");
}

TEST(LintTextTest, AnAcceptedOneSaysWhyInsteadOfTheFix) {
  v1::LintFinding finding = Finding();
  finding.set_severity(v1::NOTE);
  finding.set_reason("short");
  finding.set_accepted("as \"agreed\"");
  EXPECT_EQ(RenderLint(finding),
            "p.textproto:9:3: note: seccomp.rule[0] lets ioctl(0x0, 0x5412) pass (accepted) "
            "[ioctl-tiocsti]\n"
            "  why: short\n"
            "  accepted: as \\\"agreed\\\"\n");
}

TEST(LintTextTest, NamesOfFilesAreEscaped) {
  v1::LintFinding finding = Finding();
  finding.set_place("a\x1b[2J:1:1");
  EXPECT_EQ(RenderLint(finding).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace cordon
