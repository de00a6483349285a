// SPDX-License-Identifier: Apache-2.0
// Error details survive the trip through absl::Status, and the line for people is safe to print.
#include "policy/base/status.h"

#include <cerrno>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(StatusTest, CarriesEveryPartOfTheDetail) {
  const absl::Status status = Error(absl::StatusCode::kFailedPrecondition, "no such directory")
                                  .Stage("prepare")
                                  .Layer("mount")
                                  .Field("mounts.bind[3].source")
                                  .Source("judge/cpp.textproto:18:5")
                                  .StepAt(14, "BindMount")
                                  .Syscall("open_tree", "/opt/jdk", ENOENT)
                                  .Hint("add optional: true");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "no such directory");
  const std::vector<v1::ErrorDetail> details = DetailsOf(status);
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details[0].stage(), "prepare");
  EXPECT_EQ(details[0].layer(), "mount");
  EXPECT_EQ(details[0].step_index(), 14);
  EXPECT_EQ(details[0].errno_value(), ENOENT);
  EXPECT_EQ(details[0].errno_name(), "ENOENT");
  EXPECT_EQ(RenderError(details[0]),
            "mounts.bind[3].source (judge/cpp.textproto:18:5): step 14 BindMount: "
            "open_tree(\"/opt/jdk\"): ENOENT (No such file or directory): no such directory; "
            "hint: add optional: true");
}

TEST(StatusTest, RendersOnlyWhatIsThere) {
  EXPECT_EQ(RenderError(DetailsOf(absl::InternalError("plain"))[0]), "plain");
  EXPECT_EQ(RenderError(DetailsOf(Error(absl::StatusCode::kInternal, "m").Field("a.b"))[0]),
            "a.b: m");
  EXPECT_EQ(RenderError(DetailsOf(Error(absl::StatusCode::kInternal, "m").Source("f:1:2"))[0]),
            "f:1:2: m");
  EXPECT_EQ(
      RenderError(DetailsOf(Error(absl::StatusCode::kInternal, "m").Syscall("fork", "", 11))[0]),
      "fork: EAGAIN (Resource temporarily unavailable): m");
}

TEST(StatusTest, ConvertsToStatusOr) {
  const absl::StatusOr<int> result = Error(absl::StatusCode::kInvalidArgument, "no").Field("x");
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument, "no"));
}

TEST(StatusTest, ListsKeepOrderAndCode) {
  std::vector<v1::ErrorDetail> details(3);
  details[0].set_message("first");
  details[1].set_message("second");
  details[2].set_message("third");
  const absl::Status status = ErrorFromDetails(absl::StatusCode::kInvalidArgument, details);
  EXPECT_EQ(status.message(), "first");
  const std::vector<v1::ErrorDetail> back = DetailsOf(status);
  ASSERT_EQ(back.size(), 3u);
  EXPECT_EQ(back[2].message(), "third");
}

TEST(StatusTest, NoDetailsIsStillAnError) {
  EXPECT_FALSE(ErrorFromDetails(absl::StatusCode::kInvalidArgument, {}).ok());
  EXPECT_TRUE(DetailsOf(absl::OkStatus()).empty());
}

TEST(StatusTest, WithFillsGapsAndKeepsTheRest) {
  std::vector<v1::ErrorDetail> details(2);
  details[0].set_stage("parse");
  absl::Status status = ErrorFromDetails(absl::StatusCode::kInvalidArgument, details);
  status = WithSource(WithLayer(WithStage(status, "validate"), "mount"), "f:1:1");
  const std::vector<v1::ErrorDetail> back = DetailsOf(status);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].stage(), "parse");
  EXPECT_EQ(back[1].stage(), "validate");
  EXPECT_EQ(back[0].layer(), "mount");
  EXPECT_EQ(back[1].source(), "f:1:1");
  EXPECT_EQ(DetailsOf(WithStep(WithStep(status, "first"), "second"))[0].step(), "first");
  EXPECT_TRUE(WithStage(absl::OkStatus(), "x").ok());
}

TEST(StatusTest, ErrnoNamesGoBothWays) {
  EXPECT_EQ(ErrnoName(0), "");
  EXPECT_EQ(ErrnoName(EPERM), "EPERM");
  EXPECT_EQ(ErrnoName(4242), "errno 4242");
  for (int value = 1; value <= 133; ++value) {
    if (value == 41 || value == 58) continue;  // numbers that Linux left free
    EXPECT_EQ(ErrnoValue(ErrnoName(value)), value);
  }
  EXPECT_EQ(ErrnoValue("EWOULDBLOCK"), EAGAIN);
  EXPECT_EQ(ErrnoValue("EOPNOTSUPP"), 95);
  EXPECT_EQ(ErrnoValue("ENOTSUP"), 95);
  EXPECT_EQ(ErrnoValue("EDEADLOCK"), 35);
  EXPECT_EQ(ErrnoValue("ENOPE"), 0);
  EXPECT_EQ(ErrnoValue("eperm"), 0);
  EXPECT_EQ(ErrnoValue(""), 0);
}

TEST(StatusTest, EscapesEverythingThatSteersATerminal) {
  EXPECT_EQ(EscapeForPeople("a\"b\\c"), "a\\\"b\\\\c");
  EXPECT_EQ(EscapeForPeople("\x1B[2J\n\t\x7F"), "\\033[2J\\n\\t\\177");
  EXPECT_EQ(EscapeForPeople(absl::string_view("\0x", 2)), "\\000x");
  EXPECT_EQ(EscapeForPeople("\xFF\x9B"), "\\377\\233");
  EXPECT_EQ(EscapeForPeople("\xC2\x9B"), "\\302\\233");           // C1 control, valid UTF-8
  EXPECT_EQ(EscapeForPeople("\xE2\x80\xAE"), "\\342\\200\\256");  // right-to-left override
  EXPECT_EQ(EscapeForPeople("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
}

TEST(StatusTest, NoPartOfALineCanSteerATerminal) {
  const std::string evil = "\x1B]0;x\x07\n";
  const absl::Status status = Error(absl::StatusCode::kInternal, evil)
                                  .Field(evil)
                                  .Source(evil)
                                  .StepAt(1, evil)
                                  .Syscall(evil, evil, EIO)
                                  .Hint(evil);
  const std::string line = RenderError(DetailsOf(status)[0]);
  for (const char c : line) EXPECT_GE(c, ' ') << line;
}

TEST(StatusTest, BytesThatAreNotTextSurviveAsEscapes) {
  testing::internal::CaptureStderr();
  const absl::Status status = Error(absl::StatusCode::kInternal, "bad \xDE")
                                  .Syscall("open",
                                           "/a\xFF"
                                           "b",
                                           ENOENT)
                                  .Hint("h");
  const std::vector<v1::ErrorDetail> details = DetailsOf(WithStage(status, "run"));
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details[0].message(), "bad \\336");
  EXPECT_EQ(details[0].object(), "/a\\377b");
  EXPECT_EQ(details[0].hint(), "h");
  EXPECT_EQ(details[0].stage(), "run");
  EXPECT_EQ(DetailsOf(absl::InternalError("plain \xDE"))[0].message(), "plain \\336");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

absl::Status FailWhenNegative(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return absl::OkStatus();
}

absl::StatusOr<int> DoubleOf(int value) {
  CORDON_RETURN_IF_ERROR(FailWhenNegative(value));
  return 2 * value;
}

absl::StatusOr<int> QuadrupleOf(int value) {
  CORDON_ASSIGN_OR_RETURN(const int doubled, DoubleOf(value));
  return 2 * doubled;
}

TEST(StatusTest, MacrosReturnTheError) {
  EXPECT_EQ(*QuadrupleOf(3), 12);
  EXPECT_THAT(QuadrupleOf(-1), StatusIs(absl::StatusCode::kOutOfRange, "negative"));
}

}  // namespace
}  // namespace cordon
