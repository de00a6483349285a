// SPDX-License-Identifier: Apache-2.0
// userns: one id inside, one unprivileged id outside, no supplementary groups where the kernel
// lets us drop them (an unprivileged caller may not: kernel rule of CVE-2014-8989).
#include <asm/unistd.h>
#include <linux/sched.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

constexpr char kNestedProbe[] = "userns.nested";

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

absl::Status CheckIds(const std::map<std::string, std::string>& status, absl::string_view whose,
                      const char* field, uint32_t id) {
  // Real, effective, saved and file system id, as this process sees them: host ids.
  const std::string expected = absl::StrCat(id, "\t", id, "\t", id, "\t", id);
  const std::string found = FieldOf(status, field);
  if (found != expected) {
    return Mismatch("userns", absl::StrCat(field, whose), expected, found);
  }
  return absl::OkStatus();
}

}  // namespace

std::string UsernsDetail(const VerifyInput& input) {
  if (input.privileged || input.back.own_groups.empty()) return "";
  return absl::StrCat("keeps the caller's supplementary groups on the host (",
                      input.back.own_groups, "): only root may drop them");
}

absl::Status LowerUserns(Phase phase, const LowerInput&, SetupBuilder* builder) {
  // Behind the point at which the twin is read: where it succeeds, it gives capabilities.
  if (phase == Phase::kTwin) {
    builder->AddProbe(kNestedProbe,
                      MakeProbe(__NR_unshare, {CLONE_NEWUSER}, child::kProbeReleased));
  }
  return absl::OkStatus();  // SetIds is the skeleton's: it separates two phases
}

absl::Status VerifyUserns(const VerifyInput& input) {
  const v1::UsernsPlan& plan = input.plan.userns();
  absl::Status status = CheckMap("uid_map", input.back.uid_map, plan.uid(), input.ids.uid);
  status.Update(CheckMap("gid_map", input.back.gid_map, plan.gid(), input.ids.gid));
  if (input.ids.uid == 0 || input.ids.gid == 0) {
    status.Update(Mismatch("userns", "host id", "an unprivileged one", "0"));
  }
  const std::map<std::string, std::string>* shown[] = {&input.back.status, &input.twin.standing,
                                                       &input.twin.dead};
  for (const auto* each : shown) {
    const absl::string_view whose = each == shown[0] ? "" : " of the twin";
    status.Update(CheckIds(*each, whose, "Uid", input.ids.uid));
    status.Update(CheckIds(*each, whose, "Gid", input.ids.gid));
    const std::string groups = FieldOf(*each, "Groups");
    const std::string wanted = input.privileged ? "" : input.back.own_groups;
    if (groups != wanted) {
      status.Update(Mismatch("userns", absl::StrCat("Groups", whose),
                             wanted.empty() ? "none" : wanted, groups.empty() ? "none" : groups));
    }
  }
  // Of a map that root wrote it stays as it was; the groups are gone, and nobody may set any.
  const char* setgroups = input.privileged ? "allow" : "deny";
  if (input.back.setgroups != setgroups) {
    status.Update(Mismatch("userns", "setgroups", setgroups, input.back.setgroups));
  }
  const int64_t nested = input.twin.Answer(kNestedProbe, child::kProbeReleased);
  if (nested != -ENOSPC) {
    status.Update(Mismatch("userns", "a user namespace inside this one",
                           "ENOSPC (user.max_user_namespaces = 0)", AnswerText(nested)));
  }
  return status;
}

}  // namespace cordon
