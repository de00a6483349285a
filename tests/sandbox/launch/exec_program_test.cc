// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/exec_program.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::SharedRegion;

v1::LaunchPlan Plan() {
  v1::LaunchPlan launch;
  launch.set_working_directory("/work");
  launch.add_argv("./a.out");
  launch.add_argv("");
  launch.add_argv("two words");
  launch.add_environment("PATH=/bin");
  launch.add_exec_path("/work/a.out");
  launch.add_exec_path("/bin/a.out");
  return launch;
}

// The strings as the init finds them: by offsets, in the order argv, environment, paths.
std::vector<std::string> StringsOf(const SharedRegion& region) {
  std::vector<std::string> found;
  const uint32_t count = region.argc + region.envc + region.path_count;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t offset = 0;
    std::memcpy(&offset, region.bytes + region.vector_offset + i * sizeof(offset), sizeof(offset));
    found.emplace_back(region.bytes + offset);
  }
  return found;
}

class ExecProgramTest : public testing::Test {
 protected:
  std::unique_ptr<SharedRegion> region_ = std::make_unique<SharedRegion>();
};

TEST_F(ExecProgramTest, EveryStringIsFoundByItsOffset) {
  ASSERT_THAT(WriteExecProgram(Plan(), region_.get()), IsOk());
  EXPECT_EQ(region_->magic, child::kLaunchMagic);
  EXPECT_EQ(region_->argc, 3u);
  EXPECT_EQ(region_->envc, 1u);
  EXPECT_EQ(region_->path_count, 2u);
  EXPECT_STREQ(region_->bytes + region_->cwd, "/work");
  EXPECT_THAT(StringsOf(*region_), testing::ElementsAre("./a.out", "", "two words", "PATH=/bin",
                                                        "/work/a.out", "/bin/a.out"));
  EXPECT_EQ(region_->vector_offset % sizeof(uint32_t), 0u);
  EXPECT_LE(region_->used, child::kLaunchBytes);
  EXPECT_EQ(region_->bytes[region_->used - 1], '\0');
}

TEST_F(ExecProgramTest, AHealthCheckComesBehindTheRest) {
  v1::LaunchPlan launch = Plan();
  launch.mutable_health()->add_argv("./ok");
  launch.mutable_health()->add_argv("-q");
  launch.mutable_health()->add_exec_path("/work/ok");
  ASSERT_THAT(WriteExecProgram(launch, region_.get()), IsOk());
  EXPECT_EQ(region_->argc, 3u);
  EXPECT_EQ(region_->check_argc, 2u);
  EXPECT_EQ(region_->check_path_count, 1u);
  std::vector<std::string> behind;
  for (uint32_t i = 6; i < 9; ++i) {
    uint32_t offset = 0;
    std::memcpy(&offset, region_->bytes + region_->vector_offset + i * sizeof(offset),
                sizeof(offset));
    behind.emplace_back(region_->bytes + offset);
  }
  EXPECT_THAT(behind, testing::ElementsAre("./ok", "-q", "/work/ok"));
  ASSERT_THAT(WriteExecProgram(Plan(), region_.get()), IsOk());
  EXPECT_EQ(region_->check_argc, 0u);
}

TEST_F(ExecProgramTest, WhatDoesNotFitIsRefusedAndNeverCutOff) {
  v1::LaunchPlan launch = Plan();
  launch.add_argv(std::string(child::kLaunchBytes, 'x'));
  EXPECT_THAT(WriteExecProgram(launch, region_.get()),
              StatusIs(absl::StatusCode::kResourceExhausted, "at most"));
  EXPECT_NE(region_->magic, child::kLaunchMagic);
}

TEST_F(ExecProgramTest, TooManyStringsAreRefused) {
  v1::LaunchPlan launch = Plan();
  for (int i = 0; i < 70000; ++i) launch.add_argv("");
  EXPECT_THAT(WriteExecProgram(launch, region_.get()),
              StatusIs(absl::StatusCode::kResourceExhausted, "strings"));
}

TEST_F(ExecProgramTest, AlmostAllOfTheRoomCanBeUsed) {
  v1::LaunchPlan launch = Plan();
  launch.add_argv(std::string(child::kLaunchBytes - 256, 'x'));
  ASSERT_THAT(WriteExecProgram(launch, region_.get()), IsOk());
  EXPECT_EQ(StringsOf(*region_)[3].size(), child::kLaunchBytes - 256);
}

}  // namespace
}  // namespace cordon
