// SPDX-License-Identifier: Apache-2.0
// One look at a program that waits: in every way that has an end of its own it must not be taken
// for stuck. No sandbox: a process of the test stands for its init.
#include "sandbox/supervise/waits.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"

namespace cordon {
namespace {

using testing::Contains;
using testing::SizeIs;
using testing::StartsWith;

// The payload in one way of waiting, with a pipe for its stdin that nobody writes to. Everything is
// gone when this is.
class Waiter {
 public:
  explicit Waiter(std::vector<std::string> arguments)
      : in_(MakePipe().value()), out_(MakePipe().value()) {
    arguments.insert(arguments.begin(), CORDON_PAYLOAD_FOLDER "/payload");
    init_ = ::fork();
    if (init_ != 0) return;
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const pid_t payload = ::fork();
    if (payload == 0) Exec(&arguments);
    // Nobody but the program has ends of its pipes, as in a sandbox.
    in_ = Pipe();
    out_ = Pipe();
    for (;;) ::pause();
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    std::vector<std::string> left = {absl::StrCat(init_)};
    for (size_t i = 0; i < left.size(); ++i) {
      for (const std::string& task : NamesIn("/proc/" + left[i] + "/task")) {
        std::string child;
        for (const char c : FileText("/proc/" + left[i] + "/task/" + task + "/children")) {
          if (c != ' ') {
            child += c;
          } else {
            left.push_back(child);
            child.clear();
          }
        }
      }
    }
    for (const std::string& pid : left) ::kill(static_cast<pid_t>(std::stol(pid)), SIGKILL);
    ::waitpid(init_, nullptr, 0);
  }

  pid_t init() const { return init_; }
  int input() const { return in_.write.get(); }
  std::string Children(const std::string& of) const {
    return FileText(absl::StrCat("/proc/", of, "/task/", of, "/children"));
  }
  // The payload's id.
  std::string payload() const {
    std::string pid = Children(absl::StrCat(init_));
    if (!pid.empty()) pid.pop_back();
    return pid;
  }
  std::string in_link() const {
    return absl::StrCat("pipe:[", StatFd(in_.write.get()).value().inode, "]");
  }
  std::string out_link() const {
    return absl::StrCat("pipe:[", StatFd(out_.read.get()).value().inode, "]");
  }
  // The state in which it stays: what a look gives when it has given it ten times in a row, with
  // `threads` threads to be seen, or the last look of a minute.
  TreeWaits Settled(size_t threads) const {
    TreeWaits last;
    int same = 0;
    for (int i = 0; i < 6000 && same < 10; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      TreeWaits now = LookAtWaits(init_);
      const bool steady = now.stuck && now.threads.size() == threads && now.threads == last.threads;
      same = steady ? same + 1 : 0;
      last = std::move(now);
    }
    return last;
  }
  // Whether a look ever finds it stuck within `looks`. It lives at the end of them, or there was
  // nothing to be found.
  bool EverStuck(int looks) const {
    for (int i = 0; i < looks; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (LookAtWaits(init_).stuck) return true;
    }
    EXPECT_THAT(FileText(absl::StrCat("/proc/", payload(), "/cmdline")),
                StartsWith(CORDON_PAYLOAD_FOLDER));
    return false;
  }

 private:
  [[noreturn]] void Exec(std::vector<std::string>* arguments) {
    ::dup2(in_.read.get(), 0);
    ::dup2(out_.write.get(), 1);
    const int null = ::open("/dev/null", 2 /* O_RDWR */);
    ::dup2(null, 2);
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
    std::vector<char*> argv;
    for (std::string& each : *arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  Pipe in_;
  Pipe out_;
  pid_t init_ = -1;
};

struct Stuck {
  const char* how;
  size_t threads;
  const char* call;  // of a thread that waits on the stdin
};

TEST(WaitsTest, WaysWithoutAnEndAreStuck) {
  for (const Stuck& row :
       {Stuck{"read", 1, "read"}, Stuck{"poll", 1, "poll"}, Stuck{"select", 1, "poll"},
        Stuck{"epoll", 1, "poll"}, Stuck{"child", 2, "read"}, Stuck{"thread", 2, "read"},
        Stuck{"alarm", 1, "read"}}) {
    SCOPED_TRACE(row.how);
    const Waiter waiter({"talk_wait", row.how});
    const TreeWaits seen = waiter.Settled(row.threads);
    EXPECT_TRUE(seen.stuck);
    ASSERT_THAT(seen.threads, SizeIs(row.threads));
    bool found = false;
    for (const ThreadWait& wait : seen.threads) {
      for (const std::string& pipe : wait.pipes) {
        found |= wait.call == row.call && pipe == waiter.in_link();
      }
      EXPECT_GT(wait.switches, 0u);
    }
    EXPECT_TRUE(found);
  }
}

TEST(WaitsTest, AWriterIsStuckWhenItsPipeIsFull) {
  const Waiter waiter({"talk_flood", "0"});
  const TreeWaits seen = waiter.Settled(1);
  EXPECT_TRUE(seen.stuck);
  ASSERT_THAT(seen.threads, SizeIs(1));
  EXPECT_EQ(seen.threads[0].call, "write");
  EXPECT_THAT(seen.threads[0].pipes, Contains(waiter.out_link()));
}

// Ways that end by themselves, or that somebody else could end. Each is looked at until it surely
// waits; what it does before that (exec, page faults) is not stuck either.
TEST(WaitsTest, WaysWithAnEndAreNotStuck) {
  for (const char* how : {"sleep", "poll_timeout", "alarm_handled", "timer", "timerfd", "spin",
                          "stop", "pause", "sockets", "sleeping_child", "spinning_child"}) {
    SCOPED_TRACE(how);
    const Waiter waiter({"talk_wait", how});
    EXPECT_FALSE(waiter.EverStuck(100));
  }
}

TEST(WaitsTest, AFifoThatOthersMayOpenIsNotStuck) {
  char folder[] = "/tmp/cordon_waits_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = absl::StrCat(folder, "/fifo");
  {
    const Waiter waiter({"talk_wait", "fifo", path});
    EXPECT_FALSE(waiter.EverStuck(100));
  }
  ::unlink(path.c_str());
  ::rmdir(folder);
}

struct HeldLook {
  bool held = false;
  bool stuck = false;
  uint64_t switches = 0;  // of the first thread
};

// A look in a process of its own, held before its `stop`th call of the kernel for `meanwhile`.
HeldLook LookHeldAt(pid_t init, int stop, const std::function<void()>& meanwhile) {
  const Pipe answer = MakePipe().value();
  const pid_t looker = ::fork();
  if (looker == 0) {
    ::ptrace(PTRACE_TRACEME, 0, 0, 0);
    ::raise(SIGSTOP);
    const TreeWaits seen = LookAtWaits(init);
    const uint64_t words[] = {seen.stuck ? 1u : 0u,
                              seen.threads.empty() ? 0 : seen.threads[0].switches};
    ::_exit(::write(answer.write.get(), words, sizeof(words)) == sizeof(words) ? 0 : 1);
  }
  HeldLook look;
  int status = 0;
  ::waitpid(looker, &status, 0);
  // Each call stops it twice: before and behind.
  for (int stops = 0; WIFSTOPPED(status); ++stops) {
    if (stops == 2 * stop + 1) {
      look.held = true;
      meanwhile();
    }
    ::ptrace(PTRACE_SYSCALL, looker, 0, 0);
    ::waitpid(looker, &status, 0);
  }
  uint64_t words[2] = {};
  EXPECT_EQ(::read(answer.read.get(), words, sizeof(words)), static_cast<ssize_t>(sizeof(words)));
  look.stuck = words[0] != 0;
  look.switches = words[1];
  return look;
}

// What a look says of a thread that has not run since is right, however long the look takes: a
// child that is made in between is seen, or the thread is seen to have run.
TEST(WaitsTest, AChildThatIsMadeDuringALookIsSeenOrHasLeftATrace) {
  ::alarm(300);
  int stuck = 0;
  int seen = 0;
  for (int stop = 0;; ++stop) {
    SCOPED_TRACE(stop);
    const Waiter waiter({"talk_wait", "later_child"});
    while (!LookAtWaits(waiter.init()).stuck) std::this_thread::yield();
    const std::string payload = waiter.payload();
    const HeldLook look = LookHeldAt(waiter.init(), stop, [&] {
      ASSERT_EQ(::write(waiter.input(), "x", 1), 1);
      // Its child, and behind it the next wait.
      while (waiter.Children(payload).empty() ||
             FileText("/proc/" + payload + "/syscall").substr(0, 2) != "0 ") {
        std::this_thread::yield();
      }
    });
    if (!look.held) break;
    const auto status = ParseStatus(FileText("/proc/" + payload + "/status"));
    const uint64_t now = std::stoul(status.at("voluntary_ctxt_switches")) +
                         std::stoul(status.at("nonvoluntary_ctxt_switches"));
    EXPECT_FALSE(look.stuck && look.switches == now);
    ++(look.stuck ? stuck : seen);
  }
  ::alarm(0);
  EXPECT_GT(stuck, 0);
  EXPECT_GT(seen, 0);
}

TEST(WaitsTest, SwitchesTellWhetherItHasRun) {
  const Waiter waiter({"talk_slow", "1000000", "20"});
  // It naps between its writes: never stuck, until the pipe is full.
  EXPECT_FALSE(waiter.EverStuck(50));
}

TEST(WaitsTest, NothingToSeeIsNotStuck) {
  EXPECT_FALSE(LookAtWaits(0).stuck);
  EXPECT_FALSE(LookAtWaits(::getpid()).stuck);  // no children
}

}  // namespace
}  // namespace cordon
