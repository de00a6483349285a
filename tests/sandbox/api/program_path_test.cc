// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/program_path.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class ProgramPathTest : public testing::Test {
 protected:
  ProgramPathTest() {
    std::ofstream(folder_.path() + "/program") << "#!/bin/true\n";
    policy_.set_working_directory("/work");
  }
  // Where the program is inside, of this command.
  std::string Place(const std::string& command) {
    job_.clear_argv();
    job_.add_argv(command);
    std::string path;
    EXPECT_THAT(PlaceProgram(policy_, &job_, &path), IsOk());
    return path;
  }
  SharedFolder folder_;
  v1::Policy policy_;
  v1::JobSpec job_;
};

TEST_F(ProgramPathTest, AFileOfTheHostIsBoundIntoTheWorkingDirectory) {
  EXPECT_EQ(Place(folder_.path() + "/program"), "/work/program");
  EXPECT_EQ(job_.program_source(), folder_.path() + "/program");
  EXPECT_EQ(job_.program_target(), "/work/program");
}

TEST_F(ProgramPathTest, OneThatABindShowsIsNotBoundAgain) {
  v1::Bind* bind = policy_.mutable_mounts()->add_bind();
  bind->set_source(folder_.path());
  bind->set_target("/inside");
  EXPECT_EQ(Place(folder_.path() + "/program"), "/inside/program");
  EXPECT_EQ(job_.program_source(), "");
}

TEST_F(ProgramPathTest, OfTheJobsOwnBindsToo) {
  v1::Bind* bind = job_.add_extra_bind();
  bind->set_source(folder_.path());
  bind->set_target("/mine");
  EXPECT_EQ(Place(folder_.path() + "/program"), "/mine/program");
}

TEST_F(ProgramPathTest, AWorkingDirectoryOfTheHostIsNotWrittenTo) {
  v1::Bind* bind = policy_.mutable_mounts()->add_bind();
  bind->set_source("/usr");
  bind->set_target("/work");
  EXPECT_EQ(Place(folder_.path() + "/program"), "/box/program");
}

TEST_F(ProgramPathTest, ALinkOfRootIsFollowedAndTheFileBound) {
  if (!IsRoot()) GTEST_SKIP() << "needs root, who makes such a link";
  ASSERT_EQ(::symlink("program", (folder_.path() + "/link").c_str()), 0);
  EXPECT_EQ(Place(folder_.path() + "/link"), "/work/program");
  EXPECT_EQ(job_.program_source(), folder_.path() + "/program");
}

// A job before this one may have left it, and would choose what this one runs.
TEST_F(ProgramPathTest, ALinkOfAStrangerIsAnError) {
  const std::string link = folder_.path() + "/link";
  ASSERT_EQ(::symlink("program", link.c_str()), 0);
  if (IsRoot()) {
    ASSERT_EQ(::lchown(link.c_str(), 65534, 65534), 0);
  }
  job_.add_argv(link);
  std::string path;
  EXPECT_THAT(PlaceProgram(policy_, &job_, &path),
              StatusIs(absl::StatusCode::kPermissionDenied, "only links of root are followed"));
  EXPECT_EQ(job_.program_source(), "");
}

// The job follows it, and cannot leave what it sees.
TEST_F(ProgramPathTest, ALinkThatABindShowsIsTheJobs) {
  ASSERT_EQ(::symlink("program", (folder_.path() + "/link").c_str()), 0);
  if (IsRoot()) {
    ASSERT_EQ(::lchown((folder_.path() + "/link").c_str(), 65534, 65534), 0);
  }
  v1::Bind* bind = policy_.mutable_mounts()->add_bind();
  bind->set_source(folder_.path());
  bind->set_target("/inside");
  EXPECT_EQ(Place(folder_.path() + "/link"), "/inside/link");
  EXPECT_EQ(job_.program_source(), "");
}

TEST_F(ProgramPathTest, NamesAndPathsInsideAreLeftAsTheyAre) {
  EXPECT_EQ(Place("program"), "");
  EXPECT_EQ(Place("/nowhere/on/this/host"), "");
  EXPECT_EQ(Place(folder_.path()), "");  // a directory: exec will say
  EXPECT_EQ(job_.program_source(), "");
}

}  // namespace
}  // namespace cordon
