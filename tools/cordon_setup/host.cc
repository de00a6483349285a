// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_setup/host.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon::setup {
namespace {

constexpr unsigned kOthersWrite = 022;

bool Exists(const std::string& root, const std::string& path) { return StatPath(root + path).ok(); }

std::string WordOf(const std::string& root, const std::string& path) {
  return std::string(absl::StripAsciiWhitespace(TextOf(root, path)));
}

// A profile speaks for whatever lies at its path: nobody but root may be able to put something
// there. "" when that is so.
std::string WhyNotTrusted(const std::string& root, const std::string& path) {
  if (path.empty()) return "the command cordon is not beside this program";
  for (std::string part = path;; part = std::string(ParentPath(part))) {
    const absl::StatusOr<FileInfo> info = StatPath(root + part);
    if (!info.ok()) return absl::StrCat(EscapeForPeople(part), " is not there");
    if (info->uid != 0 || (info->mode & kOthersWrite) != 0) {
      return absl::StrCat("others than root may write to ", EscapeForPeople(part));
    }
    if (part == "/") return "";
  }
}

}  // namespace

std::string TextOf(const std::string& root, const std::string& path) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, root + path);
  return text.ok() ? *text : "";
}

Host LookAt(const std::string& root, const std::string& cordon) {
  Host host;
  host.systemd = Exists(root, "/run/systemd/system");
  host.cgroup_v2 = Exists(root, "/sys/fs/cgroup/cgroup.controllers");
  host.apparmor = WordOf(root, "/sys/module/apparmor/parameters/enabled") == "Y";
  host.apparmor_parser = Exists(root, "/usr/sbin/apparmor_parser");
  host.userns_by_profile =
      WordOf(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1";
  host.cordon = cordon;
  host.cordon_why_not = WhyNotTrusted(root, cordon);
  host.subuid = TextOf(root, "/etc/subuid");
  host.subgid = TextOf(root, "/etc/subgid");
  host.userns_clone = WordOf(root, "/proc/sys/kernel/unprivileged_userns_clone");
  host.max_user_namespaces = WordOf(root, "/proc/sys/user/max_user_namespaces");
  return host;
}

}  // namespace cordon::setup
