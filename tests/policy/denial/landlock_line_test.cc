// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/landlock_line.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

constexpr char kDenial[] =
    "audit: type=1423 audit(1795729743.470:11729): domain=195ba459b blockers=fs.write_file "
    "path=\"/data/a\" dev=\"vda2\" ino=351";
constexpr char kDomain[] =
    "audit: type=1424 audit(1795729743.470:11729): domain=195ba459b status=allocated "
    "mode=enforcing pid=300 uid=1610617447 exe=\"/usr/bin/cordon\" comm=\"cordon\"";

std::string Denied(absl::string_view rest) {
  return absl::StrCat("audit: type=1423 audit(1795729743.470:11729): domain=1 blockers=", rest);
}

std::string ObjectOf(absl::string_view rest) {
  LandlockLine line;
  EXPECT_EQ(ReadLandlockLine(Denied(rest), &line), AuditLine::kDenial) << rest;
  return line.object;
}

TEST(LandlockLineTest, AFile) {
  LandlockLine line;
  ASSERT_EQ(ReadLandlockLine(kDenial, &line), AuditLine::kDenial);
  EXPECT_EQ(line.domain, 0x195ba459bu);
  EXPECT_EQ(line.blockers, "fs.write_file");
  EXPECT_EQ(line.object, "/data/a");
}

TEST(LandlockLineTest, WhoseADomainIs) {
  LandlockLine line;
  ASSERT_EQ(ReadLandlockLine(kDomain, &line), AuditLine::kDomain);
  EXPECT_EQ(line.domain, 0x195ba459bu);
  EXPECT_EQ(line.pid, 300u);
  EXPECT_EQ(line.user, 1610617447u);
}

TEST(LandlockLineTest, WhatIsNoFile) {
  EXPECT_EQ(ObjectOf("net.connect_tcp daddr=127.0.0.1 dest=80"), "tcp port 80");
  EXPECT_EQ(ObjectOf("net.bind_tcp saddr=::1 src=8080"), "tcp port 8080");
  EXPECT_EQ(ObjectOf("scope.signal opid=1 ocomm=\"systemd\""), "process systemd");
  EXPECT_EQ(ObjectOf("ptrace opid=1 ocomm=6120"), "process a ");
  EXPECT_EQ(ObjectOf("scope.abstract_unix_socket path=00616263"), std::string("\0abc", 4));
  EXPECT_EQ(ObjectOf("fs.change_topology name=\"mnt\" dev=\"tmpfs\" ino=1"), "mnt");
  EXPECT_EQ(ObjectOf("fs.ioctl_dev path=\"/dev/null\" dev=\"tmpfs\" ino=4 ioctlcmd=0x5401"),
            "/dev/null");
  EXPECT_EQ(ObjectOf("fs.new_right"), "");
}

TEST(LandlockLineTest, ANameSmugglesNothing) {
  EXPECT_EQ(ObjectOf("fs.read_file path=2F6122206465763D22 dev=\"vda\" ino=1"), "/a\" dev=\"");
  EXPECT_EQ(ObjectOf("fs.read_file path=\"/blockers=fs.refer,domain=7\" dev=\"vda\" ino=1"),
            "/blockers=fs.refer,domain=7");
}

TEST(LandlockLineTest, WhatNoKernelWritesIsUnreadable) {
  LandlockLine line;
  const std::string denial = kDenial;
  const std::string domain = kDomain;
  for (const std::string& each :
       {denial + " ", denial + " path=\"/b\"", denial.substr(0, denial.find(" dev=") - 1),
        Denied("fs.read_file path=/a"), Denied("fs.read_file path=2F6"), Denied("\"\""),
        Denied("net.bind_tcp src=\"80\""),
        std::string("audit: type=1423 audit(1.470:1): blockers=fs.refer"),
        std::string("audit: type=1423 audit(1.470:1): domain=xyz blockers=fs.refer"),
        std::string("audit: type=1423 audit(1.470:1): domain=1 path=\"/a\""),
        domain.substr(0, domain.find("00 uid")) + "x", domain + " x",
        std::string("audit: type=1424 audit(1.470:1): domain=1 status=allocated pid=7"),
        std::string("audit: type=1424 audit(1.470:1): domain=1 status=allocated uid=7")}) {
    EXPECT_EQ(ReadLandlockLine(each, &line), AuditLine::kUnreadable) << each;
  }
  EXPECT_EQ(line.domain, 0u);
}

TEST(LandlockLineTest, OtherLinesAreNone) {
  LandlockLine line;
  for (const char* other :
       {"", "x audit: type=1423 audit(1.470:1): domain=1 blockers=fs.refer",
        "audit: type=1400 audit(1.470:1): domain=1 blockers=fs.refer",
        "audit: type=1424 audit(1.470:1): domain=1 status=deallocated denials=3"}) {
    EXPECT_EQ(ReadLandlockLine(other, &line), AuditLine::kOther) << other;
  }
  EXPECT_EQ(ReadLandlockLine("kauditd_printk_skb: 12 callbacks suppressed", &line),
            AuditLine::kLost);
}

}  // namespace
}  // namespace cordon
