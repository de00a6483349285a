// SPDX-License-Identifier: Apache-2.0
#include "policy/apparmor/profile.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "policy/bpf/constants.h"
#include "policy/compile.h"
#include "tests/support/apparmor_parser.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Plan PlanOf(const std::string& text) {
  const auto policy = ParseNormal(text);
  EXPECT_THAT(policy, IsOk()) << text;
  if (!policy.ok()) return {};
  const auto plan = CompiledPlan::Make(*policy, FullHost());
  EXPECT_THAT(plan, IsOk()) << text;
  return plan.ok() ? plan->proto() : v1::Plan();
}

std::string TextOf(const v1::Plan& plan, AppArmorAbi abi = AppArmorAbi::k3_0) {
  const auto text = CompileAppArmorProfile(plan, "t", abi);
  EXPECT_THAT(text, IsOk());
  return text.value_or("");
}

// With `calls` allowed beyond what a job needs to start.
std::string Allowing(absl::string_view rules) {
  return absl::StrCat("seccomp { allow: ['stdio', 'exec'] ", rules, " } ");
}

constexpr char kAnySocket[] = "rule { calls: 'socket' action: ALLOW }";

TEST(ProfileTest, APolicyBecomesAProfile) {
  const v1::Plan plan =
      PlanOf(absl::StrCat(kStartable,
                          "mounts {"
                          "  bind { source: '/usr' }"
                          "  bind { source: '/srv' target: '/a b' read_only: false"
                          "         executable: false }"
                          "  tmpfs { target: '/tmp' size: '1MiB' }"
                          "  masked: '/usr/local'"
                          "  proc {} dev { device: 'null' }"
                          "}"));
  EXPECT_EQ(CompileAppArmorProfile(plan, "cordon-t", AppArmorAbi::k3_0).value(),
            R"(# Compiled by Cordon from a policy: change the policy, not this text.
abi <abi/3.0>,

profile cordon-t flags=(attach_disconnected,mediate_deleted) {
  # Files, by their paths inside.
  "/" r,
  "/dev/" r,
  "/a\040b{,/,/**}" rwkl,
  "/dev/null" rw,
  "/proc/{,[0-9]*{,/,/**}}" r,
  "/proc/[0-9]*/{comm,coredump_filter,oom_score_adj,task/[0-9]*/comm}" w,
  "/tmp{,/,/**}" rwkl,
  "/usr{,/,/**}" rmix,
  audit deny "/usr/local{,/,/**}" rwklmx,

  # No sockets.

  # Processes. Without the first rule nobody but the kernel could end the job.
  signal (receive) peer=unconfined,
  signal (receive) peer=cordon,
  signal (send, receive) peer=cordon-t,
}
)");
}

TEST(ProfileTest, NewerParsersGetMoreDenials) {
  const v1::Plan plain = PlanOf(kStartable);
  EXPECT_THAT(TextOf(plain, AppArmorAbi::k4_0),
              testing::AllOf(HasSubstr("abi <abi/4.0>,\n"), HasSubstr("  audit deny userns,\n"),
                             Not(HasSubstr("mqueue"))));
  EXPECT_THAT(TextOf(plain), Not(HasSubstr("userns")));
  const v1::Plan queues = PlanOf(Allowing("rule { calls: 'mq_open' action: ALLOW }"));
  EXPECT_THAT(TextOf(queues, AppArmorAbi::k4_0), HasSubstr("  mqueue type=posix,\n"));
  EXPECT_THAT(TextOf(queues), Not(HasSubstr("mqueue")));
}

TEST(ProfileTest, SocketsAreThoseOfFilterAndNetwork) {
  EXPECT_THAT(TextOf(PlanOf(kStartable)), HasSubstr("# No sockets."));
  EXPECT_THAT(TextOf(PlanOf(Allowing(kAnySocket))), HasSubstr("  # Sockets.\n  network unix,\n\n"));
  EXPECT_THAT(TextOf(PlanOf(absl::StrCat(Allowing(kAnySocket), "network { mode: LOOPBACK }"))),
              HasSubstr("  # Sockets.\n  network unix,\n  network inet stream,\n"
                        "  network inet dgram,\n  network inet6 stream,\n  network inet6 dgram,\n"
                        "  network netlink,\n\n"));
  EXPECT_THAT(
      TextOf(PlanOf(absl::StrCat(
          Allowing("rule { calls: 'socket' when { arg: 0 equals: 'AF_INET' } action: ALLOW }"),
          "network { mode: LOOPBACK }"))),
      HasSubstr("  # Sockets.\n  network inet stream,\n  network inet dgram,\n\n"));
  const std::string shared =
      TextOf(PlanOf(absl::StrCat(Allowing(kAnySocket), "network { enforcement: OFF }")));
  EXPECT_THAT(shared, testing::AllOf(HasSubstr("network alg,\n"), HasSubstr("network xdp,\n"),
                                     HasSubstr("network inet dgram,\n")));
  EXPECT_THAT(TextOf(PlanOf(Allowing("rule { calls: 'socketpair' action: ALLOW }"))),
              HasSubstr("  network unix,\n"));
}

// The table of families is by position; a wrong one would grant another family.
TEST(ProfileTest, EachFamilyHasTheNameOfItsNumber) {
  int known = 0;
  for (const char* name :
       {"AF_UNIX",    "AF_INET",   "AF_AX25",      "AF_X25",     "AF_INET6",  "AF_KEY",
        "AF_NETLINK", "AF_PACKET", "AF_RDS",       "AF_LLC",     "AF_IB",     "AF_MPLS",
        "AF_CAN",     "AF_TIPC",   "AF_BLUETOOTH", "AF_RXRPC",   "AF_PHONET", "AF_ALG",
        "AF_NFC",     "AF_VSOCK",  "AF_KCM",       "AF_QIPCRTR", "AF_SMC",    "AF_XDP"}) {
    const std::string text = TextOf(
        PlanOf(absl::StrCat(Allowing(absl::StrCat("rule { calls: 'socket' when { arg: 0 equals: '",
                                                  name, "' } action: ALLOW }")),
                            "network { enforcement: OFF }")));
    const std::string word = absl::AsciiStrToLower(absl::string_view(name).substr(3));
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!absl::StartsWith(line, "  network ")) continue;
      EXPECT_TRUE(absl::StartsWith(line, absl::StrCat("  network ", word))) << name << line;
      ++known;
    }
  }
  EXPECT_EQ(known, 26);  // the internet families have two lines each
}

TEST(ProfileTest, TracingIsAmongItsOwnWhenTheFilterLetsIt) {
  EXPECT_THAT(TextOf(PlanOf(kStartable)), Not(HasSubstr("ptrace")));
  for (const char* call :
       {"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"}) {
    EXPECT_THAT(
        TextOf(PlanOf(Allowing(absl::StrCat("rule { calls: '", call, "' action: ALLOW }")))),
        HasSubstr("  ptrace (trace, read, tracedby, readby) peer=t,\n"))
        << call;
  }
}

TEST(ProfileTest, CapabilitiesAreKeptOnlyWhereThePolicyKeepsThem) {
  EXPECT_THAT(TextOf(PlanOf(kStartable)), Not(HasSubstr("capability")));
  EXPECT_THAT(TextOf(PlanOf(absl::StrCat(kStartable, "capabilities { enforcement: OFF }"))),
              HasSubstr("  # Privileges.\n  capability,\n"));
}

TEST(ProfileTest, NamesCannotBreakOut) {
  const v1::Plan plan = PlanOf(kStartable);
  for (const std::string bad :
       {"", "/usr/bin/x", "a b", "a{b}", "a\n}", "9a", "-a", "a//b", "@{x}", "a\"", "\xc3\xa9"}) {
    EXPECT_THAT(CompileAppArmorProfile(plan, bad, AppArmorAbi::k3_0),
                StatusIs(absl::StatusCode::kInvalidArgument, "cannot name a profile"))
        << bad;
  }
  EXPECT_THAT(CompileAppArmorProfile(plan, std::string(129, 'a'), AppArmorAbi::k3_0),
              StatusIs(absl::StatusCode::kInvalidArgument, "cannot name a profile"));
  EXPECT_THAT(CompileAppArmorProfile(plan, std::string(128, 'a'), AppArmorAbi::k3_0), IsOk());
}

TEST(ProfileTest, EveryPolicyHasANameForItsProfile) {
  EXPECT_EQ(AppArmorProfileName("judge/cpp"), "cordon-judge-cpp");
  EXPECT_EQ(AppArmorProfileName("./my policy\n}.textproto"), "cordon-.-my_policy__.textproto");
  EXPECT_THAT(CompileAppArmorProfile(PlanOf(kStartable), AppArmorProfileName(std::string(999, '/')),
                                     AppArmorAbi::k3_0),
              IsOk());
}

TEST(ProfileTest, WhatCannotBeExpressedNamesLayerAndField) {
  v1::Plan plan = PlanOf(kStartable);
  v1::MountEntry& entry = *plan.mutable_mount()->add_entry();
  entry.set_target("/a/../b");
  entry.set_field("mounts.bind[0]");
  const auto text = CompileAppArmorProfile(plan, "t", AppArmorAbi::k3_0);
  ASSERT_THAT(text, HasError("mounts.bind[0]: \"/a/../b\" cannot stand in a rule of AppArmor"));
  EXPECT_EQ(DetailsOf(text.status()).front().layer(), "apparmor");
}

TEST(ProfileTest, AProfileHasACeiling) {
  v1::Plan plan = PlanOf(kStartable);
  for (int i = 0; i < 1000; ++i) {
    v1::MountEntry& entry = *plan.mutable_mount()->add_entry();
    entry.set_kind(v1::MountEntry::TMPFS);
    entry.set_target(absl::StrCat("/", std::string(3000, '*'), i));
  }
  EXPECT_THAT(CompileAppArmorProfile(plan, "t", AppArmorAbi::k3_0),
              StatusIs(absl::StatusCode::kInvalidArgument, "at most 8388608 are allowed"));
}

// What no rule names is refused only where the profile decides about the class at all.
TEST(ProfileTest, TheParserKnowsNoMountsAndNoTracing) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const auto profile = CompileWithParser(TextOf(PlanOf(kStartable)));
  ASSERT_THAT(profile, IsOk());
  for (const char which : {kAaClassMount, kAaClassPtrace, kAaClassNet}) {
    EXPECT_TRUE(profile->Mediates(which)) << static_cast<int>(which);
    EXPECT_EQ(profile->Grants(which), 0U) << static_cast<int>(which);
  }
  EXPECT_TRUE(profile->Mediates(kAaClassSignal));
  EXPECT_NE(profile->Grants(kAaClassSignal), 0U);
  const auto tracing =
      CompileWithParser(TextOf(PlanOf(Allowing("rule { calls: 'ptrace' action: ALLOW }"))));
  ASSERT_THAT(tracing, IsOk());
  EXPECT_NE(tracing->Grants(kAaClassPtrace), 0U);
  const auto sockets = CompileWithParser(TextOf(PlanOf(Allowing(kAnySocket))));
  ASSERT_THAT(sockets, IsOk());
  EXPECT_NE(sockets->Grants(kAaClassNet), 0U);
}

}  // namespace
}  // namespace cordon
