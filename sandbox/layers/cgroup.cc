// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup.h"

#include "policy/base/status.h"
#include "sandbox/layers/cgroup_group.h"

namespace cordon {

absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroup(const v1::CgroupPlan& plan,
                                                          const v1::HostFacts& facts) {
  switch (facts.cgroup_mode()) {
    case v1::HostFacts::CGROUP_V1:
      return CreateCgroupV1(plan);
    case v1::HostFacts::CGROUP_V2:
      return CreateCgroupV2(plan);
    default:
      return Error(absl::StatusCode::kFailedPrecondition, "the host has no usable control groups")
          .Layer("cgroup")
          .Hint(facts.cgroup_why());
  }
}

absl::Status ProbeCgroup(v1::HostFacts* facts) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> all, FindHierarchies());
  // The memory controller decides: it is on one hierarchy only.
  if (FindV1(all, "memory") != nullptr) {
    facts->set_cgroup_mode(v1::HostFacts::CGROUP_V1);
    return ProbeCgroupV1(all, facts);
  }
  if (FindV2(all) != nullptr) {
    facts->set_cgroup_mode(v1::HostFacts::CGROUP_V2);
    return ProbeCgroupV2(all, facts);
  }
  facts->set_cgroup_mode(v1::HostFacts::CGROUP_NONE);
  facts->set_cgroup_why("no cgroup hierarchy is mounted; mount cgroup2 on /sys/fs/cgroup");
  return absl::OkStatus();
}

}  // namespace cordon
