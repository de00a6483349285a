// SPDX-License-Identifier: Apache-2.0
// For each layer: its step is taken out of the program in silence, plan and comparison stay as they
// are. The gate or the twin must see it; the error names the layer, what was expected and what was
// found; the payload never runs. The untouched program is the control.
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sabotage.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

class SabotageTest : public SabotageBase {};

TEST_F(SabotageTest, TheUntouchedProgramIsConfirmedInEveryLayer) {
  for (const bool listens : listens_) {
    SandboxParts parts;
    parts.listens = listens;
    ASSERT_THAT(parts.Build(options_), IsOk());
    const absl::StatusOr<AtGate> at_gate = parts.Start(parts.good);
    ASSERT_THAT(at_gate, IsOk());
    const auto layers = parts.Confirm(*at_gate);
    ASSERT_THAT(layers, IsOk());
    for (const v1::LayerReport& row : *layers) {
      if (row.state() == v1::UNAVAILABLE) continue;  // named by the tests of its layer
      EXPECT_TRUE(row.state() == v1::ENFORCED_VERIFIED || row.state() == v1::ENFORCED_PROBED)
          << row.layer() << " " << v1::LayerState_Name(row.state());
    }
    EXPECT_TRUE(parts.Run({"exit", "0"}).executed);
  }
}

TEST_F(SabotageTest, Namespaces) {
  ExpectCaught("namespaces", "inside", "",
               [](SandboxParts* parts) { Remove(parts, Opcode::kSetHostname); });
  ExpectCaught("namespaces", "a namespace of its own",
               "cgroup:", [](SandboxParts* parts) { Remove(parts, Opcode::kNewCgroupNamespace); });
}

TEST_F(SabotageTest, Userns) {
  ExpectCaught("userns", "ENOSPC", "0",
               [](SandboxParts* parts) { Remove(parts, Opcode::kLimitNamespaces); });
  // Another id than the plan's.
  ExpectCaught("userns", "[", "[", [](SandboxParts* parts) {
    parts->options.inside_uid += 1;
    Find(parts, Opcode::kSetIds)->a += 1;
  });
}

TEST_F(SabotageTest, Groups) {
  CORDON_NEEDS("root", IsRoot());
  std::vector<gid_t> before(static_cast<size_t>(::getgroups(0, nullptr)));
  ASSERT_GE(::getgroups(static_cast<int>(before.size()), before.data()), 0);
  const gid_t group = 54321;
  ASSERT_EQ(::setgroups(1, &group), 0);
  EXPECT_THAT(After([](SandboxParts*) {}), IsOk());
  ExpectCaught("userns", "none", "54321",
               [](SandboxParts* parts) { Find(parts, Opcode::kSetIds)->flags = 0; });
  ASSERT_EQ(::setgroups(before.size(), before.data()), 0);
}

TEST_F(SabotageTest, Mount) {
  ExpectCaught("mount", "nodev,nosuid,relatime,ro", "nodev,nosuid,relatime,rw",
               [](SandboxParts* parts) {
                 constexpr uint64_t kReadOnly = 1;  // MOUNT_ATTR_RDONLY
                 for (Op& op : parts->good.ops) {
                   if (op.code == Opcode::kAttachTree) op.a &= ~kReadOnly;
                 }
               });
  ExpectCaught("mount", "nodev,nosuid,relatime,ro", "nodev,nosuid,relatime,rw",
               [](SandboxParts* parts) { Remove(parts, Opcode::kSealRoot); });
  options_.landlock = "OFF";  // its rules would miss the place
  ExpectCaught("mount", "mounted", "not in mountinfo",
               [](SandboxParts* parts) { Remove(parts, Opcode::kMountProc); });
  ExpectCaught("mount", "1 mounted there", "2", [](SandboxParts* parts) {
    Remove(parts, Opcode::kPivotRoot);
    Remove(parts, Opcode::kChdir);  // the twin would not find the folder
  });
}

// One tmpfs more, on top of a planned one and where none is planned.
TEST_F(SabotageTest, AMountTooMany) {
  ExpectCaught("mount", "1 mounted there", "2", [](SandboxParts* parts) {
    const size_t at = IndexOf(parts->good, Opcode::kMountTmpfs);
    InsertOp(&parts->good, at, parts->good.ops[at]);
  });
  ExpectCaught("mount", "no mount", "tmpfs", [](SandboxParts* parts) {
    const size_t at = IndexOf(parts->good, Opcode::kMountTmpfs);
    Op op = parts->good.ops[at];
    op.data = static_cast<uint32_t>(parts->good.arena.size());
    parts->good.arena += "/extra";
    parts->good.arena.push_back('\0');
    InsertOp(&parts->good, at, op);
  });
}

// Both binds are there with all their flags, and each shows what the other should.
TEST_F(SabotageTest, BindsThatAreTakenForEachOther) {
  const SharedFolder folder;
  options_.landlock = "OFF";
  options_.mounts = absl::StrCat("bind { source: \"", folder.path(), "\" target: \"/data\" }\n");
  ExpectCaught("mount", "", "/", [](SandboxParts* parts) {
    std::vector<Op*> binds;
    for (size_t i = 0; i < parts->good.ops.size(); ++i) {
      const std::string& place = parts->good.origins[i].object;
      if (parts->good.ops[i].code != Opcode::kAttachTree) continue;
      if (place == "/data" || place == "/payload") binds.push_back(&parts->good.ops[i]);
    }
    ASSERT_EQ(binds.size(), 2u);
    std::swap(binds[0]->slot, binds[1]->slot);
  });
}

// The host mounts and unmounts below a source between the look at it and its clone.
TEST_F(SabotageTest, MountsBelowASourceThatComeOrGoMeanwhile) {
  CORDON_NEEDS("root", IsRoot());
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  const SharedFolder folder;
  const std::string below = folder.path() + "/below";
  ASSERT_EQ(::mkdir(below.c_str(), 0755), 0);
  options_.mounts = absl::StrCat("bind { source: \"", folder.path(), "\" target: \"/data\" }\n");
  listens_ = {true};  // the host mounts once
  const auto mount = [&] { return ::mount("none", below.c_str(), "tmpfs", 0, nullptr); };
  EXPECT_THAT(After([](SandboxParts*) {}), IsOk());
  ExpectCaught("mount", "no mount", "tmpfs", [&](SandboxParts*) { ASSERT_EQ(mount(), 0); });
  // It was there when the sources were looked at: it belongs to the bind.
  EXPECT_THAT(After([](SandboxParts*) {}), IsOk());
  ExpectCaught("mount", "mounted", "not in mountinfo",
               [&](SandboxParts*) { ASSERT_EQ(::umount(below.c_str()), 0); });
  // Another one in its place.
  ASSERT_EQ(mount(), 0);
  ExpectCaught("mount", "", "ramfs", [&](SandboxParts*) {
    ASSERT_EQ(::umount(below.c_str()), 0);
    ASSERT_EQ(::mount("none", below.c_str(), "ramfs", 0, nullptr), 0);
  });
  ASSERT_EQ(::umount(below.c_str()), 0);
}

TEST_F(SabotageTest, Cgroup) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  SandboxParts parts;
  ASSERT_THAT(parts.Build(options_), IsOk());
  parts.enter_group = false;
  const absl::StatusOr<AtGate> at_gate = parts.Start(parts.good);
  ASSERT_THAT(at_gate, IsOk());
  const absl::Status status = parts.Confirm(*at_gate).status();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(DetailsOf(status)[0].layer(), "cgroup") << status;
  EXPECT_THAT(DetailsOf(status)[0].message(),
              testing::ContainsRegex("group of init.*: expected /.*, found /"));
}

TEST_F(SabotageTest, Net) {
  ExpectCaught("net", "a namespace of its own",
               "net:", [](SandboxParts* parts) { parts->options.own_network = false; });
  ExpectCaught("net", "down", "up", [](SandboxParts* parts) {
    Op up = {};
    up.code = Opcode::kLoopbackUp;
    up.slot = child::kNoSlot;
    up.data = up.data2 = child::kNoData;
    InsertOp(&parts->good, IndexOf(parts->good, Opcode::kPivotRoot), up);
  });
  options_.more += "network { mode: LOOPBACK }\n";
  EXPECT_THAT(After([](SandboxParts*) {}), IsOk());
  ExpectCaught("net", "up", "down",
               [](SandboxParts* parts) { Remove(parts, Opcode::kLoopbackUp); });
}

TEST_F(SabotageTest, Rlimit) {
  ExpectCaught("rlimit", "", "", [](SandboxParts* parts) { Remove(parts, Opcode::kSetRlimit); });
  ExpectCaught("rlimit", "", "", [](SandboxParts* parts) { Remove(parts, Opcode::kLimitFiles); });
}

TEST_F(SabotageTest, Caps) {
  ExpectCaught("caps", "0000000000000000", "0000",
               [](SandboxParts* parts) { Remove(parts, Opcode::kDropBounding); });
  ExpectCaught("caps", "0000000000000000", "0000",
               [](SandboxParts* parts) { Remove(parts, Opcode::kSetCaps); });
  ExpectCaught("caps", "239", "",
               [](SandboxParts* parts) { Remove(parts, Opcode::kSetSecurebits); });
}

TEST_F(SabotageTest, Landlock) {
  CORDON_NEEDS("Landlock", HostFactsOfTest().landlock_abi() > 0);
  ExpectCaught("landlock", "EACCES", "", [](SandboxParts* parts) {
    Remove(parts, Opcode::kLandlockCreate);
    Remove(parts, Opcode::kLandlockAllow);
    Remove(parts, Opcode::kLandlockRestrict);
  });
  ExpectCaught("landlock", "EACCES", "",
               [](SandboxParts* parts) { Remove(parts, Opcode::kLandlockRestrict); });
  // Rules that allow too much: writing everywhere.
  ExpectCaught("landlock", "EACCES", "", [](SandboxParts* parts) {
    Find(parts, Opcode::kLandlockAllow)->a = Find(parts, Opcode::kLandlockCreate)->a;
  });
}

TEST_F(SabotageTest, Seccomp) {
  ExpectCaught("seccomp", "2", "0",
               [](SandboxParts* parts) { Remove(parts, Opcode::kSeccompLoad); });
  // A filter, and not the plan's: it allows everything.
  ExpectCaught("seccomp", "", "", [](SandboxParts* parts) {
    Op* const load = Find(parts, Opcode::kSeccompLoad);
    const uint64_t allow_all = uint64_t{0x7fff0000} << 32 | 0x06;  // BPF_RET | BPF_K, ALLOW
    std::memcpy(parts->good.arena.data() + load->data2, &allow_all, sizeof(allow_all));
    load->size2 = sizeof(allow_all);
  });
}

TEST_F(SabotageTest, AppArmor) {
  const v1::AppArmorFacts facts = HostFactsOfTest().apparmor();
  CORDON_NEEDS("AppArmor profiles", facts.present() && (facts.may_load() || facts.family()));
  options_.apparmor = "REQUIRED";
  ExpectCaught("apparmor", "", "nothing",
               [](SandboxParts* parts) { Remove(parts, Opcode::kAppArmorOnExec); });
}

TEST_F(SabotageTest, Process) {
  options_.apparmor = "OFF";  // its read-back needs some of these steps, and would be first
  const struct {
    Opcode code;
    const char* expected;
    const char* found;
  } steps[] = {
      {Opcode::kNewKeyring, "one of its own", "the supervisor's"},
      {Opcode::kPayloadSession, "its own", ""},
      {Opcode::kCloseInitFds, "0 to 3", "0 pipe"},
      // It closes the procfs as well, and that is seen first.
      {Opcode::kSetOomScore, "0 to 3", "0 pipe"},
      {Opcode::kChdir, "/work", "/"},
  };
  for (const auto& step : steps) {
    ExpectCaught("process", step.expected, step.found,
                 [&](SandboxParts* parts) { Remove(parts, step.code); });
  }
  ::personality(ADDR_NO_RANDOMIZE);
  ExpectCaught("process", "0", "262144",
               [](SandboxParts* parts) { Remove(parts, Opcode::kResetInherited); });
  ::personality(0);
  const mode_t before = ::umask(0);
  ExpectCaught("process", "0022", "0000", [](SandboxParts* parts) {
    Remove(parts, Opcode::kResetInherited);  // sets the same, for the mount points
    Remove(parts, Opcode::kSetUmask);
  });
  ::umask(before);
  // Landlock and the filter need it and would fail without it.
  options_.landlock = "OFF";
  options_.seccomp = "enforcement: OFF";
  ExpectCaught("process", "1", "0",
               [](SandboxParts* parts) { Remove(parts, Opcode::kNoNewPrivs); });
}

}  // namespace
}  // namespace cordon
