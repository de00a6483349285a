// SPDX-License-Identifier: Apache-2.0
// What cordon-setup will do, as a list; pure. Nothing here looks at a host or changes one.
#ifndef CORDON_TOOLS_CORDON_SETUP_PLAN_H_
#define CORDON_TOOLS_CORDON_SETUP_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace cordon::setup {

// What the plan depends on; looked up by host.h.
struct Host {
  bool systemd = false;
  bool cgroup_v2 = false;
  bool apparmor = false;           // the kernel enforces it
  bool apparmor_parser = false;    // and profiles can be loaded
  bool userns_by_profile = false;  // user namespaces are for named programs only (Ubuntu)
  std::string cordon;              // path of the command, which only root may be able to write
  std::string cordon_why_not;      // why it cannot be named in a profile
  std::string subuid;              // texts of the files of these names, "" when there is none
  std::string subgid;
  std::string userns_clone;         // of kernel.unprivileged_userns_clone, "" when there is none
  std::string max_user_namespaces;  // of user.max_user_namespaces
};

struct Action {
  enum class Kind {
    kFile,       // write `content` to `path` with mode 0644, folders above it with 0755
    kProfile,    // the same, and load it
    kNamespace,  // make the AppArmor policy namespace `path`
    kCommand,    // run `argv`
    kNote,       // say `content`
  };
  Kind kind = Kind::kNote;
  std::string path;
  std::string content;
  std::vector<std::string> argv;
  std::string when;  // kCommand: only when a file of this path, or below it, was changed
};

std::vector<Action> PlanOf(const Host& host, const std::vector<uint32_t>& users);

// Whether a job's host ids (sandbox/launch/sources.h) could be those of somebody's range in
// /etc/subuid or /etc/subgid: the first such line, "" when there is none.
std::string RangeInTheWay(const std::string& subid);

// The uid of "ann", or of "1000", in the text of /etc/passwd.
absl::StatusOr<uint32_t> UidOf(const std::string& user, const std::string& passwd);

}  // namespace cordon::setup

#endif  // CORDON_TOOLS_CORDON_SETUP_PLAN_H_
