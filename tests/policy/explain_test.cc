// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Explain(const std::string& text, const v1::HostFacts& facts = FullHost()) {
  const auto policy = ParseNormal(text);
  EXPECT_THAT(policy, IsOk());
  if (!policy.ok()) return "";
  const auto plan = CompiledPlan::Make(*policy, facts);
  EXPECT_THAT(plan, IsOk());
  return plan.ok() ? ExplainPlan(*policy, *plan) : "";
}

std::string ExplainStartable(const std::string& text) {
  return Explain(absl::StrCat(kStartable, text));
}

TEST(ExplainTest, SaysWhatExistsAndWhatIsWritable) {
  const std::string text = ExplainStartable(R"(mounts {
    bind { source: "/usr" } bind { source: "/srv/out" target: "/out" read_only: false }
    tmpfs { target: "/tmp" size: "16MiB" inodes: 9 } symlink { path: "/bin" target: "usr/bin" }
    dev {} masked: "/usr/games" })");
  EXPECT_THAT(text, HasSubstr("/usr          read-only from the host's /usr\n"));
  EXPECT_THAT(text, HasSubstr("/out          WRITABLE from the host's /srv/out\n"));
  EXPECT_THAT(text, HasSubstr("empty, in memory, 16MiB, 9 files, nothing in it can be executed\n"));
  EXPECT_THAT(text, HasSubstr("/bin          link to usr/bin\n"));
  EXPECT_THAT(text, HasSubstr("devices       /dev/full /dev/null /dev/random /dev/urandom"));
  EXPECT_THAT(text, HasSubstr("/usr/games    hidden\n"));
}

TEST(ExplainTest, SaysTheNumbersExactly) {
  const std::string text = ExplainStartable(R"(
    limits { wall_time: "1500ms" cpu_time: "20ms" memory: "100MiB" processes: 3 stack: "unlimited"
             output: "1KiB" swap: "1MiB" }
    cgroup { cpu_max: "0.5" cpuset_cpus: "0-1" io { device: "8:0" write_operations_per_second: 7 } })");
  EXPECT_THAT(text, HasSubstr("wall time     1500ms\n"));
  EXPECT_THAT(text, HasSubstr("cpu time      20ms, user and system"));
  EXPECT_THAT(text, HasSubstr("output        1KiB, stdout and stderr together\n"));
  EXPECT_THAT(text, HasSubstr("100MiB in all, swap 1MiB\n"));
  EXPECT_THAT(text, HasSubstr("at most 3 processes and threads"));
  EXPECT_THAT(text, HasSubstr("50ms of every 100ms\n"));
  EXPECT_THAT(text, HasSubstr("disk 8:0      7 writes/s\n"));
  EXPECT_THAT(text, HasSubstr("RLIMIT_STACK=unlimited"));
}

TEST(ExplainTest, SaysWhichCallsAreAllowedWhichFailAndWhichKill) {
  const std::string text = Explain(R"(seccomp {
    allow: ["exec", "stdio"] kill: "dangerous"
    rule { calls: "socket" when { arg: 0 equals: "AF_UNIX" } action: ERRNO errno_name: "EACCES" }
    rule { calls: ["getppid", "getpid"] action: LOG }
    rule { calls: "prctl" when { arg: 0 any_of { value: "PR_SET_NAME" value: "PR_GET_NAME" } }
           action: ALLOW } })");
  EXPECT_THAT(text, HasSubstr("stdio         uses the descriptors it was given, and ends\n"));
  EXPECT_LT(text.find("  stdio"), text.find("  exec")) << "in the order of risk";
  EXPECT_THAT(text, HasSubstr("dangerous     kills the job: inspects or changes other processes;"));
  EXPECT_THAT(text, HasSubstr("socket        fails with EACCES when argument 0 is AF_UNIX\n"));
  EXPECT_THAT(text, HasSubstr("allowed and logged: getpid getppid\n"));
  EXPECT_THAT(text, HasSubstr("allowed when argument 0 is one of PR_SET_NAME, PR_GET_NAME\n"));
  EXPECT_THAT(text, HasSubstr("all others    fails with ENOSYS\n"));
  EXPECT_THAT(text,
              HasSubstr("newer calls   fails with ENOSYS: calls that Linux 7.3 does not have\n"));
}

TEST(ExplainTest, SaysLoudlyWhatIsOff) {
  const std::string text = Explain(R"(network { enforcement: OFF } seccomp { enforcement: OFF }
    capabilities { enforcement: OFF } cgroup { enforcement: OFF } limits { enforcement: OFF }
    landlock { enforcement: OFF })");
  EXPECT_THAT(text, HasSubstr("THE HOST'S NETWORK IS SHARED"));
  EXPECT_THAT(text, HasSubstr("System calls: OFF: NOT FILTERED"));
  EXPECT_THAT(text, HasSubstr("THOSE OF ITS USER NAMESPACE ARE KEPT"));
  EXPECT_THAT(text, HasSubstr("OFF: memory is not limited"));
  EXPECT_THAT(text, HasSubstr("OFF: no resource limits are set"));
  EXPECT_THAT(text, HasSubstr("landlock      OFF: the mounts stand alone\n"));
  EXPECT_THAT(ExplainStartable(""), Not(HasSubstr("OFF")));
}

TEST(ExplainTest, SaysWhatThisHostCannotDo) {
  v1::HostFacts facts = FullHost();
  facts.clear_cgroup_controllers();
  facts.clear_seccomp_actions();
  const std::string text = Explain(R"(seccomp { allow: ["stdio", "exec"] enforcement: IF_AVAILABLE }
                 cgroup { enforcement: IF_AVAILABLE })",
                                   facts);
  EXPECT_THAT(text, HasSubstr("NOT ENFORCED on this host: "));
  EXPECT_THAT(text, HasSubstr("System calls: NOT FILTERED"));
}

TEST(ExplainTest, SaysWhatLandlockAddsAndWhatTheKernelLacks) {
  const char* policy = R"(mounts { bind { source: "/data" read_only: false } }
    landlock { enforcement: IF_AVAILABLE file { path: "/data" access: READ }
               file { path: "/data/out" access: WRITE } })";
  const std::string text = ExplainStartable(policy);
  EXPECT_THAT(text, HasSubstr("what the mounts allow, once more; no TCP; no signals and"));
  EXPECT_THAT(text, HasSubstr("(where the host can)"));
  EXPECT_THAT(text, HasSubstr("/data         may only be read\n"));
  EXPECT_THAT(text, HasSubstr("/data/out     may be used as its mount allows\n"));
  EXPECT_THAT(text, Not(HasSubstr("cannot guard")));
  v1::HostFacts facts = FullHost();
  facts.set_landlock_abi(5);
  EXPECT_THAT(Explain(absl::StrCat(kStartable, policy), facts),
              HasSubstr("no TCP (where the host can); this kernel cannot\n                guard: "
                        "abstract sockets and signals (ABI 6)\n"));
  facts.set_landlock_abi(0);
  facts.set_landlock_why("boot with it");
  const std::string without = Explain(absl::StrCat(kStartable, policy), facts);
  EXPECT_THAT(without, HasSubstr("NOT ENFORCED on this host: this kernel has no Landlock; boot"));
  EXPECT_THAT(without, HasSubstr("/data         NOT ENFORCED: may only be read\n"));
}

TEST(ExplainTest, NoLineIsLongerThanAHundredColumns) {
  std::string text = ExplainStartable(
      absl::StrCat("mounts { bind { source: \"/", std::string(200, 's'), "\" target: \"/",
                   std::string(250, 't'), "\" } } environment { name: \"LONG\" value: \"",
                   std::string(500, 'v'), "\" } description: \"", std::string(190, 'd'), "\" "));
  for (const char* const profile : {"judge/java", "ci/cmake", "base/build"}) {
    const auto policy = Shipped(profile);
    ASSERT_THAT(policy, IsOk());
    const auto plan = CompiledPlan::Make(*policy, FullHost());
    ASSERT_THAT(plan, IsOk());
    text += ExplainPlan(*policy, *plan);
  }
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_FALSE(!line.empty() && line.back() == ' ') << line;
  }
  EXPECT_EQ(text.back(), '\n');
}

TEST(ExplainTest, TextOfThePolicyIsEscaped) {
  const std::string text =
      ExplainStartable("mounts { bind { source: \"/a\" target: \"/b\\\"\\\\c\" } }");
  EXPECT_THAT(text, HasSubstr("/b\\\"\\\\c"));
}

}  // namespace
}  // namespace cordon
