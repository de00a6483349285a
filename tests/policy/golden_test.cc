// SPDX-License-Identifier: Apache-2.0
// What every shipped profile becomes, as files in tests/golden: the plan on three kinds of host,
// the filter as a listing, the AppArmor profile. A change of behaviour is a diff of them.
//   CORDON_GOLDEN=update build/tests/policy_golden_test      writes them anew; then read the diff
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/apparmor/profile.h"
#include "policy/bpf/disassemble.h"
#include "policy/compile.h"
#include "policy/ideal_host.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr char kFolder[] = "tests/golden/";  // tests run in the root of the tree

bool Updating() {
  const char* mode = std::getenv("CORDON_GOLDEN");
  return mode != nullptr && std::string(mode) == "update";
}

// A kernel of Debian 12 with cgroup v1 and without what came later, and nobody may load profiles.
v1::HostFacts OldHost() {
  v1::HostFacts facts = IdealHost(Architecture::kX86_64);
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_V1);
  facts.set_landlock_abi(2);
  facts.mutable_apparmor()->set_may_load(false);
  facts.mutable_apparmor()->set_family(true);
  return facts;
}

// An ordinary user without a delegated group, on a kernel without Landlock.
v1::HostFacts PoorHost() {
  v1::HostFacts facts = IdealHost(Architecture::kX86_64);
  facts.clear_cgroup_controllers();
  facts.set_cgroup_why("no group was delegated");
  facts.set_landlock_abi(0);
  facts.set_landlock_why("not built into this kernel");
  facts.mutable_apparmor()->Clear();
  facts.mutable_apparmor()->set_why("not built into this kernel");
  return facts;
}

std::string FileNameOf(absl::string_view profile, absl::string_view what) {
  return absl::StrCat(kFolder, absl::StrReplaceAll(profile, {{"/", "-"}}), ".", what, ".txt");
}

void ExpectGolden(const std::string& path, const std::string& text) {
  if (Updating()) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.is_open()) << path << ": make it with CORDON_GOLDEN=update";
  const std::string wanted((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  EXPECT_EQ(wanted, text) << path;
}

// Without the rules, the filter and the text of AppArmor: they have a file of their own.
std::string PlanText(const NormalPolicy& policy, const v1::HostFacts& facts) {
  const auto plan = CompiledPlan::Make(policy, facts);
  std::string text;
  if (!plan.ok()) {
    for (const v1::ErrorDetail& detail : DetailsOf(plan.status())) {
      absl::StrAppend(&text, RenderError(detail), "\n");
    }
    return text;
  }
  v1::Plan shown = plan->proto();
  shown.mutable_seccomp()->clear_filter();
  shown.mutable_seccomp()->clear_rules();
  shown.mutable_apparmor()->clear_text();
  google::protobuf::TextFormat::PrintToString(shown, &text);
  return text;
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, PlanFilterAndAppArmorProfileAreTheRecordedOnes) {
  if (NativeArchitecture() != Architecture::kX86_64) {
    GTEST_SKIP() << "needs x86_64: the recorded filters are for it";
  }
  const auto policy = Shipped(GetParam());
  ASSERT_THAT(policy, IsOk());
  const std::map<std::string, v1::HostFacts> hosts = {
      {"ideal", IdealHost(Architecture::kX86_64)}, {"old", OldHost()}, {"poor", PoorHost()}};
  for (const auto& [name, facts] : hosts) {
    ExpectGolden(FileNameOf(GetParam(), absl::StrCat("plan-", name)), PlanText(*policy, facts));
  }
  const auto plan = CompiledPlan::Make(*policy, IdealHost(Architecture::kX86_64));
  ASSERT_THAT(plan, IsOk());
  const auto program = BpfProgram::Make(plan->proto().seccomp().filter());
  ASSERT_THAT(program, IsOk());
  ExpectGolden(FileNameOf(GetParam(), "filter"), Disassemble(*program, Architecture::kX86_64));
  const auto apparmor =
      CompileAppArmorProfile(plan->proto(), AppArmorProfileName(policy->name()), AppArmorAbi::k3_0);
  ASSERT_THAT(apparmor, IsOk());
  ExpectGolden(FileNameOf(GetParam(), "apparmor"), *apparmor);
}

std::vector<std::string> Profiles() {
  std::vector<std::string> names;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) names.emplace_back(profile.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Shipped, GoldenTest, testing::ValuesIn(Profiles()),
                         [](const testing::TestParamInfo<std::string>& each) {
                           return absl::StrReplaceAll(each.param, {{"/", "_"}});
                         });

}  // namespace
}  // namespace cordon
