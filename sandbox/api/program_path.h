// SPDX-License-Identifier: Apache-2.0
// From the command as a user types it, seen on the host, to where the program is inside.
#ifndef CORDON_SANDBOX_API_PROGRAM_PATH_H_
#define CORDON_SANDBOX_API_PROGRAM_PATH_H_

#include <string>

#include "absl/status/status.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/policy.pb.h"

namespace cordon {

// A command with a slash names a file of the host. When a bind mount of the policy or of the job
// shows it, its path inside is `exec_path`; otherwise the one file is bound read-only into the
// working directory (job->program_source and program_target). A file that the host does not have
// is taken as a path inside. Links on the way are followed where they are root's; one of somebody
// else is an error (os/trusted_path.h). A command without a slash is left to PATH: `exec_path`
// stays empty.
absl::Status PlaceProgram(const v1::Policy& policy, v1::JobSpec* job, std::string* exec_path);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_PROGRAM_PATH_H_
