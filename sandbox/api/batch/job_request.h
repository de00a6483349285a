// SPDX-License-Identifier: Apache-2.0
// From a job of a batch, or one of its sandboxes, to what is asked of the library.
#ifndef CORDON_SANDBOX_API_BATCH_JOB_REQUEST_H_
#define CORDON_SANDBOX_API_BATCH_JOB_REQUEST_H_

#include <vector>

#include "policy/proto/batch.pb.h"
#include "sandbox/api/run_job.h"

namespace cordon {

// Binds are taken from the current directory.
RunRequest RequestOf(const v1::BatchJob& job);
// One for each sandbox of a job of several, one for any other.
std::vector<RunRequest> RequestsOf(const v1::BatchJob& job);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_JOB_REQUEST_H_
