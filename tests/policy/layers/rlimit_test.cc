// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/rlimit.h"

#include <sys/resource.h>

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "policy/base/units.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

struct Outcome {
  absl::Status status;
  v1::RlimitPlan plan;
  std::map<std::string, v1::RlimitEntry> entries;
};

Outcome Compile(absl::string_view text, const v1::HostFacts& facts, bool with_cgroup = true) {
  v1::Plan plan;
  plan.mutable_cgroup()->set_enabled(with_cgroup);
  Outcome outcome;
  outcome.status = CompileRlimit(*ParseNormal(text), facts, &plan);
  outcome.plan = plan.rlimit();
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) outcome.entries[entry.name()] = entry;
  return outcome;
}

TEST(RlimitTest, TakesTheLimitsOfThePolicy) {
  const Outcome outcome =
      Compile("limits { stack: \"unlimited\" file_size: \"1MiB\" open_files: 77 }", FullHost());
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.entries.at("RLIMIT_STACK").soft(), kUnlimited);
  EXPECT_EQ(outcome.entries.at("RLIMIT_FSIZE").soft(), 1u << 20);
  EXPECT_EQ(outcome.entries.at("RLIMIT_NOFILE").soft(), 77u);
}

TEST(RlimitTest, NumbersAreTheKernelsAndNothingCanBeRaised) {
  const Outcome outcome = Compile("limits { open_files: 77 }", FullHost(), false);
  const std::map<std::string, uint32_t> numbers = {
      {"RLIMIT_STACK", RLIMIT_STACK},     {"RLIMIT_FSIZE", RLIMIT_FSIZE},
      {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_CORE", RLIMIT_CORE},
      {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
      {"RLIMIT_NICE", RLIMIT_NICE},       {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
      {"RLIMIT_NPROC", RLIMIT_NPROC},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
  };
  ASSERT_EQ(outcome.entries.size(), numbers.size());
  for (const auto& [name, entry] : outcome.entries) {
    EXPECT_EQ(entry.resource(), numbers.at(name)) << name;
    EXPECT_EQ(entry.soft(), entry.hard()) << name;
  }
}

// core(5): a limit of 0 does not keep a dump from the program that kernel.core_pattern may name.
TEST(RlimitTest, OneByteIsTheLimitThatNoDumpPasses) {
  constexpr char kPolicy[] = "limits { open_files: 77 }";
  v1::HostFacts facts = FullHost();
  facts.set_core_dumps(v1::HostFacts::CORE_TO_PROGRAM);
  EXPECT_EQ(Compile(kPolicy, facts).entries.at("RLIMIT_CORE").soft(), 1u);
  facts.mutable_rlimit_hard()->set_core(1);
  EXPECT_EQ(Compile(kPolicy, facts).entries.at("RLIMIT_CORE").hard(), 1u);
  facts.mutable_rlimit_hard()->set_core(0);
  EXPECT_THAT(Compile(kPolicy, facts).status,
              HasErrorWith("handed to a program that runs as the host's root"));
  const Outcome lenient = Compile("limits { enforcement: IF_AVAILABLE open_files: 77 }", facts);
  EXPECT_EQ(lenient.entries.at("RLIMIT_CORE").hard(), 0u);
  facts.set_core_dumps(v1::HostFacts::CORE_TO_FILE);
  const Outcome file = Compile(kPolicy, facts);
  ASSERT_THAT(file.status, IsOk());
  EXPECT_EQ(file.entries.at("RLIMIT_CORE").hard(), 0u);
}

TEST(RlimitTest, ASocketThatGetsDumpsIsNoHostForARequiredLimit) {
  v1::HostFacts facts = FullHost();
  facts.set_core_dumps(v1::HostFacts::CORE_TO_SOCKET);
  EXPECT_THAT(Compile("limits { open_files: 77 }", facts).status,
              HasErrorWith("handed to a socket of the host"));
  EXPECT_THAT(Compile("limits { enforcement: IF_AVAILABLE open_files: 77 }", facts).status, IsOk());
}

TEST(RlimitTest, NoCoreFilesAndNoRealTime) {
  const Outcome outcome = Compile("limits { open_files: 77 }", FullHost());
  EXPECT_EQ(outcome.entries.at("RLIMIT_CORE").hard(), 1u);
  EXPECT_EQ(outcome.entries.at("RLIMIT_RTPRIO").hard(), 0u);
  EXPECT_EQ(outcome.entries.at("RLIMIT_NICE").hard(), 0u);
}

TEST(RlimitTest, TheAddressSpaceIsNotLimited) {
  EXPECT_EQ(Compile("limits { memory: \"64MiB\" }", FullHost()).entries.count("RLIMIT_AS"), 0u);
}

TEST(RlimitTest, WithoutACgroupItHoldsTheProcessesAndTheirInit) {
  EXPECT_EQ(Compile("limits { processes: 5 }", FullHost(), true).entries.count("RLIMIT_NPROC"), 0u);
  EXPECT_EQ(Compile("limits { processes: 5 }", FullHost(), false).entries.at("RLIMIT_NPROC").hard(),
            6u);
}

TEST(RlimitTest, ALimitAboveTheCallersOwnIsRefusedNamingBoth) {
  v1::HostFacts facts = FullHost();
  facts.mutable_rlimit_hard()->set_stack(8 << 20);
  facts.mutable_rlimit_hard()->set_open_files(100);
  const Outcome outcome =
      Compile("limits { stack: \"16MiB\" open_files: 200 file_size: \"unlimited\" }", facts);
  EXPECT_THAT(outcome.status, StatusIs(absl::StatusCode::kFailedPrecondition, ""));
  EXPECT_THAT(outcome.status,
              HasErrorWith("limits.stack (test.textproto:1:10): 16MiB is above the caller's own "
                           "hard RLIMIT_STACK of 8MiB"));
  EXPECT_THAT(outcome.status, HasErrorWith("200 is above the caller's own hard RLIMIT_NOFILE"));
}

TEST(RlimitTest, IfAvailableTakesWhatTheCallerHas) {
  v1::HostFacts facts = FullHost();
  facts.mutable_rlimit_hard()->set_stack(8 << 20);
  const Outcome outcome = Compile("limits { enforcement: IF_AVAILABLE stack: \"16MiB\" }", facts);
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.entries.at("RLIMIT_STACK").hard(), 8u << 20);
}

TEST(RlimitTest, WhatNoPolicyAsksForIsNeverAboveTheCallersOwn) {
  v1::HostFacts facts = FullHost();
  const Outcome usual = Compile("limits { processes: 5 }", facts);
  EXPECT_EQ(usual.entries.at("RLIMIT_MEMLOCK").hard(), 64u << 10);
  EXPECT_EQ(usual.entries.at("RLIMIT_MSGQUEUE").hard(), 64u << 10);
  EXPECT_EQ(usual.entries.at("RLIMIT_SIGPENDING").hard(), 1024u);
  facts.mutable_rlimit_hard()->set_locked_memory(0);
  facts.mutable_rlimit_hard()->set_message_queues(100);
  facts.mutable_rlimit_hard()->set_pending_signals(5);
  const Outcome outcome = Compile("limits { processes: 5 }", facts);
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.entries.at("RLIMIT_MEMLOCK").hard(), 0u);
  EXPECT_EQ(outcome.entries.at("RLIMIT_MSGQUEUE").hard(), 100u);
  EXPECT_EQ(outcome.entries.at("RLIMIT_SIGPENDING").hard(), 5u);
}

TEST(RlimitTest, OffSetsNothing) {
  const Outcome outcome = Compile("limits { enforcement: OFF }", FullHost(), false);
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_FALSE(outcome.plan.enabled());
  EXPECT_TRUE(outcome.entries.empty());
}

}  // namespace
}  // namespace cordon
