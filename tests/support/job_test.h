// SPDX-License-Identifier: Apache-2.0
// What tests of whole jobs have in common. Entry points: JobTest, which leaves nothing behind;
// OneJobTest, whose job has all the time it needs; ASSERT_VERDICT.
#ifndef CORDON_TESTS_SUPPORT_JOB_TEST_H_
#define CORDON_TESTS_SUPPORT_JOB_TEST_H_

#include <unistd.h>

#include <cstddef>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {

#define ASSERT_VERDICT(result, wanted)                                               \
  do {                                                                               \
    ASSERT_THAT((result).report, IsOk());                                            \
    ASSERT_STREQ((result).verdict(), wanted) << (result).report->ShortDebugString(); \
  } while (false)

inline double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
}

// Jobs with a token in their arguments, by which the host sees them.
class JobTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
    token_ = "token_" + std::to_string(::getpid()) + "_" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    descriptors_ = DescriptorsOfTest().size();
  }
  void TearDown() override {
    if (descriptors_ == 0) return;  // skipped
    EXPECT_THAT(ProcessesWith(token_), testing::IsEmpty());
    EXPECT_THAT(ChildrenOfTest(), testing::IsEmpty());
    EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
    EXPECT_EQ(DescriptorsOfTest().size(), descriptors_);
  }
  // Arguments with the test's token behind them.
  JobResult Run(std::vector<std::string> arguments, const JobOptions& options = {}) {
    arguments.push_back(token_);
    return RunPayload(arguments, options);
  }

  std::string token_;
  size_t descriptors_ = 0;
};

// One job at a time, under `options_`.
class OneJobTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
  }
  void Run(const std::vector<std::string>& arguments) {
    result_ = RunPayload(arguments, options_);
    ASSERT_THAT(result_.report, IsOk());
  }
  const v1::Report& report() const { return *result_.report; }

  JobOptions options_;
  JobResult result_;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_JOB_TEST_H_
