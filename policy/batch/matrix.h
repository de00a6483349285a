// SPDX-License-Identifier: Apache-2.0
// The matrix of a job: one job per combination of values, ${NAME} replaced in every string.
#ifndef CORDON_POLICY_BATCH_MATRIX_H_
#define CORDON_POLICY_BATCH_MATRIX_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "policy/proto/batch.pb.h"
#include "policy/violations.h"

namespace cordon {

// Adds the jobs that `job` stands for to `jobs`, at most `ceiling` of them in all. `path` is the
// job's field path. A job without a matrix is added as it is.
void FillMatrix(const v1::BatchJob& job, absl::string_view path, size_t ceiling,
                Violations* violations, std::vector<v1::BatchJob>* jobs);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_MATRIX_H_
