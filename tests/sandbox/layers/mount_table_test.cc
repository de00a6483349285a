// SPDX-License-Identifier: Apache-2.0
// A table that matches the plan, spoilt in one thing at a time.
#include "sandbox/layers/mount_table.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

class MountTableTest : public testing::Test {
 protected:
  MountInfo& At(const std::string& place) {
    return *std::find_if(case_.back.mounts.begin(), case_.back.mounts.end(),
                         [&](const MountInfo& mount) { return mount.mount_point == place; });
  }
  void Drop(const std::string& place, const std::string& option) {
    auto& options = At(place).options;
    options.erase(std::remove(options.begin(), options.end(), option), options.end());
  }
  // A mount more, on top of what is there.
  MountInfo& Add(const std::string& like, const std::string& place) {
    MountInfo more = At(like);
    more.id = 1000 + case_.back.mounts.size();
    more.device = absl::StrCat("0:", more.id);
    more.mount_point = place;
    case_.back.mounts.push_back(more);
    return case_.back.mounts.back();
  }
  ResolvedSource& SourceOf(const std::string& place) {
    for (int i = 0; i < case_.plan.mount().entry_size(); ++i) {
      if (case_.plan.mount().entry(i).target() != place) continue;
      return case_.sources.entry[static_cast<size_t>(i)];
    }
    return case_.sources.entry.at(case_.sources.entry.size());
  }
  // The host has something mounted on /usr/local, and the clone of /usr brought it along.
  void MountBelowUsr() {
    MountInfo inner;
    inner.type = "xfs";
    inner.device = "8:7";
    inner.root = "/sub";
    inner.mount_point = "/local";
    inner.options = {"rw", "noatime"};
    SourceOf("/usr").below.push_back(inner);
    inner.mount_point = "/usr/local";
    inner.options = {"ro", "nosuid", "nodev", "noatime"};
    inner.id = 2000;
    case_.back.mounts.push_back(inner);
  }
  absl::Status Verify() { return case_.Verify(VerifyMount); }
  void Restore() { case_ = VerifyCase(); }
  VerifyCase case_;
};

TEST_F(MountTableTest, AcceptsTheReadBackOfThePlanInAnyOrder) {
  EXPECT_THAT(Verify(), IsOk());
  // Kernel: since 6.8 the order is that of making, and clones are made before the root.
  std::reverse(case_.back.mounts.begin(), case_.back.mounts.end());
  EXPECT_THAT(Verify(), IsOk());
}

// Who may write to a bound tree can move the mount point out of it during the set-up.
TEST_F(MountTableTest, ADifferenceInABoundTreeNamesItsFieldAndTheTree) {
  v1::MountPlan* plan = case_.plan.mutable_mount();
  const auto tmp =
      std::find_if(plan->entry().begin(), plan->entry().end(),
                   [](const v1::MountEntry& entry) { return entry.target() == "/tmp"; });
  ASSERT_NE(tmp, plan->entry().end());
  v1::MountEntry below = *tmp;
  below.set_target("/usr/moved");
  below.set_field("mounts.tmpfs[7]");
  *plan->add_entry() = below;
  case_.sources.entry.emplace_back();
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/moved"));
  EXPECT_THAT(Verify(), HasErrorWith("mounts.tmpfs[7]"));
  EXPECT_THAT(Verify(), HasErrorWith("/usr, in which it is mounted, must not be changed"));
  Restore();
  Drop("/tmp", "nodev");
  EXPECT_THAT(Verify(), HasErrorWith("a defect of Cordon or of the host"));
}

TEST_F(MountTableTest, EveryPlannedMountMustBeThere) {
  const std::vector<MountInfo> good = case_.back.mounts;
  ASSERT_GT(good.size(), 10u);
  for (size_t i = 0; i < good.size(); ++i) {
    case_.back.mounts = good;
    case_.back.mounts.erase(case_.back.mounts.begin() + static_cast<long>(i));
    EXPECT_THAT(Verify(), StatusIs(kRefused, good[i].mount_point + ": expected mounted"));
  }
}

TEST_F(MountTableTest, AMaskWhosePathDoesNotExistHasNothingToHide) {
  case_.back.places.erase("/usr/share/doc");
  At("/usr/share/doc") = case_.back.mounts.back();
  case_.back.mounts.pop_back();
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, NoMountMayBeExtra) {
  const std::vector<MountInfo> good = case_.back.mounts;
  for (const char* place : {"/sys", "/work", "/proc/sys", "/tmp/below", "/usr/local"}) {
    case_.back.mounts = good;
    Add("/tmp", place);
    EXPECT_THAT(Verify(), StatusIs(kRefused, absl::StrCat(place, ": expected no mount")));
  }
}

// Whichever of the two is on top.
TEST_F(MountTableTest, NothingMayBeStackedOnAnyMount) {
  const VerifyCase good;
  for (const MountInfo& mount : good.back.mounts) {
    case_.back.mounts = good.back.mounts;
    Add(mount.mount_point, mount.mount_point);
    EXPECT_THAT(Verify(), StatusIs(kRefused, mount.mount_point + ": expected 1 mounted there"));
    case_.back.mounts.back() = good.back.mounts.front();
    case_.back.mounts.back().mount_point = mount.mount_point;
    EXPECT_FALSE(Verify().ok()) << mount.mount_point;
  }
}

TEST_F(MountTableTest, EveryFlagIsThatOfThePlan) {
  const VerifyCase good;
  int checked = 0;
  for (const MountInfo& mount : good.back.mounts) {
    for (const std::string& option : mount.options) {
      case_.back.mounts = good.back.mounts;
      Drop(mount.mount_point, option);
      EXPECT_THAT(Verify(), StatusIs(kRefused, mount.mount_point + " options"));
      ++checked;
    }
    for (const char* more : {"noexec", "ro", "rw", "nosymfollow", "idmapped"}) {
      case_.back.mounts = good.back.mounts;
      if (At(mount.mount_point).Has(more)) continue;
      At(mount.mount_point).options.emplace_back(more);
      EXPECT_THAT(Verify(), StatusIs(kRefused, mount.mount_point + " options"));
      ++checked;
    }
  }
  EXPECT_GT(checked, 80);
}

TEST_F(MountTableTest, FlagsOfTheHostsMountStay) {
  SourceOf("/in").mount.options = {"ro", "noatime", "noexec"};
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/in options: expected noatime,nodev,noexec,nosuid,ro"));
  At("/in").options = {"ro", "nosuid", "nodev", "noexec", "noatime"};
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, TypeRootAndDeviceOfEveryMountAreCompared) {
  const VerifyCase good;
  for (const MountInfo& mount : good.back.mounts) {
    const std::string& place = mount.mount_point;
    case_.back.mounts = good.back.mounts;
    At(place).type = "fuse";
    EXPECT_THAT(Verify(), StatusIs(kRefused, place + " type"));
    At(place) = mount;
    At(place).root = "/other";
    EXPECT_THAT(Verify(), StatusIs(kRefused, place + " root"));
    At(place) = mount;
    At(place).device = "0:5" == mount.device ? "0:6" : "0:5";
    EXPECT_FALSE(Verify().ok()) << place;
  }
  // A file system of the sandbox's own is mounted once.
  Restore();
  At("/tmp").device = At("/scratch").device;
  EXPECT_THAT(Verify(), StatusIs(kRefused, "device: expected a file system of its own"));
}

// The numbers are right, and still it is the host's /proc.
TEST_F(MountTableTest, AFileSystemOfTheHostIsNotOurs) {
  const auto host = OwnMounts();
  ASSERT_THAT(host, IsOk());
  const auto proc = std::find_if(host->begin(), host->end(), [](const MountInfo& mount) {
    return mount.type == "proc" && mount.root == "/";
  });
  ASSERT_NE(proc, host->end());
  case_.sources.file_systems.insert(FileSystemOf(*proc));
  EXPECT_THAT(Verify(), IsOk());
  At("/proc").device = proc->device;
  EXPECT_THAT(Verify(), StatusIs(kRefused, "the caller's"));
  // A number that was the caller's and is free again may be given to us.
  At("/proc").device = "0:999999";
  case_.sources.file_systems.insert("proc 0:999999");
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, APathMustLeadToThePlannedMount) {
  const VerifyCase good;
  for (const MountInfo& mount : good.back.mounts) {
    const std::string& place = mount.mount_point;
    case_.back.places = good.back.places;
    ++case_.back.places[place].mount;
    EXPECT_THAT(Verify(), StatusIs(kRefused, place + " seen from inside"));
    case_.back.places.erase(place);
    EXPECT_FALSE(Verify().ok()) << place;
  }
}

// Another object at the same place: a source that was swapped between the look and the clone.
TEST_F(MountTableTest, APathMustLeadToTheResolvedObject) {
  for (const char* place : {"/usr", "/in", "/etc/conf"}) {
    Restore();
    ++case_.back.places[place].inode;
    EXPECT_THAT(Verify(), StatusIs(kRefused, absl::StrCat(place, " object: expected inode")));
    Restore();
    ++case_.back.places[place].device;
    EXPECT_THAT(Verify(), StatusIs(kRefused, absl::StrCat(place, " object")));
  }
  Restore();
  ++case_.back.places["/dev/null"].rdev;
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/dev/null node: expected character device 1:3"));
  Restore();
  case_.back.places["/dev/null"].mode = 0100666;
  EXPECT_THAT(Verify(), StatusIs(kRefused, "another kind of file"));
  Restore();
  ++case_.back.places["/dev/null"].inode;  // the number is what makes it /dev/null
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, TheModeOfATmpfsIsThatOfThePlan) {
  for (const char* place : {"/", "/tmp", "/scratch", "/dev"}) {
    Restore();
    case_.back.places[place].mode ^= 02;
    EXPECT_THAT(Verify(), StatusIs(kRefused, absl::StrCat(place, " mode")));
  }
}

TEST_F(MountTableTest, TheQuotaOfATmpfsIsTheOneOfThePlan) {
  for (const char* place : {"/", "/tmp", "/scratch", "/usr/share/doc"}) {
    for (const char* other : {"size=5k", "nr_inodes=5"}) {
      Restore();
      At(place).super_options.insert(At(place).super_options.begin(), other);
      EXPECT_THAT(Verify(), StatusIs(kRefused, place)) << other;
    }
    // No number shown means the kernel's own: half of the memory.
    Restore();
    At(place).super_options = {"rw"};
    EXPECT_THAT(Verify(), StatusIs(kRefused, place));
  }
}

TEST_F(MountTableTest, ProcShowsProcessesOnly) {
  At("/proc").super_options = {"rw"};
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/proc subset"));
}

TEST_F(MountTableTest, PropagationIsPrivateEverywhere) {
  MountBelowUsr();
  for (MountInfo& mount : case_.back.mounts) {
    mount.propagation = {"master:5"};
    EXPECT_THAT(Verify(), StatusIs(kRefused, mount.mount_point + " propagation"));
    mount.propagation.clear();
  }
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, WhatIsMountedBelowASourceComesAlongAndNothingElse) {
  MountBelowUsr();
  EXPECT_THAT(Verify(), IsOk());
  const size_t last = case_.back.mounts.size() - 1;
  const MountInfo good = case_.back.mounts[last];
  const auto spoilt = [&](const std::function<void(MountInfo*)>& spoil) {
    case_.back.mounts[last] = good;
    spoil(&case_.back.mounts[last]);
    return Verify();
  };
  // As strict as the bind, and as the host's mount.
  for (const char* flag : {"ro", "nosuid", "nodev", "noatime"}) {
    EXPECT_THAT(spoilt([&](MountInfo*) { Drop("/usr/local", flag); }),
                StatusIs(kRefused, "/usr/local options"));
  }
  EXPECT_THAT(spoilt([](MountInfo* mount) { mount->device = "8:8"; }), StatusIs(kRefused, "8:8"));
  EXPECT_THAT(spoilt([](MountInfo* mount) { mount->root = "/"; }), StatusIs(kRefused, "/sub"));
  EXPECT_THAT(spoilt([](MountInfo* mount) { mount->type = "ext4"; }), StatusIs(kRefused, "xfs"));
  EXPECT_THAT(spoilt([](MountInfo* mount) { mount->mount_point = "/usr/lib"; }),
              StatusIs(kRefused, "/usr/local: expected mounted"));
  // Mounted while the clone was made.
  EXPECT_THAT(spoilt([](MountInfo*) {}), IsOk());
  Add("/usr/local", "/usr/local/deeper");
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/local/deeper: expected no mount"));
}

// A planned mount over one that came along: both are there, and the planned one is what is seen.
TEST_F(MountTableTest, APlannedMountMayCoverWhatCameAlong) {
  MountBelowUsr();
  v1::MountEntry* const over = case_.plan.mutable_mount()->add_entry();
  *over = case_.plan.mount().entry(0);
  over->set_kind(v1::MountEntry::TMPFS);
  over->set_target("/usr/local");
  over->set_read_only(false);
  over->set_size_bytes(4096);
  over->set_inodes(9);
  over->set_mode(0700);
  case_.sources.entry.emplace_back();
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/local: expected 2 mounted there, found 1"));
  const MountInfo top = MountOf(*over, {}, 3000);
  case_.back.mounts.push_back(top);
  case_.back.places["/usr/local"].mount = top.id;
  case_.back.places["/usr/local"].mode = 0040700;
  EXPECT_THAT(Verify(), IsOk());
  // The other way round.
  case_.back.places["/usr/local"].mount = 2000;
  EXPECT_FALSE(Verify().ok());
  // What is covered is compared as well.
  case_.back.places["/usr/local"].mount = top.id;
  At("/usr/local").root = "/";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/local root"));
}

TEST_F(MountTableTest, WhatIsBelowAMaskIsSeenByNobody) {
  v1::MountEntry* const mask = case_.plan.mutable_mount()->add_entry();
  mask->set_kind(v1::MountEntry::MASK);
  mask->set_target("/etc");
  mask->set_read_only(true);
  mask->set_no_exec(true);
  case_.sources.entry.emplace_back();
  const MountInfo top = MountOf(*mask, {}, 3000);
  case_.back.mounts.push_back(top);
  case_.back.places["/etc"].mode = 0040555;
  case_.back.places["/etc"].mount = top.id;
  EXPECT_THAT(Verify(), IsOk());
  case_.back.places.erase("/etc/conf");
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, AMaskIsAnEmptyObjectOfItsKind) {
  At("/usr/share/doc").root = "/empty";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/usr/share/doc root: expected /,"));
  case_.back.places["/usr/share/doc"].mode = 0100444;
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(MountTableTest, AnAbsentOptionalSourceIsNotMissed) {
  SourceOf("/etc/conf").present = false;
  EXPECT_THAT(Verify(), StatusIs(kRefused, "/etc/conf: expected no mount"));
  auto& mounts = case_.back.mounts;
  mounts.erase(
      std::remove_if(mounts.begin(), mounts.end(),
                     [](const MountInfo& mount) { return mount.mount_point == "/etc/conf"; }),
      mounts.end());
  EXPECT_THAT(Verify(), IsOk());
}

}  // namespace
}  // namespace cordon
