// SPDX-License-Identifier: Apache-2.0
#include "policy/further_errors.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/parse.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

absl::Status Errors(absl::string_view bytes, absl::string_view name = "p") {
  const PolicyForm form = FormOfFile(name);
  const absl::Status refused = ParsePolicy(bytes, form, name).status();
  std::optional<ParsedPolicy> read = ParseWhatCanBeRead(bytes, form, name);
  return read.has_value() ? WithFurtherErrors(refused, *std::move(read)) : refused;
}

TEST(FurtherErrorsTest, ValuesBesideAMisspeltFieldAreChecked) {
  const absl::Status text = Errors(
      "extends: \"base/strict\"\n"
      "limits { proceses: 3 cpu_time: \"2 s\" memory: \"12XB\" }\n"
      "seccomp { rule { calls: \"opennat\" action: ALLOW } }");
  EXPECT_THAT(text, HasErrorWith("limits (p:2:10): has no field \"proceses\""));
  EXPECT_THAT(text, HasErrorWith("limits.cpu_time (p:2:22)"));
  EXPECT_THAT(text, HasErrorWith("limits.memory (p:2:38)"));
  EXPECT_THAT(text, HasErrorWith("opennat"));
  EXPECT_EQ(DetailsOf(text).size(), 4u);
  const absl::Status json =
      Errors("{\"limits\": {\"proceses\": 3,\n\"memory\": \"12XB\"}}", "p.json");
  EXPECT_THAT(json, HasErrorWith("has no field \"proceses\""));
  EXPECT_THAT(json, HasErrorWith("limits.memory (p.json:2:1)"));
}

// The action is there, under a wrong name.
TEST(FurtherErrorsTest, AMissingFieldIsNoFurtherError) {
  const absl::Status status = Errors("seccomp { rule { calls: \"openat\" acton: ALLOW } }");
  EXPECT_THAT(status, HasErrorWith("has no field \"acton\""));
  EXPECT_EQ(DetailsOf(status).size(), 1u);
}

TEST(FurtherErrorsTest, WhatCannotBeReadKeepsItsErrors) {
  for (const absl::string_view text : {"limits { memory: \"12XB\"", "limits { x: \"\x01\" }",
                                       "network { mode: 7 } limits { memory: \"12XB\" }"}) {
    const absl::Status refused = ParsePolicy(text, PolicyForm::kText, "p").status();
    EXPECT_EQ(AllErrors(Errors(text)), AllErrors(refused)) << text;
  }
  const std::string binary = "\xF8\x3F\x01";
  EXPECT_EQ(DetailsOf(Errors(binary, "p.pb")).size(), 1u);
}

TEST(FurtherErrorsTest, NotMoreThanTheCeiling) {
  std::string text = "limits { proceses: 3 }\n";
  for (size_t i = 0; i < kMaxErrors + 10; ++i) {
    absl::StrAppend(&text, "environment { name: \"A B\" value: \"", i, "\" }\n");
  }
  EXPECT_LE(DetailsOf(Errors(text)).size(), kMaxErrors);
  EXPECT_GE(DetailsOf(Errors(text)).size(), kMaxErrors / 2);
}

}  // namespace
}  // namespace cordon
