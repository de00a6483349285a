// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/trusted_path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uid_t kStranger = 65534;

class TrustedPathTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(folder_.path().empty());
    std::filesystem::create_directories(At("real/inner"));
    std::ofstream(At("real/file")) << "x";
    before_ = DescriptorsOfTest().size();
  }
  void TearDown() override { EXPECT_EQ(DescriptorsOfTest().size(), before_); }
  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  // A link of `owner`; only root can make one that is not its own.
  void Link(const std::string& target, const std::string& name, uid_t owner) {
    std::filesystem::create_symlink(target, At(name));
    if (owner != ::geteuid()) {
      ASSERT_EQ(::lchown(At(name).c_str(), owner, owner), 0);
    }
  }
  SharedFolder folder_;
  size_t before_ = 0;
};

TEST_F(TrustedPathTest, GivesTheObjectAndItsFileSystem) {
  const auto found = ResolveTrusted(At("./real//file"));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->path, At("real/file"));
  EXPECT_EQ(found->info.inode, StatPath(At("real/file"))->inode);
  EXPECT_EQ(ResolveTrusted(At("real/inner/../file"))->path, At("real/file"));
  EXPECT_EQ(ResolveTrusted("/../..")->path, "/");
  EXPECT_EQ(ResolveTrusted("/proc/sys")->file_system, uint64_t{PROC_SUPER_MAGIC});
}

TEST_F(TrustedPathTest, WhatIsNotThereIsAnErrorWithItsPlace) {
  EXPECT_THAT(ResolveTrusted(At("real/none/x")), HasErrorWith("ENOENT"));
  EXPECT_THAT(ResolveTrusted(At("real/none/x")), HasErrorWith("real/none"));
  EXPECT_THAT(ResolveTrusted(At("real/file/x")), HasErrorWith("ENOTDIR"));
  EXPECT_THAT(ResolveTrusted(At("real/file/..")), HasErrorWith("ENOTDIR"));
  EXPECT_THAT(ResolveTrusted(At(std::string(256, 'x'))), HasErrorWith("ENAMETOOLONG"));
  EXPECT_THAT(ResolveTrusted("relative"), HasErrorWith("EINVAL"));
  EXPECT_THAT(ResolveTrusted(""), HasErrorWith("EINVAL"));
  EXPECT_FALSE(IsRefusedLink(ResolveTrusted(At("real/none/x")).status()));
  EXPECT_FALSE(IsRefusedLink(ErrnoStatus("openat", "x", EACCES)));
  EXPECT_FALSE(IsRefusedLink(absl::OkStatus()));
}

TEST_F(TrustedPathTest, LinksOfRootAreFollowedAsTheKernelDoes) {
  CORDON_NEEDS("root", IsRoot());
  Link("real", "relative", 0);
  Link(At("real"), "absolute", 0);
  Link("../absolute/./inner/..", "real/chain", 0);
  Link("loop", "loop", 0);
  Link("nothing", "dangling", 0);
  for (const char* name : {"relative/file", "absolute/file", "real/chain/file"}) {
    const auto found = ResolveTrusted(At(name));
    ASSERT_THAT(found, IsOk()) << name;
    EXPECT_EQ(found->path, RealPath(At(name)).value());
  }
  EXPECT_THAT(ResolveTrusted(At("loop")), HasErrorWith("ELOOP"));
  EXPECT_THAT(ResolveTrusted(At("dangling")), HasErrorWith("ENOENT"));
}

// Also those of the caller: a job of an ordinary user makes its links with the caller's uid.
TEST_F(TrustedPathTest, LinksOfAnybodyElseAreRefusedWhereverTheyLead) {
  const uid_t owner = IsRoot() ? kStranger : ::geteuid();
  Link("real", "relative", owner);
  Link("/etc", "absolute", owner);
  Link("loop", "loop", owner);
  Link("nothing", "dangling", owner);
  Link("/proc/self/root", "magic", owner);
  for (const char* name : {"relative", "relative/file", "absolute", "absolute/passwd", "loop",
                           "dangling", "magic", "real/../absolute"}) {
    const auto refused = ResolveTrusted(At(name));
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied, "only links of root"))
        << name;
    EXPECT_THAT(refused, HasErrorWith(std::to_string(owner))) << name;
    EXPECT_TRUE(IsRefusedLink(refused.status())) << name;
    EXPECT_TRUE(RealPath(At(name)).ok() || std::string(name) == "loop" ||
                std::string(name) == "dangling");
  }
  EXPECT_THAT(ResolveTrusted(At("relative")), HasErrorWith("name " + At("real") + " itself"));
}

TEST_F(TrustedPathTest, AStrangersLinkBehindOneOfRootIsFound) {
  CORDON_NEEDS("root", IsRoot());
  Link("/etc", "theirs", kStranger);
  Link("theirs", "ours", 0);
  EXPECT_THAT(ResolveTrusted(At("ours/passwd")),
              StatusIs(absl::StatusCode::kPermissionDenied, "theirs"));
}

TEST_F(TrustedPathTest, WhatWasPutThereMeanwhileIsNotOpened) {
  std::ofstream(At("other")) << "y";
  const auto found = ResolveTrusted(At("real/file"));
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(OpenTrusted(*found, O_RDONLY), IsOk());
  std::filesystem::rename(At("other"), At("real/file"));
  EXPECT_THAT(OpenTrusted(*found, O_RDONLY), StatusIs(absl::StatusCode::kAborted, "replaced"));
  std::filesystem::remove(At("real/file"));
  std::filesystem::create_symlink("/etc/passwd", At("real/file"));
  EXPECT_THAT(OpenTrusted(*found, O_RDONLY), HasErrorWith("ELOOP"));
}

}  // namespace
}  // namespace cordon
