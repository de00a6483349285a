// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/read_back.h"

#include <fcntl.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr const char* kNamespaces[] = {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup"};
constexpr size_t kMountInfoLimit = 16 << 20;

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ReadDescriptors(int proc) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd fds, OpenAt(proc, "fd", O_RDONLY | O_DIRECTORY));
  CORDON_ASSIGN_OR_RETURN(const std::vector<std::string> numbers, ListDirectory(fds.get()));
  std::map<std::string, std::string> found;
  for (const std::string& number : numbers) {
    CORDON_ASSIGN_OR_RETURN(found[number], ReadLinkAt(fds.get(), number));
  }
  return found;
}

absl::StatusOr<ReadBack> TakeReadBack(pid_t pid) {
  ReadBack back;
  CORDON_ASSIGN_OR_RETURN(back.proc,
                          OpenAt(kCwd, absl::StrCat("/proc/", pid), O_RDONLY | O_DIRECTORY));
  const int proc = back.proc.get();
  back.pid = pid;
  CORDON_ASSIGN_OR_RETURN(const std::string stat, ReadAt(proc, "stat"));
  CORDON_ASSIGN_OR_RETURN(back.place, ParsePlace(stat));
  back.own_keyring = SessionKeyring();
  back.own_groups = absl::StrJoin(SupplementaryGroups(), " ");
  CORDON_ASSIGN_OR_RETURN(const std::string status, ReadAt(proc, "status"));
  back.status = ParseStatus(status);
  CORDON_ASSIGN_OR_RETURN(const std::string uid_map, ReadAt(proc, "uid_map"));
  CORDON_ASSIGN_OR_RETURN(back.uid_map, ParseIdMap(uid_map));
  CORDON_ASSIGN_OR_RETURN(const std::string gid_map, ReadAt(proc, "gid_map"));
  CORDON_ASSIGN_OR_RETURN(back.gid_map, ParseIdMap(gid_map));
  CORDON_ASSIGN_OR_RETURN(const std::string setgroups, ReadAt(proc, "setgroups"));
  back.setgroups = std::string(absl::StripAsciiWhitespace(setgroups));
  CORDON_ASSIGN_OR_RETURN(const std::string mounts, ReadAt(proc, "mountinfo", kMountInfoLimit));
  CORDON_ASSIGN_OR_RETURN(back.mounts, ParseMountInfo(mounts));
  CORDON_ASSIGN_OR_RETURN(const std::string limits, ReadAt(proc, "limits"));
  CORDON_ASSIGN_OR_RETURN(back.limits, ParseLimits(limits));
  CORDON_ASSIGN_OR_RETURN(const std::string cgroup, ReadAt(proc, "cgroup"));
  CORDON_ASSIGN_OR_RETURN(back.cgroup, ParseCgroupFile(cgroup));
  CORDON_ASSIGN_OR_RETURN(const std::string devices, ReadAt(proc, "net/dev"));
  back.network_devices = ParseNetDev(devices);
  for (const char* name : kNamespaces) {
    const std::string path = absl::StrCat("ns/", name);
    CORDON_ASSIGN_OR_RETURN(back.namespaces[name], ReadLinkAt(proc, path));
    CORDON_ASSIGN_OR_RETURN(back.own_namespaces[name],
                            ReadLinkAt(kCwd, absl::StrCat("/proc/self/", path)));
  }
  CORDON_ASSIGN_OR_RETURN(back.descriptors, ReadDescriptors(proc));
  // Not there, or refused (EINVAL, when AppArmor is built in and off), is no label.
  absl::StatusOr<std::string> label = ReadAt(proc, "attr/apparmor/current");
  if (label.ok()) back.apparmor = *std::move(label);
  return back;
}

absl::Status ReadPlaces(const std::vector<std::string>& paths, ReadBack* back) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd root,
                          OpenAt(back->proc.get(), "root", O_PATH | O_DIRECTORY));
  for (const std::string& path : paths) {
    const absl::StatusOr<UniqueFd> there = OpenInRoot(root.get(), path);
    if (there.ok()) {
      CORDON_ASSIGN_OR_RETURN(back->places[path], StatFd(there->get()));
      continue;
    }
    const std::string error = DetailsOf(there.status())[0].errno_name();
    if (error != "ENOENT" && error != "ENOTDIR") return there.status();
  }
  return absl::OkStatus();
}

std::string FieldOf(const std::map<std::string, std::string>& status, absl::string_view field) {
  const auto it = status.find(std::string(field));
  return it == status.end() ? "nothing" : it->second;
}

absl::Status Mismatch(absl::string_view layer, absl::string_view what, absl::string_view expected,
                      absl::string_view found) {
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("the kernel's read-back differs from the plan: ", what, ": expected ",
                            expected, ", found ", found))
      .Stage("verify")
      .Layer(layer)
      .Hint("this is a defect of Cordon or of the host; the job was not started");
}

}  // namespace cordon
