// SPDX-License-Identifier: Apache-2.0
// Handlers of the files that are copied in: what stands in their way is an error of their step, and
// nothing of the sandbox is left.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/files/copy_in.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class OpsFileTest : public testing::Test {
 protected:
  void SetUp() override { CORDON_NEEDS("user namespaces", HaveUserNamespaces()); }

  // Entries with a text, or with a link, straight from the list: what the policy's side refuses,
  // such as two files at one place, comes here all the same.
  absl::Status Prepare(const std::vector<std::pair<std::string, std::string>>& entries) {
    v1::JobSpec job;
    for (const auto& [target, link] : entries) {
      v1::CopyIn* entry = job.add_copy_in();
      entry->set_target(target);
      if (link.empty()) {
        entry->set_text("text");
      } else {
        entry->set_link(link);
      }
    }
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(options_));
    CORDON_ASSIGN_OR_RETURN(const CopyInFiles files,
                            CopyInFiles::Gather(job.copy_in(), plan.proto(), nullptr));
    return Sandbox::Prepare(plan, HostFactsOfTest(), {&files, false}).status();
  }
  JobOptions options_;
};

TEST_F(OpsFileTest, FilesAndLinksAreMadeWithTheirFolders) {
  EXPECT_THAT(Prepare({{"/work/a/b/c", ""}, {"/work/a/b/d", "c"}, {"/work/e/f", "x"}}), IsOk());
}

TEST_F(OpsFileTest, WhatIsThereIsNotReplaced) {
  for (const char* link : {"", "x"}) {
    const absl::Status status = Prepare({{"/work/there", ""}, {"/work/there", link}});
    EXPECT_THAT(status, HasErrorWith("EEXIST"));
    EXPECT_THAT(status, HasErrorWith("copy_in[1]"));
    EXPECT_EQ(DetailsOf(status)[0].step(), *link == '\0' ? "CopyFile" : "CopyLink");
  }
  EXPECT_TRUE(GroupsOfTest().empty());
  EXPECT_TRUE(ChildrenOfTest().empty());
}

TEST_F(OpsFileTest, ALinkIsNotFollowed) {
  EXPECT_THAT(Prepare({{"/work/out", "/payload"}, {"/work/out/x", ""}}), HasErrorWith("ELOOP"));
  EXPECT_THAT(Prepare({{"/work/out", "/tmp"}, {"/work/out/x", "y"}}), HasErrorWith("ELOOP"));
  EXPECT_THAT(Prepare({{"/work/out", "/payload"}, {"/work/out", ""}}), HasErrorWith("EEXIST"));
}

TEST_F(OpsFileTest, AFileIsNoFolder) {
  EXPECT_THAT(Prepare({{"/work/there", ""}, {"/work/there/x", ""}}), HasErrorWith("ENOTDIR"));
}

TEST_F(OpsFileTest, AFullFileSystemIsTheErrorOfTheStep) {
  // Room for its root and one more.
  options_.mounts = "tmpfs { target: \"/small\" size: \"1MiB\" inodes: 2 }";
  EXPECT_THAT(Prepare({{"/small/a", ""}}), IsOk());
  EXPECT_THAT(Prepare({{"/small/a/b", ""}}), HasErrorWith("ENOSPC"));
}

}  // namespace
}  // namespace cordon
