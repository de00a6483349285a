// SPDX-License-Identifier: Apache-2.0
// Whom to ask; that a manager gives the scope is tried where one runs
// (tests/vm/cases/scope.py).
#include "sandbox/host/scope.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

constexpr char kUserUnit[] =
    "/user.slice/user-1000.slice/user@1000.service/app.slice/run-7.service";
constexpr char kSession[] = "/user.slice/user-1000.slice/session-3.scope";

const CgroupBase kNone = {"", "", {}, false, "not yours"};
const CgroupBase kOwn = {"/fs/own", "/own", {"memory", "pids"}, true, ""};
const CgroupBase kParent = {"/fs", "/", {"memory", "pids"}, false, ""};

TEST(DecideScopeTest, WithoutABaseAManagerIsAsked) {
  const ScopeRequest user = DecideScope(kNone, kSession, false, false);
  EXPECT_TRUE(user.needed);
  EXPECT_FALSE(user.system);
  EXPECT_EQ(user.slice, "");  // the session's slice is the system manager's
  const ScopeRequest root = DecideScope(kNone, kSession, false, true);
  EXPECT_TRUE(root.needed);
  EXPECT_TRUE(root.system);
  EXPECT_EQ(root.slice, "user-1000.slice");
}

// The system manager would make a slice of that name at its top, where no limit of the caller's is.
TEST(DecideScopeTest, TheSliceIsOneOfTheManagerThatIsAsked) {
  const auto slice_for = [](const std::string& path, bool root) {
    return DecideScope(kNone, path, false, root).slice;
  };
  EXPECT_EQ(slice_for(kUserUnit, true), "user-1000.slice");
  EXPECT_EQ(slice_for("/system.slice/ci.service/inner.slice/x.scope", true), "system.slice");
  EXPECT_EQ(slice_for("/docker/inner.slice", true), "");
  EXPECT_EQ(slice_for("/", true), "");
  const std::string manager = "/user.slice/user-1000.slice/user@1000.service";
  EXPECT_EQ(slice_for(manager + "/app.slice/app-x.slice/x.scope", false), "app-x.slice");
  EXPECT_EQ(slice_for(manager + "/app.slice/x.service/inner.slice/y.scope", false), "app.slice");
  EXPECT_EQ(slice_for(manager + "/init.scope", false), "");
}

TEST(DecideScopeTest, AUnitIsOnlyTakenWhenItIsMarkedAsDelegated) {
  const ScopeRequest asked = DecideScope(kOwn, kUserUnit, false, false);
  EXPECT_TRUE(asked.needed);
  EXPECT_EQ(asked.slice, "app.slice");
  EXPECT_FALSE(DecideScope(kOwn, kUserUnit, true, false).needed);
  // A mark without the right to make groups is no use.
  EXPECT_TRUE(DecideScope(kNone, kUserUnit, true, false).needed);
}

TEST(DecideScopeTest, BelowAUnitNobodyIsAsked) {
  EXPECT_FALSE(DecideScope(kOwn, "/system.slice/ci.service/job", false, false).needed);
  EXPECT_FALSE(DecideScope(kParent, "/system.slice/ci.service/job", false, false).needed);
}

TEST(EnterOwnScopeTest, WithoutSystemdNothingHappens) {
  CORDON_NEEDS("a host that systemd does not manage", !SystemdRuns());
  const std::string before = FileText("/proc/self/cgroup");
  EXPECT_THAT(EnterOwnScope(), IsOk());
  EXPECT_EQ(FileText("/proc/self/cgroup"), before);
}

TEST(ExplainScopeTest, TheManagersAnswerComesFirst) {
  v1::HostFacts facts;
  facts.set_cgroup_why("other processes are there");
  ExplainScope(absl::OkStatus(), &facts);
  EXPECT_EQ(facts.cgroup_why(), "other processes are there");
  ExplainScope(absl::UnavailableError("no bus"), &facts);
  EXPECT_EQ(facts.cgroup_why(), "systemd gave no scope (no bus); other processes are there");
}

}  // namespace
}  // namespace cordon
