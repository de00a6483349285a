// SPDX-License-Identifier: Apache-2.0
// What the kernel says about a process before its program begins, the payload or a health check,
// compared with what the gate has verified of the payload: its twin. Entry points: LookOf,
// ReadProcess, VerifyPayload, VerifyCheck.
#ifndef CORDON_SANDBOX_LAYERS_CHECK_BACK_H_
#define CORDON_SANDBOX_LAYERS_CHECK_BACK_H_

#include <sys/types.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/layers/twin_back.h"
#include "sandbox/os/procfs.h"

namespace cordon {

// A process under all of its layers and before its program.
struct ProcessLook {
  std::map<std::string, std::string> status;
  std::map<std::string, LimitRow> limits;
  std::string oom_score_adj;
  std::string cgroup;  // all of /proc/PID/cgroup
};

// Of the payload, by its twin as the gate has seen it. Without `cgroup`: the host may have moved
// the whole group since.
ProcessLook LookOf(const TwinBack& twin);

// NOT_FOUND when it is gone, and only then.
absl::StatusOr<ProcessLook> ReadProcess(pid_t pid);

// The payload itself, which waits behind its filter, has exactly what its twin had: ids, groups,
// capabilities, no_new_privs, filters, limits, out-of-memory score, control groups.
absl::Status VerifyPayload(const ProcessLook& twin, const ProcessLook& payload);

// The check has what the payload has: ids, groups, capabilities, no_new_privs, filters, limits (the
// job may have lowered some of them), out-of-memory score, control groups. UNAVAILABLE: its filter
// is not there yet, look again; everything else is a difference.
absl::Status VerifyCheck(const ProcessLook& payload, const ProcessLook& check);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_CHECK_BACK_H_
