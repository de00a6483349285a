// SPDX-License-Identifier: Apache-2.0
// What ships, and the worst that a policy can name, through the real apparmor_parser with every
// warning an error: the profiles of all shipped policies, those that an administrator loads once,
// and policies whose paths look like rules.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "policy/apparmor/pattern.h"
#include "policy/apparmor/profile.h"
#include "policy/compile.h"
#include "tests/support/apparmor_parser.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

std::string FileText(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream.good()) << path;
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

absl::StatusOr<CompiledProfile> Compile(const absl::StatusOr<NormalPolicy>& policy) {
  CORDON_RETURN_IF_ERROR(policy.status());
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompiledPlan::Make(*policy, FullHost()));
  CORDON_ASSIGN_OR_RETURN(const std::string text,
                          CompileAppArmorProfile(plan.proto(), "cordon-t", AppArmorAbi::k3_0));
  return CompileWithParser(text);
}

TEST(AppArmorParserTest, TakesTheProfileOfEveryShippedPolicy) {
  CORDON_NEEDS_APPARMOR_PARSER();
  for (const EmbeddedProfile& shipped : EmbeddedProfiles()) {
    const auto profile = Compile(Shipped(shipped.name));
    ASSERT_THAT(profile, IsOk()) << shipped.name;
    EXPECT_EQ(profile->Allowed("/usr/bin/true"), kAaRead | kAaExec | kAaMap) << shipped.name;
    EXPECT_EQ(profile->Allowed("/work/x") & kAaWrite, kAaWrite) << shipped.name;
    EXPECT_EQ(profile->Allowed("/etc/passwd"), kAaRead) << shipped.name;
    EXPECT_EQ(profile->Allowed("/dev/null"), kAaRead | kAaWrite) << shipped.name;
    for (const char* path : {"/etc/shadow", "/root/.ssh/id", "/dev/sda", "/proc/sys/kernel/core",
                             "/sys/kernel/x", "/home/", "/var/run/docker.sock"}) {
      EXPECT_EQ(profile->Allowed(path), 0U) << shipped.name << path;
    }
    for (const char which : {kAaClassMount, kAaClassPtrace}) {
      EXPECT_TRUE(profile->Mediates(which)) << shipped.name;
      EXPECT_EQ(profile->Grants(which), 0U) << shipped.name;
    }
  }
}

// A path that ends its own quotes and adds a rule would show in what the whole profile grants.
TEST(AppArmorParserTest, NoPathOfAPolicyBecomesARule) {
  CORDON_NEEDS_APPARMOR_PARSER();
  for (const char* name : {"a\\\" rwx, \\\"/**",
                           "a\\\\",
                           "a\\\\\\\" rw,",
                           "**",
                           "{,/**}",
                           "[^b]",
                           "?",
                           "@{HOME}",
                           "@{profile_name}",
                           "a,",
                           "a b",
                           " a",
                           "a ",
                           "#include <abstractions/base>",
                           "a#b",
                           "^",
                           "\\\\\\\\101",
                           "\\\\052",
                           "}",
                           "]",
                           "(",
                           "->",
                           "a -> /b",
                           "include",
                           "\\303\\251",
                           "\\342\\200\\213",
                           "deny",
                           "$x",
                           "%n",
                           "a'b",
                           "<x>",
                           "|",
                           "&",
                           ";",
                           "~",
                           "!",
                           "`"}) {
    const std::string target = absl::StrCat("/data/", name);
    const auto policy =
        ParseNormal(absl::StrCat(kStartable, "mounts { bind { source: '/usr' target: \"", target,
                                 "\" executable: false } }"));
    ASSERT_THAT(policy, IsOk()) << name;
    const std::string& path = policy->proto().mounts().bind(0).target();
    const auto profile = Compile(policy);
    ASSERT_THAT(profile, IsOk()) << name;
    EXPECT_EQ(profile->Allowed(path), kAaRead) << name;
    EXPECT_EQ(profile->Allowed(path + "/x"), kAaRead) << name;
    EXPECT_EQ(profile->Allowed(path + "x"), 0U) << name;
    EXPECT_EQ(profile->Allowed("/data/b"), 0U) << name;
    EXPECT_EQ(profile->Allowed("/root"), 0U) << name;
    EXPECT_EQ(profile->files.ReachableBehind("") & (kAaWrite | kAaExec | kAaMap), 0U) << name;
  }
}

TEST(AppArmorParserTest, TakesTheLongestPath) {
  CORDON_NEEDS_APPARMOR_PARSER();
  std::string target;
  while (target.size() + 241 <= 4095) absl::StrAppend(&target, "/", std::string(240, '*'));
  const auto profile =
      CompileWithParser(absl::StrCat("profile t {\n\"", EscapedPath(target), "\" r,\n}\n"));
  ASSERT_THAT(profile, IsOk());
  EXPECT_EQ(profile->Allowed(target), kAaRead);
  EXPECT_EQ(profile->Allowed(target.substr(0, target.size() - 1)), 0U);
}

TEST(AppArmorParserTest, TakesTheProfileForEveryJob) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const auto profile = CompileWithParser(FileText("profiles/apparmor/cordon-job"));
  ASSERT_THAT(profile, IsOk());
  constexpr uint32_t kRun = kAaRead | kAaExec | kAaMap;
  constexpr uint32_t kChange = kAaWrite | kAaLink | kAaLock;
  for (const char* path :
       {"/", "/work/a", "/p", "/pro", "/procx/a", "/sy", "/sysx", "/tmp/", "/z"}) {
    EXPECT_EQ(profile->Allowed(path), kRun | kChange) << path;
  }
  for (const char* path : {"/proc/", "/proc/1/mem", "/proc/1/task/2/mem", "/proc/1/attr/exec",
                           "/proc/1/task/2/attr/exec", "/proc/sys/kernel/core_pattern",
                           "/proc/1/uid_map", "/sys/", "/sys/fs/cgroup/cgroup.procs"}) {
    EXPECT_EQ(profile->Allowed(path), kRun) << path;
  }
  for (const char* path : {"/proc/7/comm", "/proc/7/task/8/comm", "/proc/7/oom_score_adj"}) {
    EXPECT_EQ(profile->Allowed(path), kRun | kAaWrite) << path;
  }
  for (const char* path : {"/proc/kcore", "/proc/sysrq-trigger", "/sys/kernel/security/x"}) {
    EXPECT_EQ(profile->Allowed(path), 0U) << path;
  }
  for (const char which : {kAaClassMount, kAaClassPtrace}) {
    EXPECT_TRUE(profile->Mediates(which));
    EXPECT_EQ(profile->Grants(which), 0U);
  }
}

// 3.0 has no word for user namespaces: it reads everything but that line.
TEST(AppArmorParserTest, TakesTheProfileOfTheCommand) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const std::string text = FileText("profiles/apparmor/cordon.in");
  EXPECT_THAT(text, testing::HasSubstr("\n  userns,\n"));
  const std::string older = absl::StrReplaceAll(
      text, {{"@CORDON@", "/usr/bin/cordon"}, {"abi/4.0", "abi/3.0"}, {"\n  userns,\n", "\n"}});
  EXPECT_THAT(ParseWithParser(older), IsOk());
  EXPECT_THAT(ParseWithParser(absl::StrCat(older, "}")),
              StatusIs(absl::StatusCode::kInvalidArgument, "syntax error"));
}

}  // namespace
}  // namespace cordon
