// SPDX-License-Identifier: Apache-2.0
// Handlers of Landlock on a real kernel: what mounts, namespaces and filter let pass is denied with
// the layer, and the same job without the layer does it.
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "sandbox/os/event.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr char kOn[] = "REQUIRED";
constexpr char kOff[] = "OFF";

class OpsLandlockTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    abi_ = HostFactsOfTest().landlock_abi();
    CORDON_NEEDS("Landlock ABI 2", abi_ >= 2);
    IgnoreSigpipe();
    // Of files in the way of nothing but Landlock; root's job is the owner of what it may write.
    for (const char* name : {"/results", "/old", "/results/old"}) {
      const std::string path = folder_.path() + name;
      if (std::string(name) == "/results") {
        std::filesystem::create_directory(path);
      } else {
        std::ofstream(path) << "old";
      }
      if (IsRoot()) {
        ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
      }
    }
  }

  // The exit code of the payload: 0, or the errno of what it could not do.
  int Errno(const std::vector<std::string>& arguments, const std::string& landlock,
            const std::string& more = "") {
    JobOptions options;
    options.seccomp.insert(options.seccomp.find(']'), ", \"inet\", \"unix\"");
    options.mounts =
        "bind { source: \"" + folder_.path() + "\" target: \"/out\" read_only: false }";
    options.landlock = landlock;
    options.more = more;
    result_ = RunPayload(arguments, options);
    EXPECT_THAT(result_.report, IsOk());
    if (!result_.report.ok()) return -1;
    EXPECT_EQ(result_.report->verdict(), v1::EXITED) << result_.verdict();
    return result_.report->exit_code();
  }

  std::string Content(const std::string& name) const { return FileText(folder_.path() + name); }

  uint32_t abi_ = 0;
  SharedFolder folder_;
  JobResult result_;
};

// /proc is mounted for writing: its own files of a process are.
TEST_F(OpsLandlockTest, ProcIsReadAndNotWritten) {
  EXPECT_EQ(Errno({"open_to_write", "/proc/self/comm"}, kOff), 0);
  EXPECT_EQ(Errno({"open_to_write", "/proc/self/comm"}, kOn), EACCES);
}

TEST_F(OpsLandlockTest, WhatTheMountsGiveIsLeft) {
  for (const char* landlock : {kOff, kOn}) {
    EXPECT_EQ(Errno({"open_to_write", "/dev/null"}, landlock), 0) << landlock;
    EXPECT_EQ(Errno({"truncate", "/out/old"}, landlock), 0) << landlock;
    EXPECT_EQ(Errno({"canary", "/out/new"}, landlock), 0) << landlock;
    EXPECT_EQ(Content("/new"), "alive\n") << landlock;
    std::filesystem::remove(folder_.path() + "/new");
    EXPECT_EQ(Errno({"move", "/work"}, landlock), 0) << landlock;
    EXPECT_EQ(Errno({"signal_child"}, landlock), 0) << landlock;
  }
}

// The mount is writable as a whole; the rule leaves one folder of it. Judged on the host.
TEST_F(OpsLandlockTest, AFileRuleKeepsAWritableMountFromBeingWritten) {
  CORDON_NEEDS("Landlock ABI 3", abi_ >= 3);
  const std::string rules = R"( file { path: "/out" access: READ }
                                file { path: "/out/results" access: WRITE })";
  EXPECT_EQ(Errno({"truncate", "/out/old"}, kOn + rules), EACCES);
  EXPECT_EQ(Content("/old"), "old");
  (void)Errno({"canary", "/out/new"}, kOn + rules);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/new"));
  (void)Errno({"canary", "/out/results/new"}, kOn + rules);
  EXPECT_EQ(Content("/results/new"), "alive\n");
  EXPECT_EQ(Errno({"truncate", "/out/results/old"}, kOn + rules), 0);
  EXPECT_EQ(Content("/results/old"), "");

  EXPECT_EQ(Errno({"truncate", "/out/old"}, kOff + rules), 0);
  EXPECT_EQ(Content("/old"), "");
  (void)Errno({"canary", "/out/new"}, kOff + rules);
  EXPECT_EQ(Content("/new"), "alive\n");
}

TEST_F(OpsLandlockTest, AFileRuleKeepsAProgramFromBeingExecuted) {
  const std::string rule = " file { path: \"/payload\" access: READ }";
  EXPECT_EQ(Errno({"exit", "0"}, kOff + rule), 0);
  JobOptions options;
  options.landlock = kOn + rule;
  const JobResult denied = RunPayload({"exit", "0"}, options);
  ASSERT_FALSE(denied.report.ok());
  const v1::ErrorDetail detail = DetailsOf(denied.report.status())[0];
  EXPECT_EQ(detail.step(), "Exec");
  EXPECT_EQ(detail.errno_name(), "EACCES");
}

// In a network namespace of its own a job may bind what it likes, and reach nobody by it.
TEST_F(OpsLandlockTest, TcpIsDeniedWithoutANetwork) {
  CORDON_NEEDS("Landlock ABI 4", abi_ >= 4);
  EXPECT_EQ(Errno({"tcp_bind", "40000"}, kOff), 0);
  EXPECT_EQ(Errno({"tcp_bind", "40000"}, kOn), EACCES);
  EXPECT_EQ(Errno({"tcp_connect", "40000"}, kOff), ENETUNREACH);
  EXPECT_EQ(Errno({"tcp_connect", "40000"}, kOn), EACCES);
}

TEST_F(OpsLandlockTest, LoopbackIsANetwork) {
  for (const char* landlock : {kOff, kOn}) {
    EXPECT_EQ(Errno({"tcp_to_itself", "40000"}, landlock, "network { mode: LOOPBACK }"), 0)
        << landlock;
  }
}

// With the host's network come the host's abstract sockets, which no mount guards. Judged by what
// arrives at the socket of the host.
TEST_F(OpsLandlockTest, AbstractSocketsOfTheHostAreOutOfReach) {
  CORDON_NEEDS("Landlock ABI 6", abi_ >= 6);
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string name = "cordon_test_" + std::to_string(::getpid());
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto size =
      static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<struct sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(server.get(), 4), 0);
  const auto arrived = [&] {
    return UniqueFd(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC)).valid();
  };
  const std::string network = "network { enforcement: OFF }";
  EXPECT_EQ(Errno({"abstract_connect", name}, kOn, network), EPERM);
  EXPECT_FALSE(arrived());
  EXPECT_EQ(Errno({"abstract_connect", name}, kOff, network), 0);
  EXPECT_TRUE(arrived());
}

// The init is the one process beyond the job that it can name.
TEST_F(OpsLandlockTest, SignalsStayInsideTheJob) {
  CORDON_NEEDS("Landlock ABI 6", abi_ >= 6);
  EXPECT_EQ(Errno({"signal_init"}, kOff), 0);
  EXPECT_EQ(Errno({"signal_init"}, kOn), EPERM);
}

TEST_F(OpsLandlockTest, APathThatIsNotThereOrIsALinkNamesItsRule) {
  ASSERT_EQ(::symlink("/usr", (folder_.path() + "/link").c_str()), 0);
  const std::pair<const char*, const char*> cases[] = {{"/out/nothing", "ENOENT"},
                                                       {"/out/link", "ELOOP"}};
  for (const auto& [path, error] : cases) {
    JobOptions options;
    options.mounts = "bind { source: \"" + folder_.path() + "\" target: \"/out\" }";
    options.landlock = std::string(kOn) + " file { path: \"/out\" access: READ } file { path: \"" +
                       path + "\" access: EXECUTE }";
    const JobResult result = RunPayload({"exit", "0"}, options);
    ASSERT_FALSE(result.report.ok()) << path;
    const v1::ErrorDetail detail = DetailsOf(result.report.status())[0];
    EXPECT_EQ(detail.step(), "LandlockAllow");
    EXPECT_EQ(detail.layer(), "landlock");
    EXPECT_EQ(detail.object(), path);
    EXPECT_EQ(detail.errno_name(), error);
    EXPECT_EQ(detail.policy_field(), "landlock.file[1].access");
  }
}

TEST_F(OpsLandlockTest, TheReportSaysWhetherItHeld) {
  const auto row = [&]() -> v1::LayerReport {
    for (const v1::LayerReport& each : result_.report->layers()) {
      if (each.layer() == "landlock") return each;
    }
    return {};
  };
  EXPECT_EQ(Errno({"exit", "0"}, kOn), 0);
  EXPECT_EQ(row().state(), v1::ENFORCED_PROBED);
  EXPECT_THAT(row().detail(), testing::HasSubstr("ABI "));
  EXPECT_EQ(Errno({"exit", "0"}, kOff), 0);
  EXPECT_EQ(row().state(), v1::LAYER_OFF);
  EXPECT_EQ(row().detail(), "the policy says OFF");
}

// As on a kernel without it: the job runs where the policy lets it, and the report says why.
TEST_F(OpsLandlockTest, WithoutLandlockTheReportSaysSo) {
  v1::HostFacts facts = HostFactsOfTest();
  facts.set_landlock_abi(0);
  facts.set_landlock_why("boot with it");
  const auto policy = NormalizeText(JobPolicyText({}));
  ASSERT_THAT(policy, IsOk());
  const auto plan = CompiledPlan::Make(*policy, facts);
  ASSERT_THAT(plan, IsOk());
  const auto sandbox = Sandbox::Prepare(*plan, facts);
  ASSERT_THAT(sandbox, IsOk());
  int rows = 0;
  for (const v1::LayerReport& each : (*sandbox)->layers()) {
    if (each.layer() != "landlock") continue;
    ++rows;
    EXPECT_EQ(each.state(), v1::UNAVAILABLE);
    EXPECT_EQ(each.detail(), "this kernel has no Landlock; boot with it");
  }
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace cordon
