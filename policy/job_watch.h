// SPDX-License-Identifier: Apache-2.0
// What a job asks of its supervisor beside limits: a timeline, how it is cancelled, whether it is
// healthy. Pure.
#ifndef CORDON_POLICY_JOB_WATCH_H_
#define CORDON_POLICY_JOB_WATCH_H_

#include "absl/strings/string_view.h"
#include "policy/proto/batch.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/plan.pb.h"
#include "policy/violations.h"

namespace cordon {

// Those fields of an entry of a batch.
void CopyWatch(const v1::BatchJob& from, v1::JobSpec* to);

// Ranges, names, and fields that mean nothing without another; `path` is the job's.
void CheckWatch(const v1::JobSpec& job, absl::string_view path, Violations* violations);

// Of a job that CheckWatch found nothing against; defaults are filled in. Where the program of a
// check is looked for is left to CompileLaunch.
void CompileWatch(const v1::JobSpec& job, v1::LaunchPlan* launch);

}  // namespace cordon

#endif  // CORDON_POLICY_JOB_WATCH_H_
