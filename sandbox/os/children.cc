// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/children.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

// How often a list of children is read before one that is not in it is not there. Kernel: a list
// may miss one while others of it are reaped.
constexpr int kLooks = 3;

// Whether `pid` is such a child, by its status file.
absl::StatusOr<bool> IsChild(pid_t pid, pid_t parent, uint32_t inside) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat("/proc/", pid, "/status"));
  if (!text.ok()) {
    if (SaysGone(text.status())) return false;
    return text.status();
  }
  std::map<std::string, std::string> status = ParseStatus(*text);
  // One number for each pid namespace that it is in, the innermost last.
  const std::vector<std::string> ids =
      absl::StrSplit(status["NSpid"], absl::ByAnyChar("\t "), absl::SkipEmpty());
  return status["PPid"] == absl::StrCat(parent) && ids.size() > 1 &&
         ids.back() == absl::StrCat(inside);
}

// Whether every thread in the folder `tasks` is on its way out. One that is gone has no say.
absl::StatusOr<bool> AllExit(int process, std::vector<std::string>* tasks) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd folder, OpenAt(process, "task", O_RDONLY | O_DIRECTORY));
  CORDON_ASSIGN_OR_RETURN(*tasks, ListDirectory(folder.get()));
  std::sort(tasks->begin(), tasks->end());
  for (const std::string& task : *tasks) {
    const absl::StatusOr<std::string> stat = ReadAt(folder.get(), absl::StrCat(task, "/stat"));
    if (!stat.ok() && SaysGone(stat.status())) continue;
    if (!stat.ok()) return stat.status();
    CORDON_ASSIGN_OR_RETURN(const ProcessPlace place, ParsePlace(*stat));
    if (!place.exiting) return false;
  }
  return true;
}

// Kernel: do_exit() sets PF_EXITING before it gives up the descriptors, and whoever sees a pipe
// closed by that sees the flag. A list of threads is no snapshot: one that was listed may have made
// another one before it left, or, in an exec, become the first thread. Neither passes two lists.
absl::StatusOr<bool> EveryThreadExits(pid_t pid) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd process,
                          OpenAt(kCwd, absl::StrCat("/proc/", pid), O_RDONLY | O_DIRECTORY));
  std::vector<std::string> before;
  std::vector<std::string> after;
  for (std::vector<std::string>* tasks : {&before, &after}) {
    CORDON_ASSIGN_OR_RETURN(const bool all, AllExit(process.get(), tasks));
    if (!all) return false;
  }
  // Nobody has come.
  return std::includes(before.begin(), before.end(), after.begin(), after.end());
}

absl::StatusOr<FoundChild> LookForChild(pid_t parent, uint32_t inside) {
  const absl::StatusOr<std::string> children =
      ReadAt(kCwd, absl::StrCat("/proc/", parent, "/task/", parent, "/children"));
  if (!children.ok()) {
    // Kernel: without CONFIG_PROC_CHILDREN no process has this file, and none is known to be gone.
    const bool there = ReadAt(kCwd, absl::StrCat("/proc/", parent, "/stat")).ok();
    if (!there && SaysGone(children.status())) return absl::NotFoundError("the parent is gone");
    return children.status();
  }
  for (absl::string_view number : absl::StrSplit(*children, ' ', absl::SkipEmpty())) {
    FoundChild child;
    if (!absl::SimpleAtoi(number, &child.pid)) continue;
    absl::StatusOr<UniqueFd> pidfd = OpenPidfd(child.pid);
    if (!pidfd.ok() && SaysGone(pidfd.status())) continue;
    if (!pidfd.ok()) return pidfd.status();
    CORDON_ASSIGN_OR_RETURN(const bool is_it, IsChild(child.pid, parent, inside));
    // Still there behind the reading: so it was this process that was read, not a later one with
    // its number.
    if (!is_it || IsGone(pidfd->get())) continue;
    child.pidfd = *std::move(pidfd);
    return child;
  }
  return absl::NotFoundError("not in the list");
}

}  // namespace

bool SaysGone(const absl::Status& status) {
  const int error = DetailsOf(status)[0].errno_value();
  return error == ENOENT || error == ESRCH;
}

absl::StatusOr<FoundChild> FindChild(pid_t parent, uint32_t inside) {
  for (int look = 0; look < kLooks; ++look) {
    absl::StatusOr<FoundChild> found = LookForChild(parent, inside);
    if (found.ok() || !absl::IsNotFound(found.status())) return found;
  }
  return Error(absl::StatusCode::kNotFound,
               absl::StrCat("process ", parent, " has no child ", inside));
}

absl::StatusOr<bool> IsEnding(pid_t pid, int pidfd) {
  if (Readable(pidfd, 0)) return true;
  const absl::StatusOr<bool> exits = EveryThreadExits(pid);
  if (exits.ok() && *exits) return true;
  if (IsGone(pidfd)) return true;
  if (exits.ok() || SaysGone(exits.status())) return false;
  return exits.status();
}

}  // namespace cordon
