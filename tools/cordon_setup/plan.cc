// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_setup/plan.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "tools/cordon_setup/embedded.h"

namespace cordon::setup {
namespace {

constexpr char kDelegation[] = "/etc/systemd/system/user@.service.d/cordon.conf";
constexpr char kAtBoot[] = "/etc/systemd/system/apparmor.service.d";
constexpr char kNamespaces[] = "/sys/kernel/security/apparmor/policy/namespaces";

// 0x60000000 + the largest pid, see FreshHostId.
constexpr uint64_t kFirstJobId = 0x60000000;
constexpr uint64_t kEndOfJobIds = kFirstJobId + (1 << 22) + 1;

Action Note(const std::string& text) { return {Action::Kind::kNote, "", text, {}, ""}; }

void PlanDelegation(const Host& host, std::vector<Action>* actions) {
  if (!host.cgroup_v2) {
    actions->push_back(
        Note("the controllers of this host are on cgroup v1, which only root can use; boot with "
             "systemd.unified_cgroup_hierarchy=1 for cgroup v2"));
    return;
  }
  if (!host.systemd) {
    actions->push_back(Note(
        "systemd does not run here: make a group for each user below /sys/fs/cgroup and chown it, "
        "its cgroup.procs and its cgroup.subtree_control to them; see kernel documentation, "
        "cgroup-v2, Delegation"));
    return;
  }
  actions->push_back({Action::Kind::kFile,
                      kDelegation,
                      "# Made by cordon-setup; cordon-setup --undo removes it.\n"
                      "[Service]\n"
                      "Delegate=cpu cpuset io memory pids\n",
                      {},
                      ""});
  actions->push_back(
      {Action::Kind::kCommand, "", "", {"/usr/bin/systemctl", "daemon-reload"}, kDelegation});
  actions->push_back(
      Note("users have cpu, cpuset and io from their next login on, when all their sessions have "
           "ended, or at once by: systemctl restart user@UID.service (ends what runs in it)"));
}

void PlanProfiles(const Host& host, std::vector<Action>* actions) {
  if (!host.apparmor) {
    actions->push_back(
        Note("this kernel does not enforce AppArmor: boot with apparmor=1, and "
             "apparmor in the list lsm= where there is one"));
    return;
  }
  if (!host.apparmor_parser) {
    actions->push_back(
        Note("profiles cannot be loaded: apt-get install apparmor, then run this again"));
    return;
  }
  actions->push_back(
      {Action::Kind::kProfile, "/etc/apparmor.d/cordon-job", kProfileOfJobs, {}, ""});
  if (!host.userns_by_profile) return;
  if (!host.cordon_why_not.empty()) {
    actions->push_back(Note(absl::StrCat(
        "this host gives user namespaces to named programs only, and ", host.cordon_why_not,
        ": install Cordon where only root may write, then run this again")));
    return;
  }
  actions->push_back({Action::Kind::kProfile,
                      "/etc/apparmor.d/cordon",
                      absl::StrReplaceAll(kProfileOfCommand, {{"@CORDON@", host.cordon}}),
                      {},
                      ""});
}

// One namespace per user: whoever may enter it may replace every profile in it.
void PlanNamespaces(const Host& host, const std::vector<uint32_t>& users,
                    std::vector<Action>* actions) {
  if (users.empty() || !host.apparmor || !host.apparmor_parser) return;
  // Namespaces do not outlive the kernel: made again at each boot. Not by tmpfiles.d, which does
  // not make directories there. A file for each user, so that one who is added later replaces
  // nobody's.
  if (host.systemd) {
    for (const uint32_t uid : users) {
      actions->push_back(
          {Action::Kind::kFile,
           absl::StrCat(kAtBoot, "/cordon-", uid, ".conf"),
           absl::StrCat("# Made by cordon-setup; cordon-setup --undo removes it.\n[Service]\n",
                        "ExecStartPost=-/usr/bin/mkdir -p ", kNamespaces, "/cordon-", uid, "\n"),
           {},
           ""});
    }
    actions->push_back(
        {Action::Kind::kCommand, "", "", {"/usr/bin/systemctl", "daemon-reload"}, kAtBoot});
  } else {
    actions->push_back(
        Note(absl::StrCat("at each boot, as root: mkdir ", kNamespaces, "/cordon-UID")));
  }
  for (const uint32_t uid : users) {
    actions->push_back(
        {Action::Kind::kNamespace, absl::StrCat(kNamespaces, "/cordon-", uid), "", {}, ""});
  }
}

void PlanNotes(const Host& host, std::vector<Action>* actions) {
  for (const auto& [file, text] :
       {std::make_pair("/etc/subuid", host.subuid), std::make_pair("/etc/subgid", host.subgid)}) {
    const std::string line = RangeInTheWay(text);
    if (line.empty()) continue;
    actions->push_back(Note(absl::StrCat(
        file, " gives \"", EscapeForPeople(line), "\", and jobs that root starts run under ids ",
        kFirstJobId, " to ", kEndOfJobIds - 1, ": move that range, or start jobs as a user")));
  }
  if (host.userns_clone == "0") {
    actions->push_back(Note(
        "users may not make user namespaces: sysctl kernel.unprivileged_userns_clone=1, and the "
        "same line in /etc/sysctl.d/"));
  }
  if (host.max_user_namespaces == "0") {
    actions->push_back(
        Note("user namespaces are switched off: sysctl user.max_user_namespaces=10000, and the "
             "same line in /etc/sysctl.d/"));
  }
}

}  // namespace

std::vector<Action> PlanOf(const Host& host, const std::vector<uint32_t>& users) {
  std::vector<Action> actions;
  PlanDelegation(host, &actions);
  PlanProfiles(host, &actions);
  PlanNamespaces(host, users, &actions);
  PlanNotes(host, &actions);
  return actions;
}

std::string RangeInTheWay(const std::string& subid) {
  for (const absl::string_view line : absl::StrSplit(subid, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ':');
    uint64_t first = 0;
    uint64_t count = 0;
    if (parts.size() != 3 || !absl::SimpleAtoi(parts[1], &first) ||
        !absl::SimpleAtoi(parts[2], &count)) {
      continue;
    }
    if (first < kEndOfJobIds && count > 0 &&
        count > (first < kFirstJobId ? kFirstJobId - first : 0)) {
      return std::string(line);
    }
  }
  return "";
}

absl::StatusOr<uint32_t> UidOf(const std::string& user, const std::string& passwd) {
  uint32_t uid = 0;
  bool found = absl::SimpleAtoi(user, &uid);
  for (const absl::string_view line : absl::StrSplit(passwd, '\n')) {
    if (found) break;
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ':');
    found = parts.size() > 2 && parts[0] == user && absl::SimpleAtoi(parts[2], &uid);
  }
  if (!found) {
    return Error(absl::StatusCode::kNotFound,
                 absl::StrCat("/etc/passwd has no user \"", EscapeForPeople(user), "\""))
        .Hint("name a user of /etc/passwd, or a uid");
  }
  if (uid == 0) {
    return Error(absl::StatusCode::kInvalidArgument, "root needs no policy namespace of its own");
  }
  return uid;
}

}  // namespace cordon::setup
