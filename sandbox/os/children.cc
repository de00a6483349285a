// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/children.h"

#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

// Whether `pid` is such a child, by its status file.
bool IsChild(pid_t pid, pid_t parent, uint32_t inside) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat("/proc/", pid, "/status"));
  if (!text.ok()) return false;
  std::map<std::string, std::string> status = ParseStatus(*text);
  // One number for each pid namespace that it is in, the innermost last.
  const std::vector<std::string> ids =
      absl::StrSplit(status["NSpid"], absl::ByAnyChar("\t "), absl::SkipEmpty());
  return status["PPid"] == absl::StrCat(parent) && ids.size() > 1 &&
         ids.back() == absl::StrCat(inside);
}

}  // namespace

absl::StatusOr<FoundChild> FindChild(pid_t parent, uint32_t inside) {
  const absl::StatusOr<std::string> children =
      ReadAt(kCwd, absl::StrCat("/proc/", parent, "/task/", parent, "/children"));
  if (!children.ok()) {
    const int error = DetailsOf(children.status())[0].errno_value();
    if (error == ENOENT || error == ESRCH) return absl::NotFoundError("the parent is gone");
    return children.status();
  }
  for (absl::string_view number : absl::StrSplit(*children, ' ', absl::SkipEmpty())) {
    FoundChild child;
    if (!absl::SimpleAtoi(number, &child.pid)) continue;
    absl::StatusOr<UniqueFd> pidfd = OpenPidfd(child.pid);
    if (!pidfd.ok() || !IsChild(child.pid, parent, inside)) continue;
    // Still there behind the reading: so it was this process that was read, not a later one with
    // its number.
    if (IsGone(pidfd->get())) continue;
    child.pidfd = *std::move(pidfd);
    return child;
  }
  return Error(absl::StatusCode::kNotFound,
               absl::StrCat("process ", parent, " has no child ", inside));
}

}  // namespace cordon
