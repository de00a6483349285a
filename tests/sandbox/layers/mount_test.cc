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
  MountInfo& At(const std::string& place) {
    return *std::find_if(case_.back.mounts.begin(), case_.back.mounts.end(),
                         [&](const MountInfo& mount) { return mount.mount_point == place; });
  }
  void Drop(const std::string& place, const std::string& option) {
    auto& options = At(place).options;
    options.erase(std::remove(options.begin(), options.end(), option), options.end());
  }
  absl::Status Verify() { return case_.Verify(VerifyMount); }
  VerifyCase case_;
};

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

TEST_F(MountLayerTest, AcceptsTheReadBackOfThePlan) { EXPECT_THAT(Verify(), IsOk()); }

TEST_F(MountLayerTest, EveryPlannedMountMustBeThere) {
  const VerifyCase good;
  for (size_t i = 0; i < good.back.mounts.size(); ++i) {
    case_.back.mounts = good.back.mounts;
    case_.back.mounts.erase(case_.back.mounts.begin() + static_cast<long>(i));
    const std::string place = good.back.mounts[i].mount_point;
    // A mask hides what exists; whether it exists is asked of the kernel, which has no process
    // here, so it counts as nothing to hide.
    const bool mask = place == "/usr/share/doc";
    EXPECT_EQ(Verify().ok(), mask) << place;
  }
}

TEST_F(MountLayerTest, NoMountMayBeExtra) {
  for (const char* place : {"/sys", "/work", "/proc/sys", "/tmp/below"}) {
    const VerifyCase good;
    case_.back.mounts = good.back.mounts;
    MountInfo extra = At("/tmp");
    extra.mount_point = place;
    case_.back.mounts.push_back(extra);
    EXPECT_THAT(Verify(), StatusIs(kRefused, place));
  }
}

TEST_F(MountLayerTest, ASubmountOfABindIsFineWithTheFlagsOfTheBind) {
  MountInfo inner = At("/usr");
  inner.mount_point = "/usr/local";
  case_.back.mounts.push_back(inner);
  EXPECT_THAT(Verify(), IsOk());
  Drop("/usr/local", "nosuid");
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/local nosuid"));
  At("/usr/local") = inner;
  Drop("/usr/local", "ro");
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/local ro"));
}

TEST_F(MountLayerTest, EveryRestrictiveFlagMustBeThere) {
  const VerifyCase good;
  int checked = 0;
  for (const MountInfo& mount : good.back.mounts) {
    for (const std::string& option : mount.options) {
      if (option == "rw" || option == "relatime" || mount.mount_point == "/") continue;
      case_.back.mounts = good.back.mounts;
      Drop(mount.mount_point, option);
      EXPECT_THAT(Verify(), StatusIs(kRefused, mount.mount_point + " " + option));
      ++checked;
    }
  }
  EXPECT_GT(checked, 25);
}

TEST_F(MountLayerTest, TheRootIsAReadOnlyTmpfs) {
  Drop("/", "ro");
  EXPECT_FALSE(Verify().ok());
  case_ = VerifyCase();
  At("/").type = "ext4";
  EXPECT_FALSE(Verify().ok());
}

TEST_F(MountLayerTest, AMountOfAnotherKindIsRefused) {
  for (const char* place : {"/proc", "/tmp", "/scratch"}) {
    case_ = VerifyCase();
    At(place).type = "ext4";
    EXPECT_THAT(Verify(), StatusIs(kRefused, place));
  }
  case_ = VerifyCase();
  At("/proc").super_options = {"rw"};
  EXPECT_THAT(Verify(), StatusIs(kRefused, "subset"));
}

TEST_F(MountLayerTest, TheQuotaOfATmpfsIsTheOneOfThePlan) {
  for (const char* place : {"/", "/tmp", "/scratch"}) {
    for (const char* other : {"size=5k", "nr_inodes=5"}) {
      case_ = VerifyCase();
      At(place).super_options.insert(At(place).super_options.begin(), other);
      EXPECT_THAT(Verify(), StatusIs(kRefused, place)) << other;
    }
    // No number shown means the kernel's own: half of the memory.
    case_ = VerifyCase();
    At(place).super_options = {"rw"};
    EXPECT_THAT(Verify(), StatusIs(kRefused, place));
  }
}

// The topmost mount of a place is what the job sees.
TEST_F(MountLayerTest, AMountStackedOnAnotherIsTheOneThatCounts) {
  MountInfo over = At("/tmp");
  over.options = {"rw"};
  case_.back.mounts.push_back(over);
  EXPECT_FALSE(Verify().ok());
}

TEST_F(MountLayerTest, PropagationIsPrivateEverywhere) {
  for (const char* place : {"/usr", "/in", "/tmp", "/proc", "/dev/null"}) {
    case_ = VerifyCase();
    At(place).propagation = {"master:5"};
    EXPECT_THAT(Verify(), StatusIs(kRefused, "propagation")) << place;
  }
}

TEST_F(MountLayerTest, AWritableTmpfsThatIsReadOnlyIsADifferenceToo) {
  At("/scratch").options.emplace_back("ro");
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/scratch ro"));
}

TEST_F(MountLayerTest, LockedFlagsOfAHostMountMayBeStricterThanAsked) {
  At("/in").options.emplace_back("noexec");
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountLayerTest, AnAbsentOptionalSourceIsNeitherMountedNorMissed) {
  for (int i = 0; i < case_.plan.mount().entry_size(); ++i) {
    if (case_.plan.mount().entry(i).optional()) {
      case_.sources.entry[static_cast<size_t>(i)].present = false;
    }
  }
  auto& mounts = case_.back.mounts;
  mounts.erase(
      std::remove_if(mounts.begin(), mounts.end(),
                     [](const MountInfo& mount) { return mount.mount_point == "/etc/conf"; }),
      mounts.end());
  EXPECT_THAT(Verify(), IsOk());
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
