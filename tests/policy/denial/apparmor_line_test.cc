// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/apparmor_line.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

constexpr char kStart[] = "audit: type=1400 audit(1795729743.470:11729): apparmor=\"DENIED\" ";
constexpr char kOpen[] =
    "operation=\"open\" profile=\"cordon-p-0123456789abcdef\" name=\"/data/secret\" pid=4711 "
    "comm=\"cat\" requested_mask=\"wr\" denied_mask=\"r\" fsuid=1610617447 ouid=0";

AuditLine Read(absl::string_view fields, AppArmorDenial* denial) {
  return ReadAppArmorLine(absl::StrCat(kStart, fields), denial);
}

AppArmorDenial Denial(absl::string_view fields) {
  AppArmorDenial denial;
  EXPECT_EQ(Read(fields, &denial), AuditLine::kDenial) << fields;
  return denial;
}

void ExpectUnreadable(absl::string_view fields) {
  AppArmorDenial denial;
  EXPECT_EQ(Read(fields, &denial), AuditLine::kUnreadable) << fields;
  EXPECT_TRUE(denial.operation.empty());
}

TEST(AppArmorLineTest, AFile) {
  const AppArmorDenial denial = Denial(kOpen);
  EXPECT_EQ(denial.operation, "open");
  EXPECT_EQ(denial.profile, "cordon-p-0123456789abcdef");
  EXPECT_EQ(denial.policy_namespace, "");
  EXPECT_EQ(denial.object, "/data/secret");
  EXPECT_EQ(denial.denied, "r");
  EXPECT_EQ(denial.process, "cat");
  EXPECT_EQ(denial.pid, 4711u);
  EXPECT_EQ(denial.user, 1610617447u);
}

TEST(AppArmorLineTest, NewerKernelsAddAClassAndSentences) {
  const AppArmorDenial denial = Denial(
      "operation=\"open\" class=\"file\" info=\"Failed name lookup - deleted entry\" error=-2 "
      "namespace=\"root//cordon-1000\" profile=\"p\" name=\"/a\" pid=1 comm=\"x\" "
      "requested_mask=\"r\" denied_mask=\"r\" fsuid=1000 ouid=1000");
  EXPECT_EQ(denial.policy_namespace, "root//cordon-1000");
  EXPECT_EQ(denial.object, "/a");
}

TEST(AppArmorLineTest, WhatIsNoFile) {
  EXPECT_EQ(Denial("operation=\"create\" profile=\"p\" pid=1 comm=\"x\" family=\"inet\" "
                   "sock_type=\"stream\" protocol=6 requested_mask=\"create\" "
                   "denied_mask=\"create\"")
                .object,
            "network inet stream");
  EXPECT_EQ(Denial("operation=\"capable\" profile=\"p\" pid=1 comm=\"x\" capability=21  "
                   "capname=\"sys_admin\"")
                .object,
            "capability sys_admin");
  EXPECT_EQ(Denial("operation=\"signal\" profile=\"p\" pid=1 comm=\"x\" requested_mask=\"send\" "
                   "denied_mask=\"send\" signal=kill peer=\"unconfined\"")
                .object,
            "signal kill to unconfined");
  EXPECT_EQ(Denial("operation=\"ptrace\" profile=\"p\" pid=1 comm=\"x\" requested_mask=\"read\" "
                   "denied_mask=\"read\" peer=\"q\"")
                .object,
            "ptrace q");
  const AppArmorDenial mount = Denial(
      "operation=\"mount\" info=\"failed mntpnt match\" error=-13 profile=\"p\" "
      "name=\"/mnt/\" pid=1 comm=\"mount\" fstype=\"tmpfs\" srcname=\"none\" "
      "flags=\"rw, nosuid\"");
  EXPECT_EQ(mount.object, "/mnt/");
  EXPECT_FALSE(mount.user.has_value());
}

TEST(AppArmorLineTest, HexIsUndone) {
  const AppArmorDenial denial = Denial(
      "operation=\"open\" profile=\"p\" name=2F612062220AC3A4 pid=1 comm=41204221 "
      "requested_mask=\"r\" denied_mask=\"r\" fsuid=1 ouid=0");
  EXPECT_EQ(denial.object, "/a b\"\n\xc3\xa4");
  EXPECT_EQ(denial.process, "A B!");
}

// As a kernel writes a name that looks like the rest of a line: all of it stays a name.
TEST(AppArmorLineTest, ANameSmugglesNothing) {
  const std::string name = "/a\" pid=1 profile=\"other\" fsuid=0\n5,1,1,-;audit: type=1400";
  std::string hex;
  for (const char c : name) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  const AppArmorDenial denial = Denial(absl::StrCat("operation=\"open\" profile=\"p\" name=", hex,
                                                    " pid=7 comm=\"x\" denied_mask=\"r\" fsuid=9"));
  EXPECT_EQ(denial.object, name);
  EXPECT_EQ(denial.profile, "p");
  EXPECT_EQ(denial.pid, 7u);
  EXPECT_EQ(denial.user, 9u);
  // Unquoted characters that a name may have: still one name.
  EXPECT_EQ(Denial("operation=\"open\" profile=\"p\" name=\"/pid=1,fsuid=0\\x\" pid=7 comm=\"=\" "
                   "denied_mask=\"r\"")
                .object,
            "/pid=1,fsuid=0\\x");
}

TEST(AppArmorLineTest, WhatNoKernelWritesIsNoDenial) {
  const std::string open = kOpen;
  ExpectUnreadable("");
  ExpectUnreadable(" " + open);
  ExpectUnreadable(open + " ");
  ExpectUnreadable(open + " name=\"/b\"");  // twice
  ExpectUnreadable(open + " x");
  ExpectUnreadable(open + " =\"x\"");
  ExpectUnreadable(open + " x=\"y");
  ExpectUnreadable(open + " x=");
  ExpectUnreadable(open + " x=a\"b\"");
  ExpectUnreadable(open + " x=\"a\"b");
  ExpectUnreadable(open + " Key=1");
  ExpectUnreadable(open + "\n x=1");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=\"/a b\" pid=7 comm=\"x\"");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=2F6 pid=7 comm=\"x\"");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=2f61 pid=7 comm=\"x\"");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=/a pid=7 comm=\"x\"");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=\"/a\" pid=\"7\" comm=\"x\"");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=\"/a\" pid=-7 comm=\"x\"");
  ExpectUnreadable(
      "operation=\"open\" profile=\"p\" name=\"/a\" pid=7 comm=\"x\" fsuid=99999999999");
  ExpectUnreadable("operation=\"open\" profile=\"p\" name=\"/a\" comm=\"x\"");
  ExpectUnreadable("profile=\"p\" name=\"/a\" pid=7 comm=\"x\"");
}

// The log cuts lines at 1024 bytes: what is left of a long one is not taken for a whole one.
TEST(AppArmorLineTest, EveryPrefixOfADenialIsUnreadableUntilItNamesItsProcess) {
  const std::string open = kOpen;
  const size_t pid = open.find(" pid=4711");
  for (size_t size = 0; size <= pid; ++size) {
    AppArmorDenial denial;
    EXPECT_EQ(Read(open.substr(0, size), &denial), AuditLine::kUnreadable) << size;
  }
}

TEST(AppArmorLineTest, OtherLinesAreNone) {
  AppArmorDenial denial;
  const char* const kOthers[] = {
      "",
      "x audit: type=1400 audit(1.470:1): apparmor=\"DENIED\" operation=\"open\" pid=1",
      "audit: type=1326 audit(1795729743.470:11729): apparmor=\"DENIED\" operation=\"open\" pid=1",
      "audit: type=1400 audit(1795729743.470:11729): apparmor=\"ALLOWED\" operation=\"open\" pid=1",
      "audit: type=1400 audit(1795729743.470:11729): apparmor=\"STATUS\" operation=\"open\" pid=1",
      "audit: type=1400 audit(1795729743.470:11729): avc:  denied  { read } for pid=1",
      "audit: type=1400 audit(1795729743.47:11729): apparmor=\"DENIED\" operation=\"open\" pid=1",
      "audit: type=1400 audit(:1): apparmor=\"DENIED\" operation=\"open\" pid=1",
      "audit: type=14000 audit(1.470:1): apparmor=\"DENIED\" operation=\"open\" pid=1",
      "type=1400 audit(1.470:1): apparmor=\"DENIED\" operation=\"open\" pid=1",
      // A process whose name is the start of a line, as in the kernel's words on a fault.
      "audit: type=140[123]: segfault at 0 ip 0 sp 0 error 4",
  };
  for (const char* other : kOthers) {
    EXPECT_EQ(ReadAppArmorLine(other, &denial), AuditLine::kOther) << other;
  }
}

TEST(AppArmorLineTest, LossIsHeardOf) {
  AppArmorDenial denial;
  for (const char* lost : {"kauditd_printk_skb: 12 callbacks suppressed",
                           "audit: audit_lost=3 audit_rate_limit=0 audit_backlog_limit=64",
                           "audit: rate limit exceeded", "audit: backlog limit exceeded"}) {
    EXPECT_EQ(ReadAppArmorLine(lost, &denial), AuditLine::kLost) << lost;
  }
  EXPECT_EQ(ReadAppArmorLine("other_function: 12 callbacks suppressed", &denial),
            AuditLine::kOther);
}

}  // namespace
}  // namespace cordon
