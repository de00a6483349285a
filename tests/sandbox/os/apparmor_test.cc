// SPDX-License-Identifier: Apache-2.0
// What needs no AppArmor in the kernel; loading is tried in child/ops_apparmor_test.cc.
#include "sandbox/os/apparmor.h"

#include <string>

#include "gmock/gmock.h"
#include "tests/support/apparmor_parser.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(AppArmorOsTest, TheKindOfHashIsThatOfTheKernel) {
  EXPECT_TRUE(HasKernelHash("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"));
  EXPECT_TRUE(
      HasKernelHash("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_FALSE(HasKernelHash("abd", "a9993e364706816aba3e25717850c26c9cd0d89d"));
  EXPECT_FALSE(HasKernelHash("", "")) << "a kernel without hashes proves nothing";
}

TEST(AppArmorOsTest, ThePathsOfTheKernelAreErrorsWhereThereAreNone) {
  EXPECT_THAT(FindAppArmorProfile("no-such-namespace", "x"), HasErrorWith("no-such-namespace"));
}

TEST(AppArmorOsTest, WhatTheParserDoesNotTakeIsQuoted) {
  CORDON_NEEDS_APPARMOR_PARSER();
  EXPECT_THAT(CompileAppArmorText("profile t { nonsense }\n"),
              StatusIs(absl::StatusCode::kFailedPrecondition, "does not take"));
  EXPECT_FALSE(CompileAppArmorText("").ok());
}

TEST(AppArmorOsTest, AMissingProfileIsNoError) {
  CORDON_NEEDS("AppArmor", HostFactsOfTest().apparmor().present());
  const auto profile = FindAppArmorProfile("", "cordon-no-such-profile");
  ASSERT_THAT(profile, IsOk());
  EXPECT_FALSE(profile->found);
  EXPECT_THAT(OwnAppArmorLabel(), IsOk());
  EXPECT_FALSE(LoadAppArmorProfile("no-such-namespace", "x").ok());
}

}  // namespace
}  // namespace cordon
