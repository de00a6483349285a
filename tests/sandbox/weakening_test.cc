// SPDX-License-Identifier: Apache-2.0
// Each layer a little weaker than the plan has it: one mount open that is to be covered, one size,
// one limit, one file of a group, one label. Plan and comparison stay as they are, and the gate or
// the twin must see it. sabotage_test.cc takes out whole steps.
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sabotage.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

class WeakeningTest : public SabotageBase {
 protected:
  static Op* OpAt(SandboxParts* parts, Opcode code, const std::string& place) {
    for (Op& op : parts->good.ops) {
      if (op.code == code && parts->good.arena.c_str() + op.data == place) return &op;
    }
    ADD_FAILURE() << OpcodeName(code) << " " << place;
    return nullptr;
  }
};

TEST_F(WeakeningTest, APathThatIsNotMasked) {
  const SharedFolder folder;
  std::filesystem::create_directory(folder.path() + "/folder");
  std::ofstream(folder.path() + "/file") << "hidden";
  options_.mounts = absl::StrCat("bind { source: \"", folder.path(), "\" target: \"/data\" }\n",
                                 "masked: \"/data/folder\" masked: \"/data/file\"\n");
  EXPECT_THAT(After([](SandboxParts*) {}), IsOk());
  for (const char* place : {"/data/folder", "/data/file"}) {
    ExpectCaught("mount", "mounted", "not in mountinfo", [&](SandboxParts* parts) {
      const Op* const mask = OpAt(parts, Opcode::kMaskPath, place);
      EraseOp(&parts->good, static_cast<size_t>(mask - parts->good.ops.data()));
    });
  }
}

TEST_F(WeakeningTest, ATmpfsThatIsNotSealed) {
  ExpectCaught("mount", "nodev,noexec,nosuid,relatime,ro", "nodev,noexec,nosuid,relatime,rw",
               [](SandboxParts* parts) { Remove(parts, Opcode::kSealTmpfs); });
}

TEST_F(WeakeningTest, ATmpfsThatIsLarger) {
  ExpectCaught("mount", "8192k", "16384k",
               [](SandboxParts* parts) { OpAt(parts, Opcode::kMountTmpfs, "/work")->a *= 2; });
  ExpectCaught("mount", "4096", "8192",
               [](SandboxParts* parts) { OpAt(parts, Opcode::kMountTmpfs, "/work")->b *= 2; });
  ExpectCaught("mount", "", "",
               [](SandboxParts* parts) { Find(parts, Opcode::kMakeRoot)->a *= 2; });
}

// Each of the limits: a little otherwise, and not set.
TEST_F(WeakeningTest, OneLimitOfResources) {
  std::vector<std::pair<size_t, Op>> limits;
  {
    SandboxParts parts;
    ASSERT_THAT(parts.Build(options_), IsOk());
    for (size_t at = 0; at < parts.good.ops.size(); ++at) {
      if (parts.good.ops[at].code == Opcode::kSetRlimit) limits.push_back({at, parts.good.ops[at]});
    }
  }
  EXPECT_GT(limits.size(), 5u);
  size_t tried = 0;
  for (const auto& [place, limit] : limits) {
    const size_t at = place;
    SCOPED_TRACE(absl::StrCat("resource ", limit.a));
    struct rlimit own = {};
    ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource_t>(limit.a), &own), 0);
    if (own.rlim_cur == limit.b && own.rlim_max == limit.c) continue;  // what it has in any case
    ExpectCaught("rlimit", "", "", [at](SandboxParts* spoilt) { EraseOp(&spoilt->good, at); });
    if (limit.c >= own.rlim_max) continue;  // only root may raise it
    ExpectCaught("rlimit", "", "", [at](SandboxParts* spoilt) {
      ++spoilt->good.ops[at].b;
      ++spoilt->good.ops[at].c;
    });
    ++tried;
  }
  EXPECT_GT(tried, 2u);
}

// Written by the host between the making of the group and the gate.
TEST_F(WeakeningTest, OneFileOfTheGroup) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  const struct {
    const char* file;
    const char* value;
  } files[] = {
      {"pids.max", "4000"},
      {"memory.max", "200000000"},
      {"memory.swap.max", "4096"},
      {"memory.oom.group", "0"},
      {"cgroup.max.descendants", "4"},
      {"memory.limit_in_bytes", "33554432"},
  };
  const bool v2 = HostFactsOfTest().cgroup_mode() == v1::HostFacts::CGROUP_V2;
  size_t written = 0;
  for (const auto& each : files) {
    // On cgroup v1 the group of v2 is there for its kill and limits nothing.
    if (!v2 && absl::StartsWith(each.file, "cgroup.")) continue;
    SCOPED_TRACE(each.file);
    bool there = false;
    const absl::Status status = After([&](SandboxParts*) {
      for (const std::string& group : GroupsOfTest()) {
        std::ofstream file(group + "/" + each.file, std::ios::in | std::ios::out);
        if (!file) continue;
        file << each.value << std::flush;
        there = there || file.good();
      }
    });
    if (!there) continue;
    ++written;
    ASSERT_FALSE(status.ok()) << "nobody noticed";
    EXPECT_EQ(DetailsOf(status)[0].layer(), "cgroup") << status;
    ExpectNothingLeft();
  }
  EXPECT_GE(written, 1u);
}

// A label that the kernel has and the plan does not name.
TEST_F(WeakeningTest, AnotherLabel) {
  const v1::AppArmorFacts facts = HostFactsOfTest().apparmor();
  CORDON_NEEDS("AppArmor profiles", facts.present() && (facts.may_load() || facts.family()));
  options_.apparmor = "REQUIRED";
  const absl::Status status = After([](SandboxParts* parts) {
    Op* const op = Find(parts, Opcode::kAppArmorOnExec);
    ASSERT_NE(op, nullptr);
    op->data = static_cast<uint32_t>(parts->good.arena.size());
    parts->good.arena += "exec unconfined";
    parts->good.arena.push_back('\0');
    op->data2 = static_cast<uint32_t>(parts->good.arena.size());
    parts->good.arena += "unconfined";
    parts->good.arena.push_back('\0');
  });
  ASSERT_FALSE(status.ok()) << "nobody noticed";
  EXPECT_EQ(DetailsOf(status)[0].layer(), "apparmor") << status;
}

TEST_F(WeakeningTest, TheSessionOfInit) {
  ExpectCaught("process", "its own", "",
               [](SandboxParts* parts) { Remove(parts, Opcode::kNewSession); });
}

}  // namespace
}  // namespace cordon
