// SPDX-License-Identifier: Apache-2.0
#include "policy/apparmor/file_rules.h"

#include <google/protobuf/text_format.h>

#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/base/path.h"
#include "tests/support/apparmor_parser.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;
using testing::ElementsAre;

v1::MountPlan Plan(const std::string& text) {
  v1::MountPlan plan;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &plan)) << text;
  return plan;
}

std::string Line(const AppArmorFileRule& rule) {
  return absl::StrCat(rule.deny ? "deny " : "", rule.pattern, " ", rule.modes);
}

std::vector<std::string> RulesOf(const std::string& text) {
  const auto rules = AppArmorFileRules(Plan(text));
  EXPECT_THAT(rules, IsOk());
  std::vector<std::string> lines;
  if (!rules.ok()) return lines;
  for (const AppArmorFileRule& rule : *rules) lines.push_back(Line(rule));
  return lines;
}

absl::StatusOr<CompiledProfile> CompileFiles(const v1::MountPlan& plan) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<AppArmorFileRule> rules, AppArmorFileRules(plan));
  std::string text = "profile t {\n";
  for (const AppArmorFileRule& rule : rules) {
    absl::StrAppend(&text, "  ", rule.deny ? "deny " : "", "\"", rule.pattern, "\" ", rule.modes,
                    ",\n");
  }
  return CompileWithParser(text + "}\n");
}

TEST(FileRulesTest, AnEmptyPlanHasAnEmptyRoot) { EXPECT_THAT(RulesOf(""), ElementsAre("/ r")); }

TEST(FileRulesTest, BindsGiveWhatTheirFlagsLeave) {
  EXPECT_THAT(RulesOf("entry { kind: BIND target: '/a' read_only: true }"
                      "entry { kind: BIND target: '/b' read_only: true no_exec: true }"
                      "entry { kind: BIND target: '/c' }"
                      "entry { kind: BIND target: '/d' no_exec: true }"),
              ElementsAre("/ r", "/a{,/,/**} rmix", "/b{,/,/**} r", "/c{,/,/**} rwklmix",
                          "/d{,/,/**} rwkl"));
}

TEST(FileRulesTest, DirectoriesAboveATargetCanBeListed) {
  EXPECT_THAT(RulesOf("entry { kind: DIRECTORY target: '/w/x' }"
                      "entry { kind: FILE target: '/etc/a b' mode: 0444 }"
                      "entry { kind: FILE target: '/etc/run' mode: 0555 }"
                      "entry { kind: SYMLINK target: '/opt/bin' source: 'x' }"),
              ElementsAre("/ r", "/etc/ r", "/opt/ r", "/w/ r", "/w/x/ r", "/etc/a\\040b r",
                          "/etc/run rmix"));
}

TEST(FileRulesTest, DevicesComeOneByOne) {
  EXPECT_THAT(RulesOf("entry { kind: TMPFS target: '/dev' read_only: true no_exec: true }"
                      "entry { kind: SYMLINK target: '/dev/fd' source: '/proc/self/fd' }"
                      "entry { kind: DEVICE target: '/dev/null' no_exec: true }"
                      "entry { kind: TMPFS target: '/dev/shm' no_exec: true }"),
              ElementsAre("/ r", "/dev/ r", "/dev/null rw", "/dev/shm{,/,/**} rwkl"));
}

TEST(FileRulesTest, ProcIsReadAndHardlyWritten) {
  EXPECT_THAT(RulesOf("entry { kind: PROC target: '/proc' process_only: true no_exec: true }"),
              ElementsAre("/ r", "/proc/{,[0-9]*{,/,/**}} r",
                          "/proc/[0-9]*/{comm,coredump_filter,oom_score_adj,task/[0-9]*/comm} w"));
}

TEST(FileRulesTest, WhatIsLessInsideIsDenied) {
  EXPECT_THAT(
      RulesOf("entry { kind: TMPFS target: '/w' }"
              "entry { kind: BIND target: '/w/in' read_only: true no_exec: true }"),
      ElementsAre("/ r", "/w{,/,/**} rwklmix", "/w/in{,/,/**} r", "deny /w/in{,/,/**} wklmx"));
}

TEST(FileRulesTest, ADenialLeavesOutWhatHasTheRightAgain) {
  EXPECT_THAT(
      RulesOf("entry { kind: TMPFS target: '/w' no_exec: true }"
              "entry { kind: BIND target: '/w/s' read_only: true no_exec: true }"
              "entry { kind: TMPFS target: '/w/s/b' no_exec: true }"),
      ElementsAre("/ r", "/w{,/,/**} rwkl", "/w/s{,/,/**} r", "deny /w/s wkl",
                  "deny /w/s/{,[^b]**} wkl", "deny /w/s/b[^/]** wkl", "/w/s/b{,/,/**} rwkl"));
}

TEST(FileRulesTest, AMaskHidesWhatIsBelowIt) {
  EXPECT_THAT(RulesOf("entry { kind: BIND target: '/a' read_only: true }"
                      "entry { kind: BIND target: '/a/b/c' }"
                      "entry { kind: FILE target: '/etc/x' }"
                      "entry { kind: MASK target: '/a/b' }"
                      "entry { kind: MASK target: '/etc' }"),
              ElementsAre("/ r", "/a{,/,/**} rmix", "deny /a/b{,/,/**} rwklmx",
                          "deny /etc{,/,/**} rwklmx"));
}

TEST(FileRulesTest, EveryEntryThatCannotBeExpressedIsNamed) {
  const auto rules =
      AppArmorFileRules(Plan("entry { kind: BIND target: '/a' field: 'mounts.bind[0]' }"
                             "entry { kind: FILE target: '/a/f' field: 'mounts.file[0]' }"
                             "entry { kind: PROC target: '/a/proc' field: 'mounts.proc' }"
                             "entry { kind: BIND target: '/b/../c' field: 'mounts.bind[1]' }"
                             "entry { kind: BIND target: '/d\\000' field: 'mounts.bind[2]' }"
                             "entry { kind: BIND target: '/' field: 'mounts.bind[3]' }"));
  ASSERT_THAT(rules, StatusIs(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_THAT(rules, HasError("mounts.bind[1]: \"/b/../c\" cannot stand in a rule of AppArmor"));
  EXPECT_THAT(rules, HasError("mounts.bind[2]: \"/d\\000\" cannot stand in a rule of AppArmor"));
  EXPECT_THAT(rules, HasError("mounts.bind[3]: \"/\" cannot stand in a rule of AppArmor"));
}

TEST(FileRulesTest, WhatLiesWhereWiderRulesMatchIsRefused) {
  for (const char* kind : {"FILE", "DEVICE", "PROC", "TMPFS read_only: true"}) {
    EXPECT_THAT(AppArmorFileRules(
                    Plan(absl::StrCat("entry { kind: BIND target: '/a' field: 'mounts.bind[0]' }"
                                      "entry { target: '/a/f' field: 'x' kind: ",
                                      kind, " }"))),
                HasError("x: \"/a/f\" lies inside \"/a\" (mounts.bind[0]); AppArmor cannot tell "
                         "the two apart"))
        << kind;
  }
}

TEST(FileRulesTest, HolesThatAreTooLongNameTheirField) {
  const std::string longer = absl::StrCat("/a/b/", std::string(2000, 'x'));
  const auto rules = AppArmorFileRules(Plan(
      absl::StrCat("entry { kind: BIND target: '/a' field: 'mounts.bind[0]' }"
                   "entry { kind: BIND target: '/a/b' read_only: true field: 'mounts.bind[1]' }"
                   "entry { kind: BIND target: '",
                   longer, "' field: 'mounts.bind[2]' }")));
  EXPECT_THAT(rules, HasError("mounts.bind[1]: AppArmor has no short way to leave out what has "
                              "more rights inside: the paths are too long"));
}

// --- the parser's automaton against the meaning of the mounts ------------------------------------

uint32_t MeaningOfRegion(const v1::MountEntry& entry) {
  if (entry.kind() == Kind::MASK) return 0;
  uint32_t allowed = kAaRead;
  if (!entry.no_exec()) allowed |= kAaExec | kAaMap;
  if (!entry.read_only()) allowed |= kAaWrite | kAaLink | kAaLock;
  return allowed;
}

// What the mounts of the plan (binds, writable tmpfs, masks, files) give: the last entry that holds
// the path decides.
uint32_t MeaningOf(const v1::MountPlan& plan, const std::string& path, bool directory) {
  uint32_t allowed = directory && path == "/" ? kAaRead : 0;
  bool mounted = false;
  for (const v1::MountEntry& entry : plan.entry()) {
    const bool region = entry.kind() != Kind::FILE;
    const bool above = directory && path != entry.target() && PathIsBelow(entry.target(), path);
    bool hidden = false;
    for (const v1::MountEntry& mask : plan.entry()) {
      hidden |= mask.kind() == Kind::MASK && PathIsBelow(entry.target(), mask.target());
    }
    if (above && !mounted && !hidden) allowed = kAaRead;
    if (region && PathIsBelow(path, entry.target())) {
      allowed = MeaningOfRegion(entry);
      mounted = true;
    } else if (!region && path == entry.target() && !directory && !hidden) {
      allowed = kAaRead;
    }
  }
  return allowed;
}

class RandomPlans {
 public:
  explicit RandomPlans(uint32_t seed) : random_(seed) {}

  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  // Names that differ in little, and names that would be syntax.
  std::string Name() {
    static const char* const kNames[] = {
        "a",       "b",     "ab", "a b",          "abc",      "*",    "**",      "?",
        "[a]",     "{a,b}", "a,", "a\\",          "\\",       "\"",   "a\" rw,", "#include",
        "@{HOME}", "^a",    "-",  "a\n  /** rw,", "\xc3\xa9", "\xff", "\x01",    " ",
        "b ",      "'",     "$",  "a-b",          "\\101",    "]",    "}",       "a//b"};
    std::string name = kNames[Below(std::size(kNames))];
    if (Below(4) == 0) name += static_cast<char>(1 + Below(255));
    for (char& c : name) c = c == '/' ? '_' : c;
    return name;
  }

  std::string Path() {
    std::string path;
    for (size_t depth = 1 + Below(3); depth > 0; --depth) absl::StrAppend(&path, "/", Name());
    return path;
  }

  // As the compiler of the mount layer orders them: by target, masks last.
  v1::MountPlan Plan() {
    std::set<std::string> targets;
    const size_t size = 2 + Below(6);
    while (targets.size() < size) {
      // Two of three are inside another one: rights come and go on the way down.
      std::string path = Path();
      if (!targets.empty() && Below(3) != 0) {
        const auto above = std::next(targets.begin(), static_cast<long>(Below(targets.size())));
        path = absl::StrCat(*above, "/", Name());
      }
      targets.insert(std::move(path));
    }
    v1::MountPlan plan;
    for (const std::string& target : targets) {
      v1::MountEntry& entry = *plan.add_entry();
      entry.set_target(target);
      entry.set_kind(Below(3) == 0 ? Kind::TMPFS : Kind::BIND);
      entry.set_read_only(entry.kind() == Kind::BIND && Below(2) == 0);
      entry.set_no_exec(Below(2) == 0);
    }
    const std::string file = absl::StrCat("/etc/", Name());
    plan.add_entry()->set_target(file);
    plan.mutable_entry()->rbegin()->set_kind(Kind::FILE);
    if (Below(2) == 0) {
      std::string mask = Below(3) == 0 ? Path() : plan.entry(0).target();
      if (Below(2) == 0) absl::StrAppend(&mask, "/", Name());
      plan.add_entry()->set_target(mask);
      plan.mutable_entry()->rbegin()->set_kind(Kind::MASK);
    }
    return plan;
  }

  std::set<std::string> PathsAround(const v1::MountPlan& plan) {
    std::set<std::string> paths = {"/", Path()};
    for (const v1::MountEntry& entry : plan.entry()) {
      const std::string& target = entry.target();
      paths.insert({target, absl::StrCat(target, "/", Name()), absl::StrCat(target, "x"),
                    absl::StrCat(target, "/", Name(), "/", Name())});
      std::string changed = target;
      changed[1 + Below(changed.size() - 1)] = static_cast<char>(1 + Below(255));
      paths.insert(changed);
      for (size_t i = 1; i < target.size(); ++i) paths.insert(target.substr(0, i));
    }
    return paths;
  }

 private:
  std::mt19937 random_;
};

TEST(FileRulesTest, TheParserGivesExactlyTheRightsOfTheMounts) {
  CORDON_NEEDS_APPARMOR_PARSER();
  int asked = 0;
  int with_holes = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    RandomPlans random(seed);
    const v1::MountPlan plan = random.Plan();
    const auto profile = CompileFiles(plan);
    ASSERT_THAT(profile, IsOk()) << seed << "\n" << plan.DebugString();
    const auto rules = AppArmorFileRules(plan);
    bool holes = false;
    for (const AppArmorFileRule& rule : *rules) holes |= absl::StrContains(rule.pattern, "[^");
    with_holes += holes ? 1 : 0;
    for (const std::string& path : random.PathsAround(plan)) {
      if (path != "/" && LexicalJoin("", path) != path) continue;
      for (const bool directory : {false, true}) {
        if (path == "/" && !directory) continue;
        const std::string asked_for = directory && path != "/" ? path + "/" : path;
        ASSERT_EQ(profile->Allowed(asked_for), MeaningOf(plan, path, directory))
            << seed << ": " << EscapeForPeople(asked_for) << "\n"
            << plan.DebugString();
        ++asked;
      }
    }
  }
  EXPECT_GT(asked, 20000);
  EXPECT_GT(with_holes, 25);
}

TEST(FileRulesTest, TheParserKeepsTheKernelsInsidesOutOfProc) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const auto all = CompileFiles(Plan("entry { kind: PROC target: '/proc' no_exec: true }"));
  const auto own = CompileFiles(Plan("entry { kind: PROC target: '/proc' process_only: true }"));
  ASSERT_THAT(all, IsOk());
  ASSERT_THAT(own, IsOk());
  for (const char* path : {"/proc/", "/proc/12", "/proc/12/", "/proc/12/status", "/proc/1/fd/2"}) {
    EXPECT_EQ(own->Allowed(path), kAaRead) << path;
    EXPECT_EQ(all->Allowed(path), kAaRead) << path;
  }
  for (const char* path : {"/proc/cpuinfo", "/proc/sys/kernel/ostype", "/proc/sysrq-trigger"}) {
    EXPECT_EQ(own->Allowed(path), 0U) << path;
    EXPECT_EQ(all->Allowed(path), kAaRead) << path;
  }
  for (const char* path : {"/proc/kcore", "/proc/kallsyms", "/proc/kmsg", "/proc/kpagecount"}) {
    EXPECT_EQ(own->Allowed(path), 0U) << path;
    EXPECT_EQ(all->Allowed(path), 0U) << path;
  }
  for (const char* path : {"/proc/12/comm", "/proc/12/task/13/comm", "/proc/7/oom_score_adj"}) {
    EXPECT_EQ(own->Allowed(path), kAaRead | kAaWrite) << path;
  }
  for (const char* path : {"/proc/12/mem", "/proc/12/uid_map", "/proc/12/attr/exec"}) {
    EXPECT_EQ(own->Allowed(path), kAaRead) << path;
  }
}

}  // namespace
}  // namespace cordon
