// SPDX-License-Identifier: Apache-2.0
// Jobs of several sandboxes: what may be said where, and every error with its place.
#include "policy/batch/talk.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::SizeIs;

constexpr char kGood[] = R"(job {
  name: "guess"
  verdict_of: "grader"
  sandbox { name: "grader" argv: "g" policy: "judge/c" limits { wall_time: "9s" } }
  sandbox { name: "contestant" argv: "c" }
  connect { from: "grader.stdout" to: "contestant.stdin" }
  connect { from: "contestant.stdout" to: "grader.stdin" }
}
)";

absl::StatusOr<std::vector<BatchTask>> Read(absl::string_view text) {
  return ReadJobs(text, JobsForm::kText, "j");
}

// The good job with `from` replaced; "place: field: message" of each error.
std::vector<std::string> Errors(absl::string_view from, absl::string_view to) {
  const std::string text = absl::StrReplaceAll(kGood, {{from, to}});
  EXPECT_NE(text, kGood) << from;
  std::vector<std::string> found;
  const auto read = Read(text);
  if (read.ok()) return found;
  for (const v1::ErrorDetail& each : DetailsOf(read.status())) {
    found.push_back(absl::StrCat(each.source(), ": ", each.policy_field(), ": ", each.message()));
  }
  return found;
}

TEST(TalkTest, TextAndJsonGiveTheSameLinks) {
  const auto text = Read(kGood);
  ASSERT_THAT(text, IsOk());
  const auto json = ReadJobs(
      R"({"name": "guess", "verdict_of": "grader", "sandbox": [{"name": "grader", "argv": ["g"], "policy": "judge/c", "limits": {"wall_time": "9s"}}, {"name": "contestant", "argv": ["c"]}], "connect": [{"from": "grader.stdout", "to": "contestant.stdin"}, {"from": "contestant.stdout", "to": "grader.stdin"}]})",
      JobsForm::kJsonLines, "j");
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ((*text)[0].job.SerializeAsString(), (*json)[0].job.SerializeAsString());
  const v1::BatchJob& job = (*text)[0].job;
  EXPECT_TRUE(IsTalk(job));
  EXPECT_EQ(DeciderOf(job), 0u);
  // The default is filled in where the policy is said.
  EXPECT_EQ(job.policy(), "");
  EXPECT_EQ(job.sandbox(1).policy(), "base/strict");
  const std::vector<SandboxLink> links = LinksOf(job);
  ASSERT_THAT(links, SizeIs(2));
  EXPECT_EQ(links[0].from, 0u);
  EXPECT_EQ(links[0].stream, 1);
  EXPECT_EQ(links[0].to, 1u);
  EXPECT_EQ(links[1].from, 1u);
  EXPECT_EQ(links[1].to, 0u);
}

TEST(TalkTest, StderrCanFeedToo) {
  const auto read = Read(absl::StrReplaceAll(kGood, {{"\"grader.stdout\"", "\"grader.stderr\""}}));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(LinksOf((*read)[0].job)[0].stream, 2);
}

TEST(TalkTest, NamesMayHaveDots) {
  const auto read = Read(absl::StrReplaceAll(kGood, {{"contestant", "team.7"}}));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(LinksOf((*read)[0].job)[1].from, 1u);
}

TEST(TalkTest, TheMatrixReachesTheSandboxes) {
  const auto read = Read(absl::StrReplaceAll(
      kGood, {{"argv: \"c\"", "argv: \"${n}\""},
              {"name: \"guess\"", "name: \"guess/${n}\" matrix { name: \"n\" value: \"5\" }"}}));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)[0].job.sandbox(1).argv(0), "5");
}

struct Wrong {
  const char* name;
  const char* from;
  const char* to;
  const char* error;
};
class TalkErrors : public testing::TestWithParam<Wrong> {};

TEST_P(TalkErrors, IsNamedAtItsPlace) {
  EXPECT_THAT(Errors(GetParam().from, GetParam().to), Contains(GetParam().error));
}

constexpr char kGraderLine[] = "argv: \"g\" policy";

INSTANTIATE_TEST_SUITE_P(
    All, TalkErrors,
    testing::Values(
        Wrong{"UnknownSandbox", "to: \"grader.stdin\"", "to: \"gradr.stdin\"",
              "j:7:39: job[0].connect[1].to: there is no sandbox \"gradr\""},
        Wrong{"UnknownStream", "to: \"grader.stdin\"", "to: \"grader.in\"",
              "j:7:39: job[0].connect[1].to: \"grader.in\" is not NAME.stdin, NAME.stdout or "
              "NAME.stderr"},
        Wrong{"NoStream", "to: \"grader.stdin\"", "to: \"grader\"",
              "j:7:39: job[0].connect[1].to: \"grader\" is not NAME.stdin, NAME.stdout or "
              "NAME.stderr"},
        Wrong{"NoDestination", " to: \"grader.stdin\"", "",
              "j:7:3: job[0].connect[1].to: \"\" is not NAME.stdin, NAME.stdout or NAME.stderr"},
        Wrong{"IntoAnOutput", "to: \"grader.stdin\"", "to: \"grader.stderr\"",
              "j:7:39: job[0].connect[1].to: only a stdin can be written to"},
        Wrong{"FromAnInput", "from: \"contestant.stdout\"", "from: \"contestant.stdin\"",
              "j:7:13: job[0].connect[1].from: a stdin cannot be read from"},
        Wrong{"TwiceRead", "from: \"contestant.stdout\"", "from: \"grader.stdout\"",
              "j:7:13: job[0].connect[1].from: is connected already"},
        Wrong{"TwiceWritten", "from: \"contestant.stdout\" to: \"grader.stdin\"",
              "from: \"grader.stderr\" to: \"contestant.stdin\"",
              "j:7:35: job[0].connect[1].to: is connected already"},
        Wrong{"WithItself", "from: \"contestant.stdout\"", "from: \"grader.stderr\"",
              "j:7:3: job[0].connect[1]: connects a sandbox with itself"},
        Wrong{"AndAFile", "argv: \"c\"", "argv: \"c\" stdin: \"file\"",
              "j:6:35: job[0].connect[0].to: has a file, too"},
        Wrong{"TwoOfAName", "name: \"grader\" argv", "name: \"contestant\" argv",
              "j:5:13: job[0].sandbox[1].name: there are two of this name"},
        Wrong{"NoVerdictOf", "verdict_of: \"grader\"", "",
              "j:1:1: job[0].verdict_of: must name the sandbox whose end is the answer"},
        Wrong{"UnknownVerdictOf", "verdict_of: \"grader\"", "verdict_of: \"x\"",
              "j:3:3: job[0].verdict_of: there is no sandbox \"x\""},
        Wrong{"ProgramOfTheJob", "name: \"guess\"", "name: \"guess\" argv: \"x\"",
              "j:2:17: job[0].argv[0]: is said by each sandbox of a job that has several"},
        Wrong{"LimitsOfTheJob", "name: \"guess\"", "name: \"guess\" limits { memory: \"1MiB\" }",
              "j:2:17: job[0].limits: is said by each sandbox of a job that has several"},
        Wrong{"ExpectationOfASandbox", "argv: \"c\"", "argv: \"c\" expect { exit_code: 1 }",
              "j:5:42: job[0].sandbox[1].expect: is not for one sandbox of several"},
        Wrong{"NestedSandbox", "argv: \"c\"", "argv: \"c\" sandbox { name: \"x\" }",
              "j:5:42: job[0].sandbox[1].sandbox[0]: is not for one sandbox of several"},
        Wrong{"NoProgram", kGraderLine, "policy",
              "j:4:3: job[0].sandbox[0].argv: there is no program to run"},
        Wrong{"UnknownField", "verdict_of: \"grader\"", "verdict_of: \"grader\" grader: \"x\"",
              "j:3:24: job[0]: has no field \"grader\""}),
    [](const testing::TestParamInfo<Wrong>& row) { return row.param.name; });

TEST(TalkTest, OneAloneCannotTalkAndManyAreTooMany) {
  EXPECT_THAT(Errors("  sandbox { name: \"contestant\" argv: \"c\" }\n", ""),
              Contains("j:1:1: job[0].sandbox: there are 1 sandboxes; 2 to 16 can talk"));
  std::string many = "  sandbox { name: \"contestant\" argv: \"c\" }\n";
  for (int i = 0; i < 15; ++i) {
    absl::StrAppend(&many, "  sandbox { name: \"n", i, "\" argv: \"c\" }\n");
  }
  EXPECT_THAT(Errors("  sandbox { name: \"contestant\" argv: \"c\" }\n", many), SizeIs(1));
}

TEST(TalkTest, ASandboxThatIsConnectedToNothingIsAnError) {
  EXPECT_THAT(Errors("  sandbox { name: \"contestant\" argv: \"c\" }\n",
                     "  sandbox { name: \"contestant\" argv: \"c\" }\n  sandbox { name: \"z\" "
                     "argv: \"z\" }\n"),
              ElementsAre("j:6:3: job[0].sandbox[2]: is connected to nothing"));
}

TEST(TalkTest, ConnectionsNeedSandboxes) {
  const auto read = Read(
      R"(job { name: "a" argv: "x" connect { from: "a.stdout" to: "b.stdin" } verdict_of: "a" })");
  EXPECT_FALSE(read.ok());
}

}  // namespace
}  // namespace cordon
