// SPDX-License-Identifier: Apache-2.0
#include "sandbox/host/scope.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/companion.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr int kHelperMs = 15000;  // the helper itself gives up after 10 s

// The innermost slice of a path that the manager who will make the scope has itself: what stands
// above a user's manager is not its own, and what stands below the first unit of another kind is of
// whom that was delegated to. A name of another manager's would be a new slice at the top.
std::string SliceOf(absl::string_view path, bool system) {
  std::string slice;
  bool own = system;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (!own) {
      own = absl::StartsWith(part, "user@") && absl::EndsWith(part, ".service");
    } else if (absl::EndsWith(part, ".slice")) {
      slice = std::string(part);
    } else {
      break;
    }
  }
  return slice;
}

}  // namespace

ScopeRequest DecideScope(const CgroupBase& base, absl::string_view own_path, bool marked,
                         bool root) {
  ScopeRequest request;
  const bool usable = !base.directory.empty();
  if (usable && (!base.leave || marked || UnitOfGroup(own_path).empty())) return request;
  request.needed = true;
  request.system = root;
  request.slice = SliceOf(own_path, root);
  return request;
}

absl::Status EnterOwnScope(const std::string& helper) {
  if (!SystemdRuns()) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> all, FindHierarchies());
  const Hierarchy* unified = FindV2(all);
  if (unified == nullptr || FindV1(all, "memory") != nullptr) return absl::OkStatus();
  const CgroupBase base = FindCgroupBase(*unified, true);
  const ScopeRequest request = DecideScope(
      base, unified->own_path, MarkedAsDelegated(unified->own_dir), EffectiveUid() == 0);
  if (!request.needed) return absl::OkStatus();
  const std::string unit = absl::StrCat(FreshGroupName(), ".scope");
  std::string program = helper;
  if (program.empty()) {
    CORDON_ASSIGN_OR_RETURN(program, BesideThisProgram("cordon-scope"));
  }
  std::vector<std::string> arguments = {request.system ? "system" : "user",
                                        absl::StrCat(CurrentPid()), unit};
  if (!request.slice.empty()) arguments.push_back(request.slice);
  CORDON_RETURN_IF_ERROR(WithLayer(RunCompanion(program, arguments, kHelperMs).status(), "cgroup"));
  // The manager's word is not enough: the kernel's is.
  CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> now, FindHierarchies());
  const Hierarchy* after = FindV2(now);
  if (after != nullptr && UnitOfGroup(after->own_path) == unit) return absl::OkStatus();
  return Error(absl::StatusCode::kUnavailable,
               absl::StrCat("systemd said that ", unit, " is there, and we are not in it"))
      .Layer("cgroup");
}

absl::StatusOr<absl::optional<SupervisorLeaf>> StepAside() {
  absl::optional<SupervisorLeaf> leaf;
  CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> all, FindHierarchies());
  if (FindV2(all) == nullptr || FindV1(all, "memory") != nullptr) return leaf;
  CORDON_ASSIGN_OR_RETURN(const LockedBase locked, LockOwnBase());
  if (locked.base.directory.empty()) return leaf;
  if (!locked.base.leave) return SupervisorLeaf::Current(locked.unified);
  CORDON_ASSIGN_OR_RETURN(SupervisorLeaf entered, SupervisorLeaf::Enter(locked.base));
  leaf.emplace(std::move(entered));
  return leaf;
}

void ExplainScope(const absl::Status& scope, v1::HostFacts* facts) {
  if (scope.ok()) return;
  facts->set_cgroup_why(absl::StrCat("systemd gave no scope (", DetailsOf(scope)[0].message(),
                                     "); ", facts->cgroup_why()));
}

}  // namespace cordon
