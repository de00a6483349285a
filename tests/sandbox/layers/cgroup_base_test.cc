// SPDX-License-Identifier: Apache-2.0
// The search for a base on folders that look like a hierarchy, and moving on the host's v2 mount.
#include "sandbox/layers/cgroup_base.h"

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kAll[] = "cpu memory pids\n";

TEST(SupervisorLeafNameTest, OnlyALeafOfThisProcessIsCurrent) {
  const std::string ours = "/x/cordon-" + std::to_string(::getpid()) + "-1f";
  Hierarchy unified;
  unified.own_path = ours;
  unified.own_dir = "/fs" + ours;
  EXPECT_TRUE(SupervisorLeaf::Current(unified).has_value());
  for (const std::string& path : {ours + ".scope", std::string("/x/cordon-1-1f"), ours + "/x"}) {
    unified.own_path = path;
    EXPECT_FALSE(SupervisorLeaf::Current(unified).has_value()) << path;
  }
}

class FindCgroupBaseTest : public testing::Test {
 protected:
  // A group as the kernel would show it.
  void Put(const std::string& path, const std::string& controllers, const std::string& members) {
    const std::string directory = folder_.path() + path;
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/cgroup.controllers") << controllers;
    std::ofstream(directory + "/cgroup.subtree_control") << "";
    std::ofstream(directory + "/cgroup.procs") << members;
    if (!path.empty()) std::ofstream(directory + "/cgroup.type") << "domain\n";
  }
  void Lock(const std::string& path) {
    std::filesystem::remove(folder_.path() + path + "/cgroup.procs");
  }
  CgroupBase Find(const std::string& own, bool systemd = false) {
    Hierarchy unified;
    unified.v2 = true;
    unified.mount_point = folder_.path();
    unified.own_path = own;
    unified.own_dir = own == "/" ? folder_.path() : folder_.path() + own;
    return FindCgroupBase(unified, systemd);
  }
  std::string Us() { return std::to_string(::getpid()) + "\n"; }

  SharedFolder folder_;
};

TEST_F(FindCgroupBaseTest, AParentWithoutProcessesNeedsNoMove) {
  Put("", kAll, "");
  Put("/mine", kAll, "");
  Put("/mine/shell", "", Us() + "1\n");
  const CgroupBase base = Find("/mine/shell");
  EXPECT_EQ(base.directory, folder_.path() + "/mine");
  EXPECT_EQ(base.path, "/mine");
  EXPECT_FALSE(base.leave);
  EXPECT_THAT(base.controllers, ElementsAre("cpu", "memory", "pids"));
}

TEST_F(FindCgroupBaseTest, AParentWithProcessesOrAboveAUnitIsNotTaken) {
  Put("", kAll, "");
  Put("/mine", kAll, "1\n");
  Put("/mine/shell", kAll, Us());
  EXPECT_EQ(Find("/mine/shell").path, "/mine/shell");
  Put("/app.slice", kAll, "");
  Put("/app.slice/run.service", kAll, Us());
  EXPECT_EQ(Find("/app.slice/run.service", true).path, "/app.slice/run.service");
  EXPECT_EQ(Find("/app.slice/run.service", false).path, "/app.slice");
  Put("/app.slice/run.service/runner", "", Us() + "1\n");
  Put("/app.slice/run.service", kAll, "");
  EXPECT_EQ(Find("/app.slice/run.service/runner", true).path, "/app.slice/run.service");
}

TEST_F(FindCgroupBaseTest, OurOwnGroupIsLeftWhenWeAreAlone) {
  Put("", kAll, "");
  Lock("");
  Put("/mine", kAll, Us());
  const CgroupBase base = Find("/mine");
  EXPECT_EQ(base.path, "/mine");
  EXPECT_TRUE(base.leave);
}

TEST_F(FindCgroupBaseTest, TheReasonSaysWhatIsInTheWay) {
  Put("", kAll, "");
  Lock("");
  Put("/mine", kAll, Us() + "1\n");
  EXPECT_EQ(Find("/mine").directory, "");
  EXPECT_THAT(Find("/mine").why_not, HasSubstr("other processes are in"));
  Put("/mine", "pids\n", Us());
  EXPECT_THAT(Find("/mine").why_not, HasSubstr("has only the controllers [pids]"));
  Put("/mine", kAll, Us());
  Lock("/mine");
  EXPECT_THAT(Find("/mine").why_not, HasSubstr("you may not make groups in"));
}

TEST_F(FindCgroupBaseTest, TheTopIsForRootWithoutSystemd) {
  Put("", kAll, "1\n" + Us());
  EXPECT_EQ(Find("/").path, "/");
  EXPECT_FALSE(Find("/").leave);
  EXPECT_EQ(Find("/", true).directory, "");
  Put("/init.scope", kAll, "1\n" + Us());
  EXPECT_EQ(Find("/init.scope").path, "/");
  EXPECT_EQ(Find("/init.scope", true).directory, "");
}

// In a cgroup namespace the top is a group like any other.
TEST_F(FindCgroupBaseTest, TheTopOfANamespaceIsLeftToo) {
  Put("", kAll, Us());
  std::ofstream(folder_.path() + "/cgroup.type") << "domain\n";
  const CgroupBase base = Find("/", true);
  EXPECT_EQ(base.path, "/");
  EXPECT_TRUE(base.leave);
  Put("", kAll, Us() + "1\n");
  EXPECT_EQ(Find("/").directory, "");
}

// Of a user whose manager answers, in a group that is not delegated.
Standing UserOfSystemd() {
  Standing at;
  at.uid = 1000;
  at.systemd = true;
  at.manager = true;
  at.own_dir = "/fs/a.service";
  return at;
}

TEST(DelegationHintTest, AUserOfSystemdIsToldWhatHisManagerGives) {
  EXPECT_THAT(DelegationHint(UserOfSystemd()),
              HasSubstr("systemd-run --user --scope -p Delegate=yes cordon run"));
  EXPECT_THAT(DelegationHint(UserOfSystemd()), HasSubstr("cordon-setup"));
}

TEST(DelegationHintTest, NoManagerIsNamedThatIsNotThere) {
  Standing at = UserOfSystemd();
  at.manager = false;
  EXPECT_THAT(DelegationHint(at), HasSubstr("as root, once: loginctl enable-linger 1000;"));
  EXPECT_THAT(DelegationHint(at), Not(HasSubstr("--user")));
  at.uid = 0;
  EXPECT_THAT(DelegationHint(at), HasSubstr("systemd-run --scope -p Delegate=yes cordon run"));
  EXPECT_THAT(DelegationHint(at), Not(HasSubstr("--user")));
}

TEST(DelegationHintTest, WhereOnlyOthersAreInTheWayTheyAreMoved) {
  Standing at = UserOfSystemd();
  at.usable = true;
  EXPECT_THAT(DelegationHint(at), HasSubstr("systemd-run")) << "a unit that is not delegated";
  at.marked = true;
  EXPECT_THAT(DelegationHint(at),
              HasSubstr("mkdir /fs/a.service/others; for p in $(cat /fs/a.service/cgroup.procs); "
                        "do echo $p > /fs/a.service/others/cgroup.procs; done"));
  EXPECT_THAT(DelegationHint(at), HasSubstr("DelegateSubgroup=others"));
  at.marked = false;
  at.systemd = false;
  at.own_namespace = true;
  EXPECT_THAT(DelegationHint(at), HasSubstr("mkdir /fs/a.service/others"));
  EXPECT_THAT(DelegationHint(at), Not(HasSubstr("DelegateSubgroup")));
}

TEST(DelegationHintTest, AContainerIsStartedOtherwise) {
  Standing at;
  at.own_namespace = true;
  EXPECT_THAT(DelegationHint(at), HasSubstr("docker run --security-opt writable-cgroups=true"));
  EXPECT_THAT(DelegationHint(at), Not(HasSubstr("subtree_control")));
  at.own_namespace = false;
  at.uid = 1000;
  EXPECT_THAT(DelegationHint(at), HasSubstr("mkdir -p /sys/fs/cgroup/cordon-1000/shell"));
}

TEST(ControllersHintTest, NamesWhoHandsThemDown) {
  Standing at = UserOfSystemd();
  EXPECT_EQ(ControllersHint(at), "as root, once: cordon-setup");
  at.uid = 0;
  EXPECT_THAT(ControllersHint(at), HasSubstr("Delegate=yes in the [Service] section"));
  at.systemd = false;
  EXPECT_THAT(ControllersHint(at), HasSubstr("+cpu +cpuset +io"));
  at.own_namespace = true;
  EXPECT_THAT(ControllersHint(at), HasSubstr("who starts this container"));
}

TEST(UnitOfGroupTest, IsTheLastPartOfAUnitsOwnGroup) {
  EXPECT_EQ(UnitOfGroup("/user.slice/user-1000.slice/session-3.scope"), "session-3.scope");
  EXPECT_EQ(UnitOfGroup("/system.slice/ci.service"), "ci.service");
  EXPECT_EQ(UnitOfGroup("/system.slice/ci.service/runner"), "");
  EXPECT_EQ(UnitOfGroup("/"), "");
}

TEST_F(FindCgroupBaseTest, OnlyMissingControllersAreEnabled) {
  Put("/mine", kAll, "");
  const CgroupBase base = {folder_.path() + "/mine", "/mine", {"memory", "pids"}, false, ""};
  std::ofstream(folder_.path() + "/mine/cgroup.subtree_control") << "memory\n";
  ASSERT_THAT(EnableControllers(base, {"memory", "pids"}), IsOk());
  EXPECT_THAT(FileText(folder_.path() + "/mine/cgroup.subtree_control"), HasSubstr("+pids"));
  const std::string before = FileText(folder_.path() + "/mine/cgroup.subtree_control");
  ASSERT_THAT(EnableControllers(base, {}), IsOk());
  EXPECT_EQ(FileText(folder_.path() + "/mine/cgroup.subtree_control"), before);
  const CgroupBase gone = {folder_.path() + "/gone", "/gone", {}, false, ""};
  EXPECT_THAT(EnableControllers(gone, {"memory"}), HasErrorWith("ENOENT"));
}

TEST_F(FindCgroupBaseTest, TheLockOfABaseIsExclusiveAndNeverBlocksForLong) {
  UniqueFd lock = LockBase(folder_.path());
  ASSERT_TRUE(lock.valid());
  EXPECT_FALSE(LockBase(folder_.path()).valid());
  lock = UniqueFd();
  EXPECT_TRUE(LockBase(folder_.path()).valid());
  EXPECT_FALSE(LockBase(folder_.path() + "/nowhere").valid());
}

// A group of our own on the host's v2 mount; needs no controller.
class SupervisorLeafTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto all = FindHierarchies();
    ASSERT_THAT(all, IsOk());
    const Hierarchy* unified = FindV2(*all);
    CORDON_NEEDS("a cgroup v2 mount in which the caller may make groups",
                 unified != nullptr && MayWrite(kCwd, unified->own_dir));
    auto group = Group::Make(unified->own_dir, unified->own_path, FreshGroupName());
    ASSERT_THAT(group, IsOk());
    group_.emplace(*std::move(group));
    base_ = {group_->directory(), group_->path(), {}, true, ""};
  }
  // Runs `inside` in a child that stands in the base; 0 is success.
  template <typename Function>
  int InBase(Function inside) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const bool entered = WriteAt(kCwd, base_.directory + "/cgroup.procs", "0").ok();
      ::_exit(entered ? inside() : 100);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
  }
  std::vector<std::string> GroupsBelow() {
    std::vector<std::string> found;
    for (const std::string& name : NamesIn(base_.directory)) {
      if (std::filesystem::is_directory(base_.directory + "/" + name)) found.push_back(name);
    }
    return found;
  }

  std::optional<Group> group_;
  CgroupBase base_;
};

TEST_F(SupervisorLeafTest, TheProcessLeavesAndComesBack) {
  EXPECT_EQ(InBase([&] {
              auto leaf = SupervisorLeaf::Enter(base_);
              if (!leaf.ok()) return 1;
              if (FileText(base_.directory + "/cgroup.procs") != "") return 2;
              if (GroupsBelow().size() != 1) return 3;
              // The base of this test has the name of a run's own scope, which nobody goes back to.
              leaf->Return();
              return GroupsBelow().size() == 1 ? 0 : 4;
            }),
            0);
  const std::vector<std::string> left = GroupsBelow();
  ASSERT_EQ(left.size(), 1u);
  std::filesystem::remove(base_.directory + "/" + left[0]);
}

TEST_F(SupervisorLeafTest, ABaseOfOthersIsGivenBack) {
  const std::string inner = base_.directory + "/theirs";
  ASSERT_TRUE(std::filesystem::create_directory(inner));
  base_.directory = inner;
  EXPECT_EQ(InBase([&] {
              auto leaf = SupervisorLeaf::Enter(base_);
              if (!leaf.ok() || GroupsBelow().size() != 1) return 1;
              leaf->Return();
              if (!GroupsBelow().empty()) return 2;
              const bool back = FileText(inner + "/cgroup.procs") != "";
              return back ? 0 : 3;
            }),
            0);
  std::filesystem::remove(inner);
}

TEST_F(SupervisorLeafTest, ABaseWithAnotherGroupStaysAsItIs) {
  const std::string inner = base_.directory + "/theirs";
  ASSERT_TRUE(std::filesystem::create_directories(inner + "/other"));
  base_.directory = inner;
  EXPECT_EQ(InBase([&] {
              auto leaf = SupervisorLeaf::Enter(base_);
              if (!leaf.ok()) return 1;
              leaf->Return();
              if (FileText(inner + "/cgroup.procs") != "") return 2;
              return GroupsBelow().size() == 2 ? 0 : 3;
            }),
            0);
  SweepStaleGroups(inner);  // what it left is nobody's now
  EXPECT_THAT(GroupsBelow(), ElementsAre("other"));
  std::filesystem::remove(inner + "/other");
  std::filesystem::remove(inner);
}

}  // namespace
}  // namespace cordon
