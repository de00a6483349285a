// SPDX-License-Identifier: Apache-2.0
// What a report says that a job used, held against what its program was built to use. Every
// program uses at least that much by its own clock; the report must have all of it, whoever waited.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/lease_cases.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::Contains;
using testing::Not;

constexpr uint64_t kMiB = 1 << 20;

class AccountTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
    IgnoreSigpipe();
  }
  // The usage of a job that ended well.
  static v1::Usage UsageOf(const std::vector<std::string>& arguments, JobOptions options = {}) {
    options.cpu_time = "60s";
    options.wall_time = "120s";
    const JobResult result = RunPayload(arguments, options);
    EXPECT_THAT(result.report, IsOk());
    if (!result.report.ok()) return {};
    EXPECT_EQ(result.report->verdict(), v1::EXITED) << result.report->ShortDebugString();
    EXPECT_EQ(result.report->exit_code(), 0);
    return result.report->usage();
  }
  // At least what it burned; the least of three runs at most that, its set-up and what a slow
  // machine makes of it. The least, since what the host takes from an emulated processor meanwhile
  // counts there as used.
  static void ExpectCpu(const std::vector<std::string>& arguments, double burned) {
    const double most = burned * 1.25 + 0.2;
    double least = HUGE_VAL;
    for (int run = 0; run < 3 && least > most; ++run) {
      const v1::Usage usage = UsageOf(arguments);
      const double used = Seconds(usage.cpu_time());
      EXPECT_GE(used, burned);
      EXPECT_NEAR(Seconds(usage.user_time()) + Seconds(usage.system_time()), used, 1e-6);
      EXPECT_THAT(usage.lower_bound(), Not(Contains("cpu_time")));
      least = std::min(least, used);
    }
    EXPECT_LE(least, most);
  }
};

void UseCpu(long ns) {
  struct timespec used = {0, 0};
  while (used.tv_sec == 0 && used.tv_nsec < ns) ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
}

TEST_F(AccountTest, TheMainProcessIsCounted) { ExpectCpu({"burn", "300"}, 0.3); }

TEST_F(AccountTest, EveryProcessOfTheTreeIsCountedWhoeverWaitsForIt) {
  for (const char* kind : {"threads", "waited", "ignored", "orphans", "daemons", "killed"}) {
    SCOPED_TRACE(kind);
    ExpectCpu({"burn_tree", kind, "4", "80"}, 0.32);
  }
}

TEST_F(AccountTest, MemoryOfProcessesIsSeenBeforeTheyAreKilled) {
  JobOptions options;
  options.cpu_time = "2s";  // an emulated machine needs 300 ms of it for the memory
  const JobResult result = RunPayload({"hold", "anon", "16"}, options);
  ASSERT_THAT(result.report, IsOk());
  ASSERT_EQ(result.report->verdict(), v1::CPU_LIMIT);
  const v1::Usage& usage = result.report->usage();
  EXPECT_GE(usage.memory_anon_bytes(), 15 * kMiB);
  EXPECT_LE(usage.memory_anon_bytes(), 18 * kMiB);
  EXPECT_LE(usage.memory_shmem_bytes(), 2 * kMiB);
  EXPECT_GE(usage.memory_peak_bytes(), usage.memory_anon_bytes());
  EXPECT_THAT(usage.lower_bound(), Contains("memory_anon_bytes"));
}

TEST_F(AccountTest, FilesInMemoryAreApartFromProcesses) {
  JobOptions options;
  options.cpu_time = "2s";  // an emulated machine needs 300 ms of it for the memory
  options.file_size = "16MiB";
  const JobResult result = RunPayload({"hold", "tmpfs", "6"}, options);
  ASSERT_THAT(result.report, IsOk());
  ASSERT_EQ(result.report->verdict(), v1::CPU_LIMIT);
  const v1::Usage& usage = result.report->usage();
  EXPECT_GE(usage.memory_shmem_bytes(), 5 * kMiB);
  EXPECT_LE(usage.memory_shmem_bytes(), 8 * kMiB);
  EXPECT_LE(usage.memory_anon_bytes(), 2 * kMiB);
}

TEST_F(AccountTest, WaitsAndPreemptionsAreCountedApart) {
  const v1::Usage usage = UsageOf({"switches", "100"});
  EXPECT_GE(usage.voluntary_switches(), 100u);
  EXPECT_LE(usage.voluntary_switches(), 400u);
  EXPECT_GE(usage.minor_faults(), 1u);
}

TEST_F(AccountTest, AThrottledJobIsTainted) {
  CORDON_NEEDS("cgroup cpu", HaveController("cpu"));
  JobOptions options;
  options.cgroup = "REQUIRED cpu_max: \"0.05\"";
  options.cpu_time = "60s";
  options.wall_time = "120s";
  // On a host that is busier than the quota is small nothing is left to be throttled.
  v1::Report report;
  for (int attempt = 0; attempt < 10 && report.usage().throttled_periods() < 3; ++attempt) {
    const JobResult result = RunPayload({"burn", "60"}, options);
    ASSERT_THAT(result.report, IsOk());
    report = *result.report;
  }
  EXPECT_GE(report.usage().throttled_periods(), 3u);
  EXPECT_GT(Seconds(report.usage().throttled_time()), 0.05);
  EXPECT_EQ(report.timing_quality(), v1::TAINTED);
  EXPECT_THAT(report.timing_reason(), Contains(testing::HasSubstr("throttled")));
}

// Every field that is a number has one, or stands in a list. Which it is depends on the host.
TEST_F(AccountTest, EveryFieldIsANumberOrNamed) {
  const v1::Usage usage = UsageOf({"burn", "20"});
  const auto* type = v1::Usage::descriptor();
  for (const std::string& name : usage.unknown()) {
    ASSERT_NE(type->FindFieldByName(name), nullptr) << name;
    EXPECT_FALSE(usage.GetReflection()->HasField(usage, type->FindFieldByName(name))) << name;
    EXPECT_THAT(usage.lower_bound(), Not(Contains(name)));
  }
  EXPECT_THAT(usage.lower_bound(), Not(Contains("cpu_time")));
  EXPECT_THAT(usage.unknown(), Not(Contains("cpu_time")));
}

// Without a group the init's rusage is all there is, and the report says so.
TEST_F(AccountTest, WithoutAGroupTheTimesOfTheReapedAreALowerBound) {
  JobOptions options;
  options.cgroup = "OFF";
  const v1::Usage usage = UsageOf({"burn_tree", "orphans", "2", "100"}, options);
  EXPECT_GE(Seconds(usage.cpu_time()), 0.19);
  EXPECT_THAT(usage.lower_bound(), Contains("cpu_time"));
  EXPECT_THAT(usage.unknown(), Contains("throttled_time"));
}

// A pid namespace in the job, which a sandbox forbids, would not help it either: the init of one
// that dies first takes what its children used out of every rusage, and not out of the group.
TEST_F(AccountTest, ANestedPidNamespaceHidesNothingFromTheGroup) {
  const v1::HostFacts facts = HostFactsOfTest();
  absl::StatusOr<std::unique_ptr<CgroupLease>> lease = CreateCgroup(SmallGroup(facts), facts);
  ASSERT_THAT(lease, IsOk());
  const Pipe go = MakePipe().value();
  absl::StatusOr<Clone3Result> child = Clone3(0, (*lease)->CloneFd());
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) {
    char began;
    if (::read(go.read.get(), &began, 1) != 1) ::_exit(1);
    // Its next child is the init of the new namespace.
    if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0 && ::unshare(CLONE_NEWPID) != 0) ::_exit(2);
    const pid_t init = ::fork();
    if (init == 0) {
      // Nobody waits for this one: the init is gone as soon as it has used its time.
      const Pipe done = MakePipe().value();
      char byte = 0;
      const pid_t other = ::fork();
      UseCpu(100'000'000);
      if (other == 0) ::_exit(::write(done.write.get(), "d", 1) == 1 ? ::pause() : 1);
      ::_exit(::read(done.read.get(), &byte, 1) == 1 ? 0 : 1);
    }
    int status = 1;
    ::waitpid(init, &status, 0);
    ::_exit(status == 0 ? 0 : 3);
  }
  ASSERT_THAT((*lease)->Enter(child->pid), IsOk());
  ASSERT_EQ(::write(go.write.get(), "g", 1), 1);
  const auto ended = WaitPidfd(child->pidfd.get(), true);
  ASSERT_THAT(ended, IsOk());
  const auto usage = (*lease)->Collect();
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(ended->code, CLD_EXITED);
  EXPECT_EQ(ended->status, 0);
  EXPECT_GE(usage->cpu_ns, 200'000'000u);
  EXPECT_THAT((*lease)->Remove(), IsOk());
}

}  // namespace
}  // namespace cordon
