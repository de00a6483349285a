// SPDX-License-Identifier: Apache-2.0
#include <linux/mount.h>

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

class MountLayerTest : public testing::Test {
 protected:
  VerifyCase case_;
};

// All about the comparison is in mount_table_test.cc.
TEST_F(MountLayerTest, TheWholeTableIsCompared) {
  EXPECT_THAT(case_.Verify(VerifyMount), IsOk());
  case_.back.mounts.pop_back();
  EXPECT_THAT(case_.Verify(VerifyMount), StatusIs(absl::StatusCode::kFailedPrecondition, "mount"));
}

TEST_F(MountLayerTest, AnAbsentOptionalSourceIsNotOpened) {
  for (int i = 0; i < case_.plan.mount().entry_size(); ++i) {
    if (case_.plan.mount().entry(i).optional()) {
      case_.sources.entry[static_cast<size_t>(i)].present = false;
    }
  }
  const auto program = Lowered(LowerMount, Phase::kBuild, case_);
  ASSERT_THAT(program, IsOk());
  for (const OpOrigin& origin : program->origins) EXPECT_NE(origin.object, "/etc/conf");
}

TEST_F(MountLayerTest, SourcesAreOpenedFirstEachWithItsIdentity) {
  const auto program = Lowered(LowerMount, Phase::kOpen, case_);
  ASSERT_THAT(program, IsOk());
  size_t sources = 0;
  for (const ResolvedSource& source : case_.sources.entry) sources += source.present ? 1 : 0;
  ASSERT_EQ(program->ops.size(), sources);
  for (const Op& op : program->ops) {
    const ResolvedSource& source = case_.sources.entry[static_cast<size_t>(op.slot)];
    EXPECT_EQ(op.code, Opcode::kOpenTree);
    EXPECT_STREQ(program->arena.c_str() + op.data, source.path.c_str());
    const bool device = (op.flags & child::kFlagDevice) != 0;
    EXPECT_EQ(op.a, device ? source.info.rdev : source.info.device);
    if (!device) {
      EXPECT_EQ(op.b, source.info.inode);
    }
  }
}

TEST_F(MountLayerTest, EveryAttachedTreeIsNosuidAndReadOnlyUnlessAsked) {
  const auto program = Lowered(LowerMount, Phase::kBuild, case_);
  ASSERT_THAT(program, IsOk());
  for (size_t i = 0; i < program->ops.size(); ++i) {
    const Op& op = program->ops[i];
    if (op.code != Opcode::kAttachTree) continue;
    const std::string& target = program->origins[i].object;
    EXPECT_NE(op.a & MOUNT_ATTR_NOSUID, 0u) << target;
    EXPECT_EQ((op.a & MOUNT_ATTR_RDONLY) == 0, !case_.plan.mount().entry(op.slot).read_only())
        << target;
    const bool device = target.compare(0, 5, "/dev/") == 0;
    EXPECT_EQ((op.a & MOUNT_ATTR_NODEV) == 0, device) << target;
  }
}

// What a bind shows belongs to the host.
TEST_F(MountLayerTest, NothingIsEverCreatedInsideABind) {
  v1::MountEntry* inner = case_.plan.mutable_mount()->add_entry();
  inner->set_kind(v1::MountEntry::TMPFS);
  inner->set_target("/in/sub");
  case_.sources.entry.emplace_back();
  const auto program = Lowered(LowerMount, Phase::kBuild, case_);
  ASSERT_THAT(program, IsOk());
  bool seen = false;
  for (size_t i = 0; i < program->ops.size(); ++i) {
    if (program->origins[i].object != "/in/sub") continue;
    seen = true;
    EXPECT_EQ(program->ops[i].flags & child::kFlagMayCreate, 0);
  }
  EXPECT_TRUE(seen);
}

TEST_F(MountLayerTest, MoreMountsThanSlotsAreRefused) {
  for (int i = 0; i <= child::kMaxSlots; ++i) {
    case_.plan.mutable_mount()->add_entry()->set_kind(v1::MountEntry::DIRECTORY);
    case_.sources.entry.emplace_back();
  }
  EXPECT_THAT(Lowered(LowerMount, Phase::kBuild, case_),
              StatusIs(absl::StatusCode::kInvalidArgument, "mounts are possible"));
}

}  // namespace
}  // namespace cordon
