// SPDX-License-Identifier: Apache-2.0
// Handlers of descriptors, signals and sessions, seen from the host on a running job.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class OpsFdTest : public RunningJobTest {};

TEST_F(OpsFdTest, ThePayloadHasThreeDescriptorsAndAllArePipes) {
  const std::vector<std::string> noise = {"/dev/null", "/etc/hostname"};
  std::vector<UniqueFd> open;
  for (const std::string& path : noise) open.emplace_back(::open(path.c_str(), O_RDONLY));
  Start();
  CORDON_NEEDS("root, to look into a process that was not dumpable", IsRoot());
  std::vector<std::string> numbers = NamesIn("/proc/" + payload_ + "/fd");
  EXPECT_THAT(numbers, testing::UnorderedElementsAre("0", "1", "2"));
  for (const std::string& number : numbers) {
    const std::string where =
        std::filesystem::read_symlink("/proc/" + payload_ + "/fd/" + number).string();
    EXPECT_EQ(where.compare(0, 5, "pipe:"), 0) << where;
  }
}

TEST_F(OpsFdTest, NoSignalIsIgnoredOrBlocked) {
  ::signal(SIGUSR1, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  Start();
  auto status = Status(payload_);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGUSR1, SIG_DFL);
  EXPECT_EQ(status["SigBlk"], "0000000000000000");
  EXPECT_EQ(status["SigIgn"], "0000000000000000");
}

TEST_F(OpsFdTest, APersonalityOfTheCallersEndsAndLessPriorityStays) {
  const int before = ::personality(ADDR_NO_RANDOMIZE | UNAME26);
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  ::setpriority(PRIO_PROCESS, 0, 19);
  Start();
  ::personality(static_cast<unsigned long>(before));
  ::setpriority(PRIO_PROCESS, 0, nice);  // a user may not: the other tests do as well with less
  EXPECT_EQ(FileText("/proc/" + payload_ + "/personality"), "00000000\n");
  const auto place = ParsePlace(FileText("/proc/" + payload_ + "/stat"));
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->nice, 19);
}

TEST_F(OpsFdTest, NoPriorityOfTheCallersIsAboveTheHostsWork) {
  struct sched_param real_time = {};
  real_time.sched_priority = 5;
  CORDON_NEEDS("real-time scheduling", ::sched_setscheduler(0, SCHED_FIFO, &real_time) == 0);
  Start();
  real_time.sched_priority = 0;
  ::sched_setscheduler(0, SCHED_OTHER, &real_time);
  const auto place = ParsePlace(FileText("/proc/" + payload_ + "/stat"));
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->real_time_priority, 0);
}

TEST_F(OpsFdTest, ThePayloadLeadsASessionWithoutATerminal) {
  Start();
  // /proc/PID/stat: pid (comm) state ppid pgrp session tty_nr, host pids.
  const std::string text = FileText("/proc/" + payload_ + "/stat");
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string state;
  std::string parent;
  std::string group;
  std::string session;
  std::string terminal;
  fields >> state >> parent >> group >> session >> terminal;
  EXPECT_EQ(parent, init_);
  EXPECT_EQ(group, payload_);
  EXPECT_EQ(session, payload_);
  EXPECT_EQ(terminal, "0");
}

}  // namespace
}  // namespace cordon
