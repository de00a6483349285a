// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/held.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

absl::StatusOr<std::string> GroupsOf(const Child& init) {
  return ReadAt(kCwd, absl::StrCat("/proc/", init.pid, "/cgroup"));
}

absl::Status Compare(const Sandbox& sandbox, const FoundChild& process, HeldRule* rule) {
  CORDON_ASSIGN_OR_RETURN(const ProcessLook found, ReadProcess(process.pid));
  ProcessLook wanted = sandbox.payload_look();
  CORDON_ASSIGN_OR_RETURN(wanted.cgroup, GroupsOf(sandbox.child()));
  return rule(wanted, found);
}

absl::Status CompareGroup(const Child& init, CgroupLease* lease) {
  CORDON_RETURN_IF_ERROR(lease->VerifyLimits());
  CORDON_ASSIGN_OR_RETURN(const std::string text, GroupsOf(init));
  CORDON_ASSIGN_OR_RETURN(const std::vector<CgroupLine> lines, ParseCgroupFile(text));
  absl::Status member = lease->VerifyMember(lines);
  if (member.ok() || lease->ShowsGroupOfDead()) return member;
  CORDON_ASSIGN_OR_RETURN(const bool unknown, IsEnding(init.pid, init.pidfd.get()));
  return unknown ? absl::OkStatus() : member;
}

absl::Status VerifyGroup(const Child& init, CgroupLease* lease) {
  absl::Status same = CompareGroup(init, lease);
  // A file that cannot be read says nothing of a change.
  if (same.ok() || DetailsOf(same)[0].errno_value() != 0) return same;
  return Error(same.code(), absl::StrCat("the job's control group was changed while it ran: ",
                                         DetailsOf(same)[0].message()))
      .Layer("cgroup")
      .Hint(
          "another manager of control groups did it; give Cordon a delegated subtree that nobody "
          "else writes to (Delegate=yes)");
}

}  // namespace

absl::StatusOr<Held> LookAtHeld(const Sandbox& sandbox, const FoundChild& process, HeldRule* rule) {
  const absl::Status same = Compare(sandbox, process, rule);
  if (same.ok()) return Held::kYes;
  // Of a process that was dying while it was read nothing is sure, and nothing comes of it. Kernel:
  // on cgroup v1 it is in no group any more long before it is seen to have ended. An init that has
  // been killed takes the others with it, but is in no group first.
  const Child& init = sandbox.child();
  CORDON_ASSIGN_OR_RETURN(const bool ends, IsEnding(process.pid, process.pidfd.get()));
  if (ends) return Held::kEnds;
  CORDON_ASSIGN_OR_RETURN(const bool all_end, IsEnding(init.pid, init.pidfd.get()));
  if (all_end) return Held::kEnds;
  if (absl::IsUnavailable(same)) return Held::kNotYet;
  return same;
}

absl::StatusOr<bool> PayloadWaits(const Sandbox& sandbox, uint32_t inside) {
  const absl::StatusOr<FoundChild> payload = FindChild(sandbox.child().pid, inside);
  if (absl::IsNotFound(payload.status())) return false;
  if (!payload.ok()) return payload.status();
  CORDON_ASSIGN_OR_RETURN(const Held held, LookAtHeld(sandbox, *payload, VerifyPayload));
  return held == Held::kYes;
}

void GroupAtEnd::Look(const Sandbox& sandbox, bool init_ended) {
  CgroupLease* const lease = sandbox.lease();
  if (lease == nullptr || looked_ || (!init_ended && lease->ShowsGroupOfDead())) return;
  looked_ = true;
  status_ = VerifyGroup(sandbox.child(), lease);
}

}  // namespace cordon
