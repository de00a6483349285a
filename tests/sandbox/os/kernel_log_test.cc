// SPDX-License-Identifier: Apache-2.0
// Against the kernel's log of this host. Lines are written through /dev/kmsg, which only root may.
#include "sandbox/os/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "policy/denial/kernel_line.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

std::string Mark(const char* what) { return absl::StrCat("cordon test ", what, " ", CurrentPid()); }

bool Write(const std::string& text) {
  const auto fd = OpenAt(kCwd, "/dev/kmsg", O_WRONLY);
  // Kernel: a record without its newline is not read before the next.
  return fd.ok() && WriteAll(fd->get(), "/dev/kmsg", text + "\n").ok();
}

// How often a line with the text is still to come.
int CountOf(KernelLog& log, const std::string& text, bool* by_kernel) {
  int count = 0;
  for (;;) {
    const auto record = log.Next();
    if (absl::IsDataLoss(record.status())) continue;
    if (!record.ok() || !record->has_value()) return count;
    const auto line = ParseKernelLine(**record);
    EXPECT_THAT(line, IsOk()) << **record;
    if (!line.ok() || !absl::StrContains(line->text, text)) continue;
    ++count;
    *by_kernel = line->by_kernel;
  }
}

TEST(KernelLogTest, BeginsAtTheEndAndReadsOn) {
  if (!Write(Mark("before"))) GTEST_SKIP() << "/dev/kmsg cannot be written";
  auto log = KernelLog::OpenAtEnd();
  ASSERT_THAT(log, IsOk());
  bool by_kernel = true;
  ASSERT_TRUE(Write(Mark("after")));
  EXPECT_EQ(CountOf(*log, Mark("after"), &by_kernel), 1);
  EXPECT_FALSE(by_kernel);
  ASSERT_TRUE(Write(Mark("later")));
  EXPECT_EQ(CountOf(*log, Mark("later"), &by_kernel), 1);
  EXPECT_EQ(CountOf(*log, Mark("before"), &by_kernel), 0);
}

// Whatever a process says it is.
TEST(KernelLogTest, NobodyWritesAsTheKernel) {
  auto log = KernelLog::OpenAtEnd();
  if (!log.ok() || !Write(absl::StrCat("<5>", Mark("forged")))) {
    GTEST_SKIP() << "/dev/kmsg cannot be read and written";
  }
  bool by_kernel = true;
  EXPECT_EQ(CountOf(*log, Mark("forged"), &by_kernel), 1);
  EXPECT_FALSE(by_kernel);
}

TEST(KernelLogTest, WhoMayNotReadIsTold) {
  if (EffectiveUid() == 0 || Write(Mark("x"))) GTEST_SKIP() << "is for users without the right";
  const auto log = KernelLog::OpenAtEnd();
  if (log.ok()) GTEST_SKIP() << "everybody may read the log here";
  EXPECT_TRUE(absl::IsPermissionDenied(log.status()) || absl::IsNotFound(log.status()))
      << log.status();
}

}  // namespace
}  // namespace cordon
