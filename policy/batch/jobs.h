// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch: read with the strictness of policies, matrices filled in, checked as a
// whole. Entry point: ReadJobs. PURE: no file is looked at.
#ifndef CORDON_POLICY_BATCH_JOBS_H_
#define CORDON_POLICY_BATCH_JOBS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/batch.pb.h"
#include "policy/proto/error.pb.h"

namespace cordon {

inline constexpr size_t kMaxJobs = 100'000;                 // after matrices are filled in
inline constexpr size_t kMaxJobsBytes = size_t{256} << 20;  // of a file of JSON lines

enum class JobsForm { kText, kJson, kJsonLines };

// By suffix: .json, .jsonl; anything else is text.
JobsForm FormOfJobs(absl::string_view file_name);

// Of jobs, and of the sandboxes of one; and what to say of another word.
bool IsJobName(absl::string_view name);
std::string NotAJobName(absl::string_view name);

struct BatchTask {
  // Without a matrix; expectation and policy are filled in (in each of its sandboxes when it has
  // several).
  v1::BatchJob job;
  std::string place;          // "file:line:column"
  std::vector<size_t> after;  // positions of the jobs in `job.after`
};

// All errors found, each with its place: broken text, names that are missing, taken or unknown,
// circles in `after`, unknown ${NAME}, sandboxes that cannot talk as they say (talk.h).
absl::StatusOr<std::vector<BatchTask>> ReadJobs(absl::string_view bytes, JobsForm form,
                                                absl::string_view name);

// The jobs of one line of JSON, at most `ceiling`; `after` is not yet looked up.
absl::StatusOr<std::vector<BatchTask>> ReadJobLine(absl::string_view line, absl::string_view name,
                                                   int number, size_t ceiling);

// An error at the job's place.
v1::ErrorDetail JobComplaint(const BatchTask& task, absl::string_view field, std::string message);

// Whether a report is what the job expects; why not, in words, otherwise. "" is good.
std::string WhyNotExpected(const v1::BatchJob& job, const v1::Report& report);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_JOBS_H_
