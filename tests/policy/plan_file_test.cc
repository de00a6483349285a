// SPDX-License-Identifier: Apache-2.0
#include "policy/plan_file.h"

#include "gmock/gmock.h"
#include "policy/base/sha256.h"
#include "policy/ideal_host.h"
#include "policy/uapi/uapi.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

const v1::HostFacts& Host() {
  static const v1::HostFacts* const facts = new v1::HostFacts(IdealHost(NativeArchitecture()));
  return *facts;
}

std::string FileOf(absl::string_view profile, PolicyForm form) {
  const auto policy = Shipped(profile);
  EXPECT_THAT(policy, IsOk());
  const auto plan = CompiledPlan::Make(*policy, Host());
  EXPECT_THAT(plan, IsOk());
  const auto bytes = EncodePlanFile(*policy, *plan, "1.2.3", form);
  EXPECT_THAT(bytes, IsOk());
  return *bytes;
}

v1::PlanFile Decoded(absl::string_view profile) {
  const auto file = DecodePlanFile(FileOf(profile, PolicyForm::kBinary), PolicyForm::kBinary, "f");
  EXPECT_THAT(file, IsOk());
  return *file;
}

TEST(PlanFileTest, EveryFormCarriesTheWholePlan) {
  for (const PolicyForm form : {PolicyForm::kBinary, PolicyForm::kText, PolicyForm::kJson}) {
    const auto file = DecodePlanFile(FileOf("judge/cpp", form), form, "f");
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ(file->name(), "judge/cpp");
    EXPECT_EQ(file->cordon_version(), "1.2.3");
    const auto made = CompilePlanFile(*file, Host(), "f");
    ASSERT_THAT(made, IsOk());
    EXPECT_EQ(made->plan.proto().SerializeAsString(), file->plan().SerializeAsString());
  }
}

TEST(PlanFileTest, FormsGoByTheName) {
  EXPECT_EQ(FormOfPlanFile("a/b.json"), PolicyForm::kJson);
  EXPECT_EQ(FormOfPlanFile("b.textproto"), PolicyForm::kText);
  EXPECT_EQ(FormOfPlanFile("b.txt"), PolicyForm::kText);
  EXPECT_EQ(FormOfPlanFile("b.plan"), PolicyForm::kBinary);
}

// Same policy, same facts: same bytes, and the same name.
TEST(PlanFileTest, CompilingIsDeterministic) {
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const std::string first = FileOf(profile.name, PolicyForm::kBinary);
    EXPECT_EQ(first, FileOf(profile.name, PolicyForm::kBinary)) << profile.name;
    EXPECT_EQ(Sha256Hex(first), Sha256Hex(FileOf(profile.name, PolicyForm::kBinary)));
  }
  EXPECT_NE(FileOf("judge/cpp", PolicyForm::kBinary), FileOf("judge/java", PolicyForm::kBinary));
}

// Found by the fuzzer: protobuf said on stderr what the status says.
TEST(PlanFileTest, NothingIsPrintedAboutStringsThatAreNotUtf8) {
  std::string bytes = FileOf("judge/cpp", PolicyForm::kBinary);
  const size_t at = bytes.find("judge/cpp");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = '\xff';
  testing::internal::CaptureStderr();
  const auto file = DecodePlanFile(bytes, PolicyForm::kBinary, "p");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(file, StatusIs(absl::StatusCode::kInvalidArgument, "not a plan file"));
}

TEST(PlanFileTest, BytesThatAreNotCanonicalAreRefused) {
  const std::string good = FileOf("base/strict", PolicyForm::kBinary);
  const std::string unknown_field = good + std::string("\xf8\x07\x01", 3);
  const std::string cut = good.substr(0, good.size() - 1);
  const std::string twice = good + good;
  for (const std::string& bytes : {unknown_field, cut, twice, std::string("\xff"), std::string()}) {
    EXPECT_THAT(DecodePlanFile(bytes, PolicyForm::kBinary, "p.bin"),
                StatusIs(absl::StatusCode::kInvalidArgument, ""));
  }
  EXPECT_THAT(DecodePlanFile("format: 1 nonsense: 2", PolicyForm::kText, "p.txt"),
              HasErrorWith("p.txt"));
  EXPECT_THAT(DecodePlanFile("{\"nonsense\": 2}", PolicyForm::kJson, "p.json"),
              HasErrorWith("p.json"));
  EXPECT_THAT(DecodePlanFile(std::string(kMaxPlanBytes + 1, 'x'), PolicyForm::kText, "p"),
              HasErrorWith("a plan file has at most"));
  EXPECT_THAT(DecodePlanFile("format: 7", PolicyForm::kText, "p"),
              HasErrorWith("plan file of format 7"));
}

// Whatever a file says the plan is: what runs is what its policy means.
TEST(PlanFileTest, APlanThatIsNotItsPolicyIsRefused) {
  v1::PlanFile file = Decoded("judge/cpp");
  file.mutable_plan()->mutable_cgroup()->set_memory_max_bytes(uint64_t{1} << 40);
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"),
              StatusIs(absl::StatusCode::kFailedPrecondition, "layer cgroup differs"));
  file = Decoded("judge/cpp");
  file.mutable_plan()->mutable_mount()->mutable_entry(0)->set_source("/root");
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"), HasErrorWith("layer mount differs"));
  file = Decoded("judge/cpp");
  file.mutable_plan()->mutable_caps()->set_enabled(false);
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"), HasErrorWith("layer caps differs"));
}

TEST(PlanFileTest, AFilterThatDoesNotMeanThePolicyIsRefused) {
  v1::PlanFile file = Decoded("judge/cpp");
  const sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  file.mutable_plan()->mutable_seccomp()->set_filter(reinterpret_cast<const char*>(&allow),
                                                     sizeof(allow));
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"),
              StatusIs(absl::StatusCode::kInternal, "differs from its rules"));
  file.mutable_plan()->mutable_seccomp()->set_filter("not a program");
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"),
              StatusIs(absl::StatusCode::kInvalidArgument, "BPF program"));
}

TEST(PlanFileTest, AnotherHostIsSaid) {
  const v1::PlanFile file = Decoded("judge/cpp");
  v1::HostFacts other = Host();
  other.set_cgroup_mode(v1::HostFacts::CGROUP_V1);
  EXPECT_THAT(CompilePlanFile(file, other, "f"),
              HasErrorWith("another host or by another version"));
  other.clear_cgroup_controllers();
  EXPECT_THAT(CompilePlanFile(file, other, "f"), HasErrorWith("controllers memory"));
}

TEST(PlanFileTest, APolicyThatIsNotNormalIsRefused) {
  v1::PlanFile file = Decoded("judge/cpp");
  file.mutable_policy()->mutable_limits()->set_memory("524288KiB");
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"), HasErrorWith("not what its policy compiles to"));
  file.mutable_policy()->mutable_limits()->set_memory("lots");
  EXPECT_THAT(CompilePlanFile(file, Host(), "f"), HasErrorWith("limits.memory (f)"));
}

// A filter made by other means is taken when it means the same: only the proof counts.
TEST(PlanFileTest, OnlyTheMeaningOfAFilterCounts) {
  const auto policy = Shipped("judge/cpp");
  ASSERT_THAT(policy, IsOk());
  const v1::PlanFile file = Decoded("judge/cpp");
  const auto plan = CompiledPlan::Make(*policy, Host(), file.plan().seccomp().filter());
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->proto().seccomp().filter(), file.plan().seccomp().filter());
}

}  // namespace
}  // namespace cordon
