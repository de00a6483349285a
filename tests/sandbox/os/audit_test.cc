// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/audit.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

bool HasAudit() {
  const auto comm = ReadAt(kCwd, "/proc/2/comm");
  return comm.ok() && *comm == "kthreadd\n" && AwaitAudit(0).code() != absl::StatusCode::kNotFound;
}

TEST(AuditTest, TheThreadComesToRest) {
  if (!HasAudit()) GTEST_SKIP() << "needs the first pid namespace of a kernel with audit";
  EXPECT_THAT(AwaitAudit(60'000), IsOk());
}

// This host has no daemon, or the one that /proc shows.
TEST(AuditTest, TheDaemonIsAProcess) {
  if (EffectiveUid() != 0) GTEST_SKIP() << "needs root, whom alone the kernel tells";
  const auto audit = ReadAudit();
  if (!audit.ok()) GTEST_SKIP() << "needs a kernel with audit, and its own root";
  if (audit->daemon == 0) return;
  EXPECT_THAT(StatPath("/proc/" + std::to_string(audit->daemon)), IsOk());
}

TEST(AuditTest, AUserIsNotTold) {
  if (EffectiveUid() == 0) GTEST_SKIP() << "is for ordinary users";
  EXPECT_FALSE(ReadAudit().ok());
}

}  // namespace
}  // namespace cordon
