// SPDX-License-Identifier: Apache-2.0
// Pairs of policies as people write them, and the sentences that they must get.
#include "policy/compare.h"

#include <random>

#include "gmock/gmock.h"
#include "policy/compile.h"
#include "policy/ideal_host.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kBase[] = R"(
  mounts {
    bind { source: "/usr" }
    bind { source: "/srv/case" target: "/data" executable: false }
    tmpfs { target: "/tmp" size: "16MiB" inodes: 100 }
    proc {}
    dev { device: "null" }
    masked: "/usr/share/doc"
  }
  limits { cpu_time: "2s" wall_time: "6s" memory: "256MiB" processes: 4 output: "1MiB"
           file_size: "1MiB" open_files: 32 stack: "8MiB" }
  cgroup { cpu_max: "1" cpuset_cpus: "0-1" io { device: "8:0" read_bytes_per_second: "1MiB" } }
)";
constexpr char kCalls[] = "seccomp { allow: [\"stdio\", \"exec\"] default_action: KILL } ";

absl::StatusOr<CompiledPlan> PlanOfText(const std::string& text) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(text));
  return CompiledPlan::Make(policy, IdealHost(NativeArchitecture()));
}

// `base` with one piece of its text replaced.
std::string With(const std::string& from, const std::string& to) {
  std::string text = std::string(kBase) + kCalls;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::vector<std::string> Sentences(const std::string& before, const std::string& after) {
  const auto a = PlanOfText(before);
  const auto b = PlanOfText(after);
  EXPECT_THAT(a, IsOk());
  EXPECT_THAT(b, IsOk());
  if (!a.ok() || !b.ok()) return {"does not compile"};
  const auto widened = Widened(a->proto(), b->proto(), NativeArchitecture());
  EXPECT_THAT(widened, IsOk());
  std::vector<std::string> lines;
  for (const Widening& each : *widened) lines.push_back(each.layer + ": " + each.what);
  return lines;
}

const std::string& Base() {
  static const std::string* const text = new std::string(std::string(kBase) + kCalls);
  return *text;
}

struct Pair {
  const char* from;
  const char* to;
  std::vector<std::string> sentences;
};

// Twelve changes that widen, each with its sentence; undone, each is a tightening.
TEST(CompareTest, EveryWideningHasItsSentence) {
  const std::vector<Pair> pairs = {
      {"processes: 4", "processes: 8", {"cgroup: processes: 8, was 4"}},
      {"memory: \"256MiB\"", "memory: \"1GiB\"", {"cgroup: memory: 1GiB, was 256MiB"}},
      {"cpu_time: \"2s\" wall_time: \"6s\"",
       "cpu_time: \"3s\" wall_time: \"10s\"",
       {"watch: processor time: 3s, was 2s", "watch: time on the wall: 10s, was 6s"}},
      {"output: \"1MiB\"",
       "output: \"1MiB\" extra_time: \"1s\"",
       {"watch: time beyond its limits: 1s, was 0"}},
      {"file_size: \"1MiB\" open_files: 32",
       "file_size: \"2MiB\" open_files: 64",
       {"rlimit: size of a file: 2MiB, was 1MiB", "rlimit: open files: 64, was 32"}},
      {"cpu_max: \"1\" cpuset_cpus: \"0-1\"",
       "cpu_max: \"1.5\" cpuset_cpus: \"0-2\"",
       {"cgroup: processor time per second: 1500ms, was 1s", "cgroup: processors: 0-2, was 0-1"}},
      {"io { device: \"8:0\" read_bytes_per_second: \"1MiB\" }",
       "",
       {"cgroup: bytes read from 8:0 per second: unlimited, was 1MiB"}},
      {"target: \"/data\" executable: false",
       "target: \"/data\" read_only: false executable: false",
       {"mount: may write to /data, the host's /srv/case"}},
      {"target: \"/data\" executable: false",
       "target: \"/data\"",
       {"mount: may execute /data, the host's /srv/case"}},
      {"source: \"/srv/case\"",
       "source: \"/srv\"",
       {"mount: may read /data, the host's /srv, without executing it"}},
      {"size: \"16MiB\" inodes: 100",
       "size: \"32MiB\" inodes: 200 executable: true",
       {"mount: may keep 32MiB in memory at /tmp, was 16MiB",
        "mount: may make 200 files at /tmp, was 100", "mount: may execute what it writes to /tmp"}},
      {"masked: \"/usr/share/doc\"", "", {"mount: may read the host's /usr"}},
      {"dev { device: \"null\" }",
       "dev { device: \"null\" device: \"urandom\" }",
       {"mount: may use the device /dev/urandom"}},
      {"\"exec\"]",
       "\"exec\"] rule { calls: \"ptrace\" action: ALLOW }",
       {"seccomp: may call ptrace, which ended the job"}},
      {"default_action: KILL",
       "default_action: KILL rule { calls: \"ptrace\" when { arg: 0 any_of { value: [\"2\", \"3\"] "
       "} } "
       "action: ERRNO errno_name: \"EPERM\" }",
       {"seccomp: may call ptrace with argument 0 from 0x2 to 0x3 and survive it (the call fails), "
        "which ended the job"}},
      {"seccomp {",
       "network { mode: LOOPBACK } seccomp {",
       {"net: its processes may talk to each other over the loopback device"}},
      {"seccomp {", "network { enforcement: OFF } seccomp {", {"net: shares the host's network"}},
      {"seccomp {",
       "landlock { enforcement: IF_AVAILABLE } seccomp {",
       {"landlock: runs without this layer where the host does not have it"}},
      {"seccomp {",
       "landlock { enforcement: OFF } seccomp {",
       {"landlock: runs without this layer"}},
      {"seccomp {",
       "apparmor { enforcement: IF_AVAILABLE } seccomp {",
       {"apparmor: runs without this layer where the host does not have it"}},
      {"seccomp {",
       "apparmor { enforcement: OFF } seccomp {",
       {"apparmor: runs without this layer"}},
      {"seccomp { allow", "seccomp { enforcement: OFF allow", {"seccomp: runs without this layer"}},
      {"seccomp { allow",
       "seccomp { enforcement: IF_AVAILABLE allow",
       {"seccomp: runs without this layer where the host does not have it"}},
  };
  for (const Pair& pair : pairs) {
    const std::string changed = With(pair.from, pair.to);
    EXPECT_THAT(Sentences(Base(), changed), testing::ElementsAreArray(pair.sentences)) << changed;
    EXPECT_THAT(Sentences(changed, Base()), IsEmpty()) << changed;
  }
}

TEST(CompareTest, AJobThatGoesOnWhenAStreamIsFullIsWider) {
  const std::string ends = With("output: \"1MiB\"", "output: \"1MiB\" stderr_size: \"1KiB\"");
  const std::string cut =
      With("output: \"1MiB\"", "output: \"1MiB\" stderr_size: \"1KiB\" stderr_action: TRUNCATE");
  EXPECT_THAT(Sentences(ends, cut),
              ElementsAre("watch: goes on when its stderr is full, which ended it"));
  EXPECT_THAT(Sentences(cut, ends), IsEmpty());
  // Without a limit of its own a stream never ended it.
  EXPECT_THAT(Sentences(Base(), cut), IsEmpty());
  EXPECT_THAT(Sentences(cut, Base()), ElementsAre("watch: output on stderr: unlimited, was 1KiB"));
}

// What somebody else's profile allows is unknown, so both directions are said.
TEST(CompareTest, AnotherProfileOfTheAdministratorIsSaid) {
  const std::string one = With("seccomp {", "apparmor { profile: \"one\" } seccomp {");
  const std::string two = With("seccomp {", "apparmor { profile: \"two\" } seccomp {");
  EXPECT_THAT(Sentences(Base(), one),
              testing::ElementsAre("apparmor: its profile is the administrator's one, was the one "
                                   "compiled from the policy"));
  EXPECT_THAT(Sentences(one, two),
              testing::ElementsAre("apparmor: its profile is the administrator's two, was the "
                                   "administrator's one"));
  EXPECT_THAT(Sentences(two, Base()),
              testing::ElementsAre("apparmor: its profile is the one compiled from the policy, was "
                                   "the administrator's two"));
  EXPECT_THAT(Sentences(one, one), IsEmpty());
}

// Found by the fuzzer: with the group came the loss of an rlimit, which counted as a widening, and
// more processes in a group than the rlimit had allowed did not.
TEST(CompareTest, ProcessesAreOneLimitWhicheverLayerHoldsThem) {
  const std::string by_rlimit = With("cgroup {", "cgroup { enforcement: OFF");
  EXPECT_THAT(Sentences(by_rlimit, Base()), IsEmpty());
  EXPECT_THAT(Sentences(by_rlimit, With("processes: 4", "processes: 8")),
              ElementsAre("cgroup: processes: 8, was 4"));
  EXPECT_THAT(Sentences(Base(), by_rlimit), ElementsAre("cgroup: runs without this layer"));
}

TEST(CompareTest, NothingIsWiderThanItself) { EXPECT_THAT(Sentences(Base(), Base()), IsEmpty()); }

TEST(CompareTest, WhatIsNoPermissionIsNotCompared) {
  EXPECT_THAT(Sentences(Base(), Base() + " environment { name: \"A\" value: \"b\" } "
                                         "identity { hostname: \"other\" }"),
              IsEmpty());
}

TEST(CompareTest, TheFieldBehindAWideningIsNamed) {
  const auto a = PlanOfText(Base());
  const auto b = PlanOfText(With("memory: \"256MiB\"", "memory: \"1GiB\""));
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  const auto widened = Widened(a->proto(), b->proto(), NativeArchitecture());
  ASSERT_THAT(widened, IsOk());
  ASSERT_EQ(widened->size(), 1u);
  EXPECT_EQ(widened->front().field, "limits.memory");
}

// Each judge profile against each other one: reflexive and transitive.
TEST(CompareTest, StrictnessOfTheShippedProfilesIsAPartialOrder) {
  std::vector<CompiledPlan> plans;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const auto policy = Shipped(profile.name);
    ASSERT_THAT(policy, IsOk());
    auto plan = CompiledPlan::Make(*policy, IdealHost(NativeArchitecture()));
    ASSERT_THAT(plan, IsOk());
    plans.push_back(*std::move(plan));
  }
  const size_t n = plans.size();
  std::vector<std::vector<bool>> at_most(n, std::vector<bool>(n));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const auto widened = Widened(plans[i].proto(), plans[j].proto(), NativeArchitecture());
      ASSERT_THAT(widened, IsOk());
      at_most[i][j] = widened->empty();
    }
    EXPECT_TRUE(at_most[i][i]);
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      for (size_t k = 0; k < n; ++k) {
        EXPECT_TRUE(at_most[i][k] || !at_most[i][j] || !at_most[j][k]);
      }
    }
  }
}

}  // namespace
}  // namespace cordon
