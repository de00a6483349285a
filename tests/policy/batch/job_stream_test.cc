// SPDX-License-Identifier: Apache-2.0
// Jobs line by line: complete as soon as their line is, connected backwards only, dealt to shards
// before the end is known.
#include "policy/batch/job_stream.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/batch/schedule.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Job(const std::string& name, const std::string& more = "") {
  return absl::StrCat(R"({"name": ")", name, R"(", "argv": ["x"])", more.empty() ? "" : ", ", more,
                      "}");
}

std::vector<std::string> Names(const std::vector<BatchTask>& tasks) {
  std::vector<std::string> names;
  for (const BatchTask& task : tasks) names.push_back(task.job.name());
  return names;
}

// What is there now; the first error in `status`.
std::vector<BatchTask> Take(JobStream* stream, absl::Status* status = nullptr) {
  std::vector<BatchTask> taken;
  for (;;) {
    absl::StatusOr<std::optional<std::vector<BatchTask>>> next = stream->Next();
    if (status != nullptr) *status = next.status();
    if (status == nullptr) {
      EXPECT_THAT(next, IsOk());
    }
    if (!next.ok() || !next->has_value()) return taken;
    for (BatchTask& task : **next) taken.push_back(std::move(task));
  }
}

std::vector<std::string> Errors(const absl::Status& status) {
  std::vector<std::string> found;
  for (const v1::ErrorDetail& each : DetailsOf(status)) {
    found.push_back(absl::StrCat(each.source(), ": ", each.policy_field(), ": ", each.message()));
  }
  return found;
}

std::vector<std::string> ErrorsOf(const std::string& bytes, size_t index = 1, size_t count = 1) {
  JobStream stream("in", index, count);
  stream.Add(bytes);
  stream.End();
  absl::Status status;
  Take(&stream, &status);
  return Errors(status);
}

TEST(JobStreamTest, ALineIsGivenAsSoonAsItIsWhole) {
  JobStream stream("in", 1, 1);
  EXPECT_THAT(Take(&stream), IsEmpty());
  const std::string line = Job("a");
  stream.Add(line.substr(0, 5));
  EXPECT_THAT(Take(&stream), IsEmpty());
  stream.Add(line.substr(5));
  EXPECT_THAT(Take(&stream), IsEmpty());
  stream.Add("\n\n \n" + Job("b") + "\n" + Job("c").substr(0, 9));
  EXPECT_THAT(Names(Take(&stream)), ElementsAre("a", "b"));
  stream.Add(Job("c").substr(9));
  EXPECT_THAT(Take(&stream), IsEmpty());
  stream.End();
  const std::vector<BatchTask> last = Take(&stream);
  ASSERT_THAT(Names(last), ElementsAre("c"));
  EXPECT_EQ(last[0].place, "in:5:1");
  EXPECT_THAT(Take(&stream), IsEmpty());
}

// Byte by byte it is what the list is, positions included.
TEST(JobStreamTest, SaysWhatTheListSays) {
  const std::string bytes =
      absl::StrCat(Job("a"), "\n",
                   Job("m/${n}", R"("after": ["a"], "matrix": [{"name": "n", "value": ["1", )"
                                 R"("2"]}])"),
                   "\n", Job("z", R"("after": ["m/2", "a"])"));
  const auto list = ReadJobs(bytes, JobsForm::kJsonLines, "in");
  ASSERT_THAT(list, IsOk());
  JobStream stream("in", 1, 1);
  std::vector<BatchTask> taken;
  for (const char each : bytes) {
    stream.Add(absl::string_view(&each, 1));
    for (BatchTask& task : Take(&stream)) taken.push_back(std::move(task));
  }
  stream.End();
  for (BatchTask& task : Take(&stream)) taken.push_back(std::move(task));
  ASSERT_EQ(taken.size(), list->size());
  for (size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(taken[i].job.SerializeAsString(), (*list)[i].job.SerializeAsString());
    EXPECT_EQ(taken[i].place, (*list)[i].place);
    EXPECT_EQ(taken[i].after, (*list)[i].after);
  }
}

TEST(JobStreamTest, JobsComeAfterThoseBeforeThemOnly) {
  EXPECT_THAT(ErrorsOf(Job("a", R"("after": ["b", "a"])") + "\n" + Job("b")),
              ElementsAre("in:1:1: after: there is no job \"b\" before this one in the stream",
                          "in:1:1: after: there is no job \"a\" before this one in the stream"));
}

TEST(JobStreamTest, ANameIsTakenForEver) {
  EXPECT_THAT(ErrorsOf(Job("a") + "\n" + Job("b") + "\n" + Job("a")),
              ElementsAre("in:3:1: name: \"a\" is the name of the job at in:1:1, too"));
}

TEST(JobStreamTest, NothingIsReadBehindALineThatIsNotRight) {
  JobStream stream("in", 1, 1);
  stream.Add(Job("a") + "\n{\"name\": \"b\", \"argv\": [\"x\"], \"nam\": 1}\n" + Job("c") + "\n");
  absl::Status status;
  EXPECT_THAT(Names(Take(&stream, &status)), ElementsAre("a"));
  EXPECT_THAT(Errors(status), ElementsAre(HasSubstr("in:2:30")));
  EXPECT_THAT(Take(&stream), IsEmpty());
  stream.Add(Job("d") + "\n");
  stream.End();
  EXPECT_THAT(Take(&stream), IsEmpty());
}

TEST(JobStreamTest, NothingIsNoBatchAndAnEmptyShardIsOne) {
  EXPECT_THAT(ErrorsOf("\n \n"), ElementsAre("in: : there is no job"));
  EXPECT_THAT(ErrorsOf(Job("a"), 2, 2), IsEmpty());
}

TEST(JobStreamTest, ALineWithoutAnEndIsNotWaitedFor) {
  JobStream stream("in", 1, 1);
  stream.Add(Job("a") + "\n");
  EXPECT_THAT(Names(Take(&stream)), ElementsAre("a"));
  const std::string piece(64 << 10, ' ');
  absl::Status status;
  size_t given = 0;
  for (; status.ok() && given < 2 * kMaxPolicyBytes; given += piece.size()) {
    stream.Add(piece);
    Take(&stream, &status);
  }
  EXPECT_THAT(Errors(status), ElementsAre(HasSubstr("in:2:1: : the line is longer than")));
  EXPECT_EQ(given, kMaxPolicyBytes + piece.size());
}

TEST(JobStreamTest, ArtifactsAreOfJobsBefore) {
  const std::string maker = Job("m", R"("copy_out": [{"path": "/work/p", "artifact": "p"}])");
  const auto user = [](const char* artifact) {
    return Job("u", absl::StrCat(R"("after": ["m"], "bind_artifact": [{"artifact": ")", artifact,
                                 R"(", "target": "/p"}])"));
  };
  EXPECT_THAT(ErrorsOf(maker + "\n" + user("m:p")), IsEmpty());
  EXPECT_THAT(ErrorsOf(maker + "\n" + user("m:q")),
              ElementsAre(HasSubstr("in:2:1: bind_artifact[0].artifact: the job \"m\" has no")));
}

// Without a job that comes after several, the shards are those of the list.
TEST(JobStreamTest, ShardsAreThoseOfTheList) {
  std::string bytes;
  for (int i = 0; i < 7; ++i) {
    absl::StrAppend(&bytes, Job(absl::StrCat("c", i)), "\n",
                    Job(absl::StrCat("r", i), absl::StrCat(R"("after": ["c)", i / 2, R"("])")),
                    "\n");
  }
  const auto list = ReadJobs(bytes, JobsForm::kJsonLines, "in");
  ASSERT_THAT(list, IsOk());
  for (size_t index = 1; index <= 3; ++index) {
    JobStream stream("in", index, 3);
    stream.Add(bytes);
    const std::vector<BatchTask> taken = Take(&stream);
    const std::vector<BatchTask> mine = ShardOf(*list, index, 3);
    EXPECT_EQ(Names(taken), Names(mine));
    for (size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i].after, mine[i].after);
  }
}

TEST(JobStreamTest, AJobAfterJobsOfSeveralShardsIsRefusedByAll) {
  const std::string bytes = Job("a") + "\n" + Job("b") + "\n" + Job("c", R"("after": ["a", "b"])");
  EXPECT_THAT(ErrorsOf(bytes), IsEmpty());
  for (size_t index = 1; index <= 2; ++index) {
    EXPECT_THAT(ErrorsOf(bytes, index, 2),
                ElementsAre(HasSubstr("in:3:1: after: these jobs are in different shards")));
  }
}

}  // namespace
}  // namespace cordon
