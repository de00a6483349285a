// SPDX-License-Identifier: Apache-2.0
// Kernel: `children` of /proc/PID/task/TID needs CONFIG_PROC_CHILDREN, `timers`
// CONFIG_CHECKPOINT_RESTORE; Debian has both. `syscall` and `fd` need the right to trace. A
// supervisor has it over its jobs, also over those that are not dumpable and where Yama is strict:
// it owns their user namespace, and so has every capability there.
#include "sandbox/supervise/waits.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <map>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

constexpr size_t kMostThreads = 512;

bool IsPipe(absl::string_view link) { return absl::StartsWith(link, "pipe:["); }

// What a descriptor leads to, if nothing but another process can make it ready.
std::optional<std::string> LinkOf(int process, const std::string& path) {
  absl::StatusOr<std::string> link = ReadLinkAt(process, path);
  if (!link.ok()) return std::nullopt;
  if (IsPipe(*link) || *link == "anon_inode:[eventfd]" || *link == "anon_inode:[eventpoll]") {
    return *std::move(link);
  }
  if (!absl::StartsWith(*link, "/")) return std::nullopt;
  // A FIFO of a bind mount may have a writer outside.
  const absl::StatusOr<UniqueFd> object = OpenAt(process, path, O_PATH);
  if (!object.ok()) return std::nullopt;
  const absl::StatusOr<FileInfo> info = StatFd(object->get());
  if (!info.ok()) return std::nullopt;
  if (!info->IsRegular() && !info->IsDirectory() && !info->IsCharDevice()) return std::nullopt;
  return *std::move(link);
}

// The pipes among the descriptors of a thread; nothing when one is of another kind.
std::optional<std::vector<std::string>> PipesOf(int process, const std::string& task) {
  const std::string folder = absl::StrCat(task, "/fd");
  const absl::StatusOr<UniqueFd> open = OpenAt(process, folder, O_RDONLY | O_DIRECTORY);
  if (!open.ok()) return std::nullopt;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(open->get());
  if (!names.ok()) return std::nullopt;
  std::vector<std::string> pipes;
  for (const std::string& name : *names) {
    std::optional<std::string> link = LinkOf(process, absl::StrCat(folder, "/", name));
    if (!link.has_value()) return std::nullopt;
    if (IsPipe(*link)) pipes.push_back(*std::move(link));
  }
  std::sort(pipes.begin(), pipes.end());
  pipes.erase(std::unique(pipes.begin(), pipes.end()), pipes.end());
  return pipes;
}

// The name of a call that waits without a time limit for what another process does; "" for others.
std::string WaitsIn(const BlockedCall& call) {
  const std::vector<uint64_t>& arguments = call.arguments;
  [[maybe_unused]] const auto for_ever = [&](size_t argument) {
    return static_cast<int32_t>(static_cast<uint32_t>(arguments[argument])) < 0;
  };
  constexpr uint64_t kOperation = 0x7f;  // of a futex, without its flags
  switch (call.number) {
    case SYS_read:
    case SYS_readv:
      return "read";
    case SYS_write:
    case SYS_writev:
      return "write";
#ifdef SYS_poll
    case SYS_poll:
      return for_ever(2) ? "poll" : "";
    case SYS_select:
      return arguments[4] == 0 ? "poll" : "";
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
      return for_ever(3) ? "poll" : "";
    case SYS_ppoll:
      return arguments[2] == 0 ? "poll" : "";
    case SYS_pselect6:
      return arguments[4] == 0 ? "poll" : "";
    case SYS_wait4:
    case SYS_waitid:
      return "wait";
    case SYS_futex: {
      const uint64_t operation = arguments[1] & kOperation;
      constexpr uint64_t kWait = 0;
      constexpr uint64_t kWaitBitset = 9;
      return (operation == kWait || operation == kWaitBitset) && arguments[3] == 0 ? "futex" : "";
    }
    default:
      return "";
  }
}

uint64_t NumberOf(const std::map<std::string, std::string>& status, const char* name) {
  const auto found = status.find(name);
  uint64_t number = 0;
  if (found == status.end() || !absl::SimpleAtoi(found->second, &number)) return 0;
  return number;
}

// A handler is the only way in which SIGALRM lets a program go on.
bool HandlesAlarm(const std::map<std::string, std::string>& status) {
  const auto found = status.find("SigCgt");
  uint64_t caught = 0;
  if (found == status.end() || !absl::SimpleHexAtoi(found->second, &caught)) return true;
  return (caught >> (SIGALRM - 1) & 1) != 0;
}

// `process` is its folder in /proc, `task` the thread's in it.
std::optional<ThreadWait> WaitOf(int process, const std::string& task,
                                 const std::map<std::string, std::string>& status) {
  if (HandlesAlarm(status)) return std::nullopt;
  const absl::StatusOr<std::string> text = ReadAt(process, absl::StrCat(task, "/syscall"));
  if (!text.ok()) return std::nullopt;
  const absl::StatusOr<BlockedCall> call = ParseBlockedCall(*text);
  if (!call.ok()) return std::nullopt;
  ThreadWait wait;
  wait.call = WaitsIn(*call);
  wait.switches =
      NumberOf(status, "voluntary_ctxt_switches") + NumberOf(status, "nonvoluntary_ctxt_switches");
  if (wait.call.empty() || wait.switches == 0) return std::nullopt;
  std::optional<std::vector<std::string>> pipes = PipesOf(process, task);
  if (!pipes.has_value()) return std::nullopt;
  if (wait.call == "poll") wait.pipes = *std::move(pipes);
  if (wait.call == "read" || wait.call == "write") {
    const auto fd = static_cast<int32_t>(static_cast<uint32_t>(call->arguments[0]));
    const absl::StatusOr<std::string> link = ReadLinkAt(process, absl::StrCat(task, "/fd/", fd));
    if (!link.ok() || !IsPipe(*link)) return std::nullopt;
    wait.pipes.push_back(*link);
  }
  return wait;
}

// The children of the thread whose folder is `task`, below `folder`; false: they cannot be read.
bool AddChildren(int folder, const std::string& task, std::vector<int>* later) {
  const absl::StatusOr<std::string> children = ReadAt(folder, absl::StrCat(task, "/children"));
  if (!children.ok()) return false;
  for (const absl::string_view word : absl::StrSplit(*children, ' ', absl::SkipWhitespace())) {
    if (!absl::SimpleAtoi(word, &later->emplace_back())) return false;
  }
  return true;
}

// False: a thread of it is not stuck. Its children are added to `later`.
bool AddProcess(int pid, TreeWaits* tree, std::vector<int>* later) {
  const absl::StatusOr<UniqueFd> process =
      OpenAt(kCwd, absl::StrCat("/proc/", pid), O_RDONLY | O_DIRECTORY);
  if (!process.ok()) return false;
  const absl::StatusOr<UniqueFd> folder = OpenAt(process->get(), "task", O_RDONLY | O_DIRECTORY);
  if (!folder.ok()) return false;
  const absl::StatusOr<std::vector<std::string>> tasks = ListDirectory(folder->get());
  if (!tasks.ok()) return false;
  bool lives = false;
  for (const std::string& name : *tasks) {
    const std::string task = absl::StrCat("task/", name);
    const absl::StatusOr<std::string> text = ReadAt(process->get(), absl::StrCat(task, "/status"));
    if (!text.ok()) return false;
    const std::map<std::string, std::string> status = ParseStatus(*text);
    const auto state = status.find("State");
    if (state == status.end() || state->second.empty()) return false;
    if (state->second[0] != 'Z' && state->second[0] != 'X') {
      if (state->second[0] != 'S' || tree->threads.size() >= kMostThreads) return false;
      std::optional<ThreadWait> wait = WaitOf(process->get(), task, status);
      if (!wait.has_value() || !absl::SimpleAtoi(name, &wait->thread)) return false;
      tree->threads.push_back(*std::move(wait));
      lives = true;
    }
    // Not before: a child that it makes and then waits would not be looked at.
    if (!AddChildren(process->get(), task, later)) return false;
  }
  if (!lives) return true;
  const absl::StatusOr<std::string> timers = ReadAt(process->get(), "timers");
  return timers.ok() && timers->empty();
}

}  // namespace

bool operator==(const ThreadWait& a, const ThreadWait& b) {
  return a.thread == b.thread && a.switches == b.switches && a.call == b.call && a.pipes == b.pipes;
}

TreeWaits LookAtWaits(pid_t init) {
  TreeWaits tree;
  std::vector<int> later;
  if (!AddChildren(kCwd, absl::StrCat("/proc/", init, "/task/", init), &later)) return tree;
  for (size_t i = 0; i < later.size(); ++i) {
    if (i > 2 * kMostThreads || !AddProcess(later[i], &tree, &later)) return tree;
  }
  tree.stuck = !tree.threads.empty();
  return tree;
}

}  // namespace cordon
