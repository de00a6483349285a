// SPDX-License-Identifier: Apache-2.0
// What can be seen of it on any host. Real denials: tests/vm/cases/denials.py.
#include "sandbox/supervise/denials.h"

#include <fcntl.h>

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "sandbox/os/kernel_log.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

v1::Plan Confined() {
  v1::Plan plan;
  plan.mutable_apparmor()->set_enabled(true);
  plan.mutable_apparmor()->set_source(v1::AppArmorPlan::COMPILED);
  plan.mutable_apparmor()->set_name("cordon-denials-test");
  return plan;
}

TEST(DenialWatchTest, NothingIsUnknownOfLayersThatAreOff) {
  DenialWatch watch{v1::Plan()};
  EXPECT_FALSE(watch.reads());
  v1::Report report;
  watch.Fill({}, &report);
  EXPECT_EQ(report.ByteSizeLong(), 0u);
}

TEST(DenialWatchTest, WhatLandlockDeniesIsNotKnownEverywhere) {
  v1::Plan plan;
  plan.mutable_landlock()->set_enabled(true);
  for (const auto& [abi, why] : {std::pair(2u, "before Linux 6.15"), std::pair(7u, "audit=1")}) {
    plan.mutable_landlock()->set_abi(abi);
    DenialWatch watch(plan);
    EXPECT_FALSE(watch.reads());
    v1::Report report;
    watch.Fill({}, &report);
    EXPECT_THAT(report.denials_unknown(), ElementsAre(HasSubstr(why)));
    EXPECT_THAT(report.denials_unknown(0), StartsWith("landlock: "));
  }
}

TEST(DenialWatchTest, DoubtsNameEveryLayerThatIsInTheLog) {
  v1::Plan plan = Confined();
  plan.mutable_landlock()->set_enabled(true);
  plan.mutable_landlock()->set_abi(7);
  plan.mutable_landlock()->set_log_denials(true);
  DenialWatch watch(plan);
  v1::Report report;
  watch.Fill({}, &report);
  EXPECT_THAT(report.denials_unknown(), Contains(StartsWith("apparmor, landlock: ")));
  EXPECT_THAT(report.denials_unknown(), Not(Contains(HasSubstr("before Linux"))));
}

TEST(DenialWatchTest, ALogThatCannotBeReadIsSaid) {
  if (KernelLog::OpenAtEnd().ok()) GTEST_SKIP() << "is for who cannot read the kernel's log";
  DenialWatch watch(Confined());
  EXPECT_FALSE(watch.reads());
  v1::Report report;
  watch.Fill({}, &report);
  EXPECT_THAT(report.denial(), IsEmpty());
  EXPECT_THAT(report.denials_unknown(),
              ElementsAre(StartsWith("apparmor: the kernel's log cannot be read: ")));
}

// A line that root writes looks the same to the last byte, and is another's word.
TEST(DenialWatchTest, AForgedLineIsNoDenial) {
  DenialWatch watch(Confined());
  const auto log = OpenAt(kCwd, "/dev/kmsg", O_WRONLY);
  constexpr char kLine[] =
      "<5>audit: type=1400 audit(1795729743.470:11729): apparmor=\"DENIED\" operation=\"open\" "
      "profile=\"cordon-denials-test\" name=\"/forged\" pid=7 comm=\"cat\" requested_mask=\"r\" "
      "denied_mask=\"r\" fsuid=9 ouid=0\n";
  if (!watch.reads() || !log.ok() || !WriteAll(log->get(), "/dev/kmsg", kLine).ok()) {
    GTEST_SKIP() << "/dev/kmsg cannot be read and written";
  }
  JobInLog job;
  job.own_user = 9;
  job.main_pid = 7;
  v1::Report report;
  watch.Fill(job, &report);
  EXPECT_THAT(report.denial(), IsEmpty());
  EXPECT_EQ(report.denials_more(), 0u);
  EXPECT_THAT(report.denials_unknown(), Each(StartsWith("apparmor: ")));
  EXPECT_THAT(report.denials_unknown(), Not(Contains(HasSubstr("same profile"))));
}

TEST(DenialWatchTest, AnAdministratorsProfileMayBeSilent) {
  v1::Plan plan = Confined();
  plan.mutable_apparmor()->set_source(v1::AppArmorPlan::ADMINISTRATOR);
  DenialWatch watch(plan);
  if (!watch.reads()) GTEST_SKIP() << "the kernel's log cannot be read";
  v1::Report report;
  watch.Fill({}, &report);
  EXPECT_THAT(report.denials_unknown(), Not(IsEmpty()));
}

}  // namespace
}  // namespace cordon
