// SPDX-License-Identifier: Apache-2.0
// Names of environment variables.
#include "policy/validate_environment.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(ValidateEnvironmentTest, AcceptsNamesAndAnyCleanValue) {
  EXPECT_THAT(ValidateText(R"(environment { name: "a" value: "=;\"'$ ä" }
environment { name: "_" } environment { name: "A1_b" } environment { name: "LD_PRELOAD" })"),
              IsOk());
}

// POL-09
TEST(ValidateEnvironmentTest, RefusesNames) {
  for (const absl::string_view bad : {"", "1A", "A=B", "A B", "=", "A-B", "\xC3\xA4", "A."}) {
    EXPECT_THAT(ValidateText(absl::StrCat("environment { name: \"", bad, "\" value: \"x\" }")),
                HasErrorWith("is not a name of letters, digits and _ that begins with no digit"))
        << bad;
  }
}

// POL-06
TEST(ValidateEnvironmentTest, RefusesTheSameNameTwice) {
  EXPECT_THAT(ValidateText("environment { name: \"A\" }\nenvironment { name: \"A\" }"),
              HasError("environment[1].name (p:2:15): \"A\" is set twice"));
  EXPECT_THAT(ValidateText("environment { name: \"A\" } environment { name: \"a\" }"), IsOk());
}

}  // namespace
}  // namespace cordon
