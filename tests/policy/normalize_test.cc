// SPDX-License-Identifier: Apache-2.0
// Normal policies: every default explicit, one form for one meaning, idempotent.
#include "policy/normalize.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/parse.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

absl::StatusOr<NormalPolicy> Normal(absl::string_view text) {
  absl::StatusOr<ParsedPolicy> parsed = ParsePolicy(text, PolicyForm::kText, "p");
  if (!parsed.ok()) return parsed.status();
  return NormalPolicy::Make(*std::move(parsed));
}

std::string Print(const v1::Policy& policy) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(policy, &text);
  return text;
}

// The defaults of policy.proto's comments, all of them.
TEST(NormalizeTest, DefaultsAreExplicit) {
  const absl::StatusOr<NormalPolicy> normal = Normal("description: \"nothing set\"");
  ASSERT_THAT(normal, IsOk());
  EXPECT_EQ(Print(normal->proto()), R"(description: "nothing set"
identity {
  uid: 1000
  gid: 1000
  hostname: "cordon"
}
working_directory: "/"
limits {
  enforcement: REQUIRED
  wall_time: "10s"
  cpu_time: "5s"
  memory: "256MiB"
  swap: "0"
  processes: 64
  output: "16MiB"
  file_size: "64MiB"
  open_files: 256
  stack: "8MiB"
  idle_time: "unlimited"
  extra_time: "0"
  stdout_size: "unlimited"
  stderr_size: "unlimited"
  stdout_action: KILL
  stderr_action: KILL
}
cgroup {
  enforcement: REQUIRED
}
capabilities {
  enforcement: REQUIRED
}
seccomp {
  enforcement: REQUIRED
  default_action: ERRNO
  default_errno: "ENOSYS"
  kill_evidence: NAMED_IF_AVAILABLE
}
network {
  enforcement: REQUIRED
  mode: NONE
}
landlock {
  enforcement: REQUIRED
}
apparmor {
  enforcement: REQUIRED
}
)");
}

TEST(NormalizeTest, MountsGetTheirDefaultsAndOrder) {
  const absl::StatusOr<NormalPolicy> normal = Normal(R"(
mounts {
  bind { source: "/usr//lib/" }
  bind { source: "/data" target: "/a/./b" read_only: false executable: false optional: true }
  tmpfs { target: "/tmp/" size: "1024KiB" }
  proc {}
  dev { shm_size: "1024KiB" }
  masked: "/proc/b"
  masked: "/proc//a"
  masked: "/proc/b/"
  symlink { path: "/lib64" target: "usr/lib64" }
  symlink { path: "/bin/" target: "usr/bin" }
  file { path: "/etc/passwd" content: "x\n" }
})");
  ASSERT_THAT(normal, IsOk());
  std::string mounts;
  google::protobuf::TextFormat::PrintToString(normal->proto().mounts(), &mounts);
  EXPECT_EQ(mounts, R"(bind {
  source: "/data"
  target: "/a/b"
  read_only: false
  optional: true
  executable: false
}
bind {
  source: "/usr/lib"
  target: "/usr/lib"
  read_only: true
  executable: true
}
tmpfs {
  target: "/tmp"
  size: "1MiB"
  inodes: 4096
  executable: false
  mode: 1023
}
proc {
  process_only: true
}
dev {
  device: "null"
  device: "zero"
  device: "full"
  device: "random"
  device: "urandom"
  shm_size: "1MiB"
}
masked: "/proc/a"
masked: "/proc/b"
symlink {
  path: "/bin"
  target: "usr/bin"
}
symlink {
  path: "/lib64"
  target: "usr/lib64"
}
file {
  path: "/etc/passwd"
  content: "x\n"
  executable: false
}
)");
}

TEST(NormalizeTest, PlacesFollowTheSort) {
  const absl::StatusOr<NormalPolicy> normal = Normal(R"(environment { name: "B" }
environment { name: "A" }
mounts {
  bind { source: "/z" }
  bind { source: "/y"
         target: "/a" }
  masked: ["/c", "/b", "/c"]
}
seccomp { rule { calls: ["write", "read"] action: KILL } })");
  ASSERT_THAT(normal, IsOk());
  const SourceMap& places = normal->places();
  EXPECT_EQ(normal->proto().environment(0).name(), "A");
  EXPECT_EQ(places.Find("environment[0].name"), "p:2:15");
  EXPECT_EQ(places.Find("environment[1].name"), "p:1:15");
  EXPECT_EQ(places.Find("mounts.bind[0].target"), "p:6:10");
  EXPECT_EQ(places.Find("mounts.bind[1].source"), "p:4:10");
  EXPECT_EQ(places.Find("mounts.masked[0]"), "p:7:18");
  EXPECT_EQ(places.Find("seccomp.rule[0].calls[0]"), "p:9:35");
}

TEST(NormalizeTest, OneMeaningHasOneForm) {
  const absl::StatusOr<NormalPolicy> a = Normal(R"(
limits { memory: "262144KiB" cpu_time: "1.5s" output: "unlimited" }
cgroup { cpu_max: "0.50" cpuset_cpus: "3,1,0" io { device: "8:16" read_operations_per_second: 1 }
         io { device: "8:0" read_bytes_per_second: "1024KiB" } }
seccomp { allow: ["b", "a", "b"] })");
  const absl::StatusOr<NormalPolicy> b = Normal(R"(
seccomp { default_errno: "ENOSYS" allow: "a" allow: "b" }
cgroup { io { device: "8:0" read_bytes_per_second: "1MiB" }
         io { device: "8:16" read_operations_per_second: 1 } cpuset_cpus: "0-1,3" cpu_max: "0.5" }
limits { output: "unlimited" memory: "256MiB" cpu_time: "1500ms" wall_time: "10s" })");
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  EXPECT_EQ(Print(a->proto()), Print(b->proto()));
  EXPECT_EQ(a->proto().cgroup().io(1).device(), "8:16");
}

TEST(NormalizeTest, FileRulesAreSortedByTheirCanonicalPath) {
  const absl::StatusOr<NormalPolicy> normal = Normal(R"(landlock { enforcement: OFF
  file { path: "/b//c/" access: READ }
  file { path: "/a" access: WRITE } })");
  ASSERT_THAT(normal, IsOk());
  const v1::Landlock& landlock = normal->proto().landlock();
  EXPECT_EQ(landlock.enforcement(), v1::OFF);
  EXPECT_EQ(landlock.file(0).path(), "/a");
  EXPECT_EQ(landlock.file(1).path(), "/b/c");
  EXPECT_EQ(normal->places().Find("landlock.file[1].access"), "p:2:25");
}

TEST(NormalizeTest, RulesKeepTheirOrder) {
  const absl::StatusOr<NormalPolicy> normal = Normal(R"(seccomp {
  rule { calls: "write" when { arg: 0 equals: "1" } action: ERRNO }
  rule { calls: "read" action: KILL } })");
  ASSERT_THAT(normal, IsOk());
  EXPECT_EQ(normal->proto().seccomp().rule(0).calls(0), "write");
  EXPECT_EQ(normal->proto().seccomp().rule(0).errno_name(), "EPERM");
  EXPECT_EQ(normal->proto().seccomp().rule(1).errno_name(), "");
}

TEST(NormalizeTest, AnErrnoIsAddedOnlyWhereItHasAMeaning) {
  const absl::StatusOr<NormalPolicy> normal = Normal("seccomp { default_action: KILL }");
  ASSERT_THAT(normal, IsOk());
  EXPECT_EQ(normal->proto().seccomp().default_errno(), "");
}

TEST(NormalizeTest, IsIdempotent) {
  const absl::StatusOr<NormalPolicy> once = Normal(R"(
mounts { bind { source: "/b" } bind { source: "/a//c" } tmpfs { target: "/t" size: "5MB" mode: 448 }
         dev { device: "zero" device: "null" } proc { process_only: false } masked: "/proc/x" }
environment { name: "Z" value: "1" } environment { name: "Y" }
limits { cpu_time: "unlimited" swap: "0" stack: "unlimited" }
seccomp { default_action: LOG rule { calls: "x" action: ERRNO } kill: "k" allow: "a" }
network { enforcement: OFF mode: LOOPBACK }
landlock { file { path: "/b/" access: READ } file { path: "/a//c" access: EXECUTE } }
apparmor { profile: "site" })");
  ASSERT_THAT(once, IsOk());
  const absl::StatusOr<NormalPolicy> twice = NormalPolicy::Make(once->parsed());
  ASSERT_THAT(twice, IsOk());
  EXPECT_EQ(Print(once->proto()), Print(twice->proto()));
  EXPECT_EQ(once->places().entries(), twice->places().entries());
}

TEST(NormalizeTest, AnInvalidPolicyHasNoNormalForm) {
  EXPECT_THAT(Normal("limits { memory: \"0\" }"),
              HasError("limits.memory (p:1:10): is 0; at least 1MiB is allowed, and 0 never means "
                       "unlimited"));
}

TEST(NormalizeTest, AcceptedLintsAreSorted) {
  const auto policy = Normal(R"(accept_lint { id: "swap-allowed" reason: "x" }
accept_lint { id: "bpf" reason: "y" })");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->proto().accept_lint(0).id(), "bpf");
  EXPECT_EQ(policy->places().Find("accept_lint[0]"), "p:2:1");
}

}  // namespace
}  // namespace cordon
