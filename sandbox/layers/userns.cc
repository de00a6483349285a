// SPDX-License-Identifier: Apache-2.0
// userns: one id inside, one unprivileged id outside, no supplementary groups where the kernel
// lets us drop them (an unprivileged caller may not: kernel rule of CVE-2014-8989).
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

absl::Status CheckMap(absl::string_view what, const std::vector<IdRange>& map, uint64_t inside,
                      uint64_t outside) {
  if (map.size() == 1 && map[0].inside == inside && map[0].outside == outside &&
      map[0].count == 1) {
    return absl::OkStatus();
  }
  std::string found;
  for (const IdRange& range : map) {
    absl::StrAppend(&found, "[", range.inside, " ", range.outside, " ", range.count, "]");
  }
  return Mismatch("userns", what, absl::StrCat("[", inside, " ", outside, " 1]"), found);
}

absl::Status CheckIds(const VerifyInput& input, const char* field, uint32_t id) {
  // Real, effective, saved and file system id, as this process sees them: host ids.
  const std::string expected = absl::StrCat(id, "\t", id, "\t", id, "\t", id);
  const auto it = input.back.status.find(field);
  const std::string found = it == input.back.status.end() ? "nothing" : it->second;
  if (found != expected) return Mismatch("userns", field, expected, found);
  return absl::OkStatus();
}

}  // namespace

absl::Status LowerUserns(Phase, const LowerInput&, SetupBuilder*) {
  return absl::OkStatus();  // SetIds is the skeleton's: it separates two phases
}

absl::Status VerifyUserns(const VerifyInput& input) {
  const v1::UsernsPlan& plan = input.plan.userns();
  absl::Status status = CheckMap("uid_map", input.back.uid_map, plan.uid(), input.ids.uid);
  status.Update(CheckMap("gid_map", input.back.gid_map, plan.gid(), input.ids.gid));
  status.Update(CheckIds(input, "Uid", input.ids.uid));
  status.Update(CheckIds(input, "Gid", input.ids.gid));
  if (input.ids.uid == 0 || input.ids.gid == 0) {
    status.Update(Mismatch("userns", "host id", "an unprivileged one", "0"));
  }
  if (input.privileged) {
    const auto groups = input.back.status.find("Groups");
    if (groups == input.back.status.end() || !groups->second.empty()) {
      status.Update(Mismatch("userns", "Groups", "none",
                             groups == input.back.status.end() ? "nothing" : groups->second));
    }
  } else if (input.back.setgroups != "deny") {
    status.Update(Mismatch("userns", "setgroups", "deny", input.back.setgroups));
  }
  return status;
}

}  // namespace cordon
