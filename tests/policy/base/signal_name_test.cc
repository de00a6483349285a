// SPDX-License-Identifier: Apache-2.0
#include "policy/base/signal_name.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace cordon {
namespace {

TEST(SignalNameTest, NamesWhatTheKernelSends) {
  EXPECT_EQ(SignalName(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(SignalName(SIGHUP), "SIGHUP");
  EXPECT_EQ(SignalName(SIGSYS), "SIGSYS");
  EXPECT_EQ(SignalName(32), "SIGRT0");
  EXPECT_EQ(SignalName(64), "SIGRT32");
  EXPECT_EQ(SignalName(0), "signal 0");
  EXPECT_EQ(SignalName(65), "signal 65");
  EXPECT_EQ(SignalName(-1), "signal -1");
}

TEST(SignalNameTest, EveryNameLeadsBackToItsNumber) {
  for (int number = 1; number <= 64; ++number) {
    EXPECT_EQ(SignalNumber(SignalName(number)).value_or(-1), number) << SignalName(number);
  }
}

TEST(SignalNameTest, NothingElseIsAName) {
  for (const char* text : {"", "TERM", "sigterm", "SIG", "SIGRT", "SIGRT33", "SIGRT-1", "SIGRT01",
                           "SIGRT 1", "SIGTERM ", "15", "signal 99"}) {
    EXPECT_FALSE(SignalNumber(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace cordon
