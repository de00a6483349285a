// SPDX-License-Identifier: Apache-2.0
// What one plan allows that another does not, in the terms of what a job may do. Entry point:
// Widened. `cordon diff` prints it, and a policy's ceiling is held by it.
#ifndef CORDON_POLICY_COMPARE_H_
#define CORDON_POLICY_COMPARE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

struct Widening {
  std::string layer;  // "mount", "seccomp" ...
  std::string what;   // "may write to /data, which is the host's /srv/case07"
  std::string field;  // of the policy behind `after`: "mounts.bind[2]"; "" when none stands for it
};

// Everything that a job under `after` may do and one under `before` may not; empty exactly when
// `after` is at least as strict. The relation is reflexive and transitive. Plans must be of the
// same host facts and of `architecture`.
//
// Compared: files of the host that are visible, writable or executable; memory-backed files and
// their quotas; devices; what is hidden; every limit; system calls, decided for all arguments;
// capabilities; network; what file rules of Landlock withhold; and whether a layer has to be there
// (REQUIRED, IF_AVAILABLE, OFF). Not a permission, and not compared: environment, hostname, ids
// shown inside, links, files and folders that the policy itself makes up.
absl::StatusOr<std::vector<Widening>> Widened(const v1::Plan& before, const v1::Plan& after,
                                              Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_COMPARE_H_
