// SPDX-License-Identifier: Apache-2.0
// Outputs of jobs that later jobs use: which there will be, and which there are. PURE.
#ifndef CORDON_POLICY_BATCH_ARTIFACTS_H_
#define CORDON_POLICY_BATCH_ARTIFACTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/batch/jobs.h"
#include "policy/proto/error.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/report.pb.h"

namespace cordon {

// The names of what the job leaves.
std::vector<std::string> ArtifactsOf(const v1::BatchJob& job);

// Every artifact that the job names is one that a job in its `after` leaves. Adds an error for each
// that is not. `left_by` gives the names of what the n-th job of its `after` leaves.
void CheckArtifacts(const BatchTask& task,
                    const std::function<std::vector<std::string>(size_t n)>& left_by,
                    std::vector<v1::ErrorDetail>* errors);

// Whether the job leaves artifacts or names some: it needs a store then.
bool UsesArtifacts(const v1::BatchJob& job);

// Puts into `spec`, which has the job's copy_in and binds, the objects that the artifacts became:
// entries with `artifact` become entries with `stored`, one per file of a folder, and
// `bind_artifact` becomes binds of files in the folder `store`. `report_of` gives the report of a
// job in `after`, or null. An error: the job has left none of that name (an optional one).
absl::Status ResolveArtifacts(
    const v1::BatchJob& job, absl::string_view store,
    const std::function<const v1::Report*(const std::string& job)>& report_of, v1::JobSpec* spec);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_ARTIFACTS_H_
