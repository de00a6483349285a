// SPDX-License-Identifier: Apache-2.0
// What needs no AppArmor; unloading is tried in child/ops_apparmor_test.cc.
#include "sandbox/layers/apparmor_memory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class AppArmorMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    // A folder of the caller's, as /run/user/UID is.
    parent_ = folder_.path() + "/own";
    ASSERT_TRUE(std::filesystem::create_directory(parent_));
    ASSERT_EQ(::chmod(parent_.c_str(), 0700), 0);
  }
  SharedFolder folder_;
  std::string parent_;
};

TEST_F(AppArmorMemoryTest, AHashIsRememberedPerNamespaceAndName) {
  const AppArmorMemory memory = AppArmorMemory::OpenIn(parent_);
  ASSERT_TRUE(memory.valid());
  const auto use = memory.Use("", "x");
  ASSERT_THAT(use, IsOk());
  EXPECT_EQ(AppArmorMemory::HashOf(*use), "");
  AppArmorMemory::SetHash(*use, "a longer one");
  AppArmorMemory::SetHash(*use, "0123");
  EXPECT_EQ(AppArmorMemory::HashOf(*AppArmorMemory::OpenIn(parent_).Use("", "x")), "0123");
  EXPECT_EQ(AppArmorMemory::HashOf(*memory.Use("cordon-7", "x")), "");
  EXPECT_EQ(AppArmorMemory::HashOf(*memory.Use("", "y")), "");
}

TEST_F(AppArmorMemoryTest, AFolderThatOthersCanWriteIsNone) {
  ASSERT_EQ(::chmod(parent_.c_str(), 0770), 0);
  EXPECT_FALSE(AppArmorMemory::OpenIn(parent_).valid());
  ASSERT_EQ(::chmod(parent_.c_str(), 0700), 0);
  EXPECT_TRUE(AppArmorMemory::OpenIn(parent_).valid());
  ASSERT_EQ(::chmod((parent_ + "/cordon").c_str(), 0777), 0);
  EXPECT_FALSE(AppArmorMemory::OpenIn(parent_).valid());
  EXPECT_FALSE(AppArmorMemory::OpenIn(folder_.path() + "/nowhere").valid());
}

TEST_F(AppArmorMemoryTest, ALinkIsNotFollowed) {
  std::filesystem::create_directory(folder_.path() + "/elsewhere");
  std::filesystem::create_symlink(folder_.path() + "/elsewhere", parent_ + "/cordon");
  EXPECT_FALSE(AppArmorMemory::OpenIn(parent_).valid());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() + "/elsewhere"));
}

TEST_F(AppArmorMemoryTest, WithoutOneNothingIsRememberedAndNothingFails) {
  const AppArmorMemory memory = AppArmorMemory::OpenIn(folder_.path() + "/nowhere");
  const auto use = memory.Use("", "x");
  ASSERT_THAT(use, IsOk());
  EXPECT_FALSE(use->valid());
  AppArmorMemory::SetHash(*use, "0123");
  EXPECT_EQ(AppArmorMemory::HashOf(*use), "");
  memory.Sweep(0, 0);
}

// Whose profile cannot be unloaded (there is none of that name) is not forgotten either.
TEST_F(AppArmorMemoryTest, SweepingForgetsOnlyWhatIsUnloaded) {
  const AppArmorMemory memory = AppArmorMemory::OpenIn(parent_);
  AppArmorMemory::SetHash(*memory.Use("cordon-no-such", "x"), "0123");
  memory.Sweep(0, 0);
  EXPECT_EQ(AppArmorMemory::HashOf(*memory.Use("cordon-no-such", "x")), "0123");
}

}  // namespace
}  // namespace cordon
