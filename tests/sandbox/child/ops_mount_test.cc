// SPDX-License-Identifier: Apache-2.0
// Handlers of the mount layer: what the job's mount table and root look like from the host.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class OpsMountTest : public RunningJobTest {};

TEST_F(OpsMountTest, TheOldRootIsGoneAndTheNewOneIsReadOnly) {
  Start();
  const auto mounts = ParseMountInfo(FileText("/proc/" + payload_ + "/mountinfo"));
  ASSERT_THAT(mounts, IsOk());
  for (const MountInfo& mount : *mounts) {
    EXPECT_TRUE(mount.Has("nosuid")) << mount.mount_point;
    EXPECT_TRUE(mount.propagation.empty()) << mount.mount_point;
  }
  const auto root = std::find_if(mounts->begin(), mounts->end(),
                                 [](const MountInfo& each) { return each.mount_point == "/"; });
  ASSERT_NE(root, mounts->end());
  EXPECT_EQ(root->type, "tmpfs");
  EXPECT_TRUE(root->Has("ro"));
}

TEST_F(OpsMountTest, FilesLinksAndMasksAreAsThePolicySays) {
  SharedFolder folder;
  std::filesystem::create_directory(folder.path() + "/secret");
  std::ofstream(folder.path() + "/secret/key") << "k";
  std::ofstream(folder.path() + "/hidden") << "h";
  JobOptions options;
  options.mounts = "bind { source: \"" + folder.path() + "\" target: \"/data\" }" +
                   R"( file { path: "/etc/motd" content: "hi\n" }
                       symlink { path: "/link" target: "data/x" }
                       masked: "/data/secret" masked: "/data/hidden" masked: "/data/absent" )";
  Start(options);
  CORDON_NEEDS("root, to look into the root of a process that was not dumpable", IsRoot());
  const std::string root = "/proc/" + payload_ + "/root";
  EXPECT_EQ(FileText(root + "/etc/motd"), "hi\n");
  EXPECT_EQ(std::filesystem::read_symlink(root + "/link"), "data/x");
  EXPECT_TRUE(NamesIn(root + "/data/secret").empty());
  EXPECT_EQ(FileText(root + "/data/hidden"), "");
  EXPECT_EQ(FileText(folder.path() + "/hidden"), "h");  // the host's is untouched
}

// The second wall behind the filter: a policy that allows the call does not allow the namespace.
TEST_F(OpsMountTest, NoUserNamespaceCanBeMadeThoughTheFilterAllowsTheCall) {
  JobOptions options;
  options.seccomp = R"(default_action: ALLOW rule { calls: "unshare" action: ALLOW })";
  const JobResult result = RunPayload({"unshare_user"}, options);
  ASSERT_THAT(result.report, IsOk());
  EXPECT_STREQ(result.verdict(), "EXITED");
  EXPECT_EQ(result.report->exit_code(), 3);
}

}  // namespace
}  // namespace cordon
