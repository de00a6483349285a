// SPDX-License-Identifier: Apache-2.0
// A health check must be held as the payload is: everything that can differ is noticed.
#include "sandbox/layers/check_back.h"

#include <cerrno>
#include <string>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/host_watch.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

ProcessLook Good() {
  ProcessLook look;
  look.status = {{"Uid", "1 1 1 1"},      {"Gid", "1 1 1 1"}, {"Groups", ""},
                 {"NoNewPrivs", "1"},     {"CapInh", "0"},    {"CapPrm", "0"},
                 {"CapEff", "0"},         {"CapBnd", "0"},    {"CapAmb", "0"},
                 {"Threads", "1"},        {"Umask", "0022"},  {"Seccomp", "2"},
                 {"Seccomp_filters", "3"}};
  look.limits["Max open files"] = {16, 16};
  look.oom_score_adj = "1000";
  look.cgroup = "0::/a\n";
  return look;
}

TEST(VerifyCheckTest, TheSameIsFine) { EXPECT_THAT(VerifyCheck(Good(), Good()), IsOk()); }

TEST(VerifyCheckTest, EveryLineThatDiffersIsNamed) {
  for (const char* field : {"Uid", "Gid", "Groups", "NoNewPrivs", "CapInh", "CapPrm", "CapEff",
                            "CapBnd", "CapAmb", "Threads", "Umask", "Seccomp"}) {
    ProcessLook check = Good();
    check.status[field] += "7";
    EXPECT_THAT(VerifyCheck(Good(), check), HasErrorWith(field)) << field;
    check.status.erase(field);
    EXPECT_THAT(VerifyCheck(Good(), check), HasErrorWith("found nothing")) << field;
  }
  ProcessLook check = Good();
  check.cgroup = "0::/b\n";
  EXPECT_THAT(VerifyCheck(Good(), check), HasErrorWith("control groups"));
  check = Good();
  check.oom_score_adj = "0";
  EXPECT_THAT(VerifyCheck(Good(), check), HasErrorWith("oom_score_adj"));
}

TEST(VerifyCheckTest, LimitsMayBeLowerAndNotHigher) {
  ProcessLook check = Good();
  check.limits["Max open files"] = {1, 1};
  EXPECT_THAT(VerifyCheck(Good(), check), IsOk());
  check.limits["Max open files"] = {16, 17};
  EXPECT_THAT(VerifyCheck(Good(), check), HasErrorWith("Max open files: expected at most 16"));
  check.limits.clear();
  EXPECT_THAT(VerifyCheck(Good(), check), HasErrorWith("Max open files"));
}

TEST(VerifyCheckTest, AFilterThatIsNotThereYetIsLookedForAgain) {
  ProcessLook check = Good();
  check.status["Seccomp_filters"] = "2";
  EXPECT_EQ(VerifyCheck(Good(), check).code(), absl::StatusCode::kUnavailable);
  check.status["CapEff"] = "1";  // what differs now will not be better later
  EXPECT_EQ(VerifyCheck(Good(), check).code(), absl::StatusCode::kFailedPrecondition);
  check = Good();
  check.status["Seccomp_filters"] = "4";
  EXPECT_EQ(VerifyCheck(Good(), check).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(VerifyPayloadTest, NothingMayDiffer) {
  EXPECT_THAT(VerifyPayload(Good(), Good()), IsOk());
  for (const auto& [field, value] : Good().status) {
    ProcessLook payload = Good();
    payload.status[field] = value + "1";
    EXPECT_THAT(VerifyPayload(Good(), payload), HasErrorWith(field)) << field;
    payload.status.erase(field);
    EXPECT_THAT(VerifyPayload(Good(), payload), HasErrorWith("the job was not started")) << field;
  }
  ProcessLook lower = Good();
  lower.limits.begin()->second.soft -= 1;
  EXPECT_THAT(VerifyPayload(Good(), lower), HasErrorWith(lower.limits.begin()->first));
  lower.limits.clear();
  EXPECT_THAT(VerifyPayload(Good(), lower), HasErrorWith("found nothing"));
  ProcessLook moved = Good();
  moved.cgroup += "x";
  EXPECT_THAT(VerifyPayload(Good(), moved), HasErrorWith("control groups"));
  ProcessLook score = Good();
  score.oom_score_adj = "7";
  EXPECT_THAT(VerifyPayload(Good(), score), HasErrorWith("oom_score_adj"));
}

class CheckBackTest : public RunningJobTest {};

TEST_F(CheckBackTest, APayloadIsHeldAsItsTwinWas) {
  ASSERT_NO_FATAL_FAILURE(Start());
  absl::StatusOr<ProcessLook> job = ReadProcess(static_cast<pid_t>(std::stoul(payload_)));
  ASSERT_THAT(job, IsOk());
  ProcessLook wanted = sandbox_->payload_look();
  wanted.cgroup = FileText("/proc/" + init_ + "/cgroup");
  EXPECT_THAT(VerifyCheck(wanted, *job), IsOk());
  EXPECT_THAT(VerifyPayload(wanted, *job), IsOk());
  // Its init is not: it has a filter of its own and no score. Nor is this test.
  const absl::StatusOr<ProcessLook> init = ReadProcess(sandbox_->child().pid);
  ASSERT_THAT(init, IsOk());
  EXPECT_FALSE(VerifyCheck(wanted, *init).ok());
  const absl::StatusOr<ProcessLook> test = ReadProcess(::getpid());
  ASSERT_THAT(test, IsOk());
  EXPECT_FALSE(VerifyCheck(wanted, *test).ok());
}

TEST(ReadProcessTest, OneThatIsGoneIsNotFound) {
  EXPECT_EQ(ReadProcess(0x7fffffff).status().code(), absl::StatusCode::kNotFound);
}

TEST(ReadProcessTest, OneThatCannotBeReadIsNotGone) {
  for (int room = 0; room < 2; ++room) {  // for its folder, for a file
    absl::StatusOr<ProcessLook> look = ProcessLook();
    {
      const FewDescriptors few(room);
      look = ReadProcess(::getpid());
    }
    ASSERT_FALSE(look.ok()) << room;
    EXPECT_EQ(DetailsOf(look.status())[0].errno_value(), EMFILE) << room;
  }
}

}  // namespace
}  // namespace cordon
