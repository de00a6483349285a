// SPDX-License-Identifier: Apache-2.0
// Checks of what a job wants copied in and out, by themselves and against its policy. PURE: no file
// is looked at.
#ifndef CORDON_POLICY_JOB_FILES_H_
#define CORDON_POLICY_JOB_FILES_H_

#include <google/protobuf/repeated_field.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/files.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/policy.pb.h"
#include "policy/violations.h"

namespace cordon {

// Grammar of each entry, and that no two of them are one file. `path` is that of the list.
void CheckCopyIns(const google::protobuf::RepeatedPtrField<v1::CopyIn>& entries,
                  absl::string_view path, Violations* violations);
void CheckCopyOuts(const google::protobuf::RepeatedPtrField<v1::CopyOut>& entries,
                   absl::string_view path, Violations* violations);

// What only the policy can tell: every path lies in a tmpfs that the job may write to, and nowhere
// else. `policy` must be normal. A job's own binds are part of it.
void CheckCopyPlaces(const v1::JobSpec& job, const v1::Policy& policy, Violations* violations);

// "JOB:NAME" or "JOB:NAME/PATH".
struct ArtifactName {
  std::string job;
  std::string name;
  std::string path;  // below a folder; empty: the artifact itself
};
absl::StatusOr<ArtifactName> ParseArtifactName(absl::string_view text);

// Of valid entries.
uint32_t ModeOf(const v1::CopyIn& entry);
struct CopyOutLimits {
  uint64_t size = 0;
  uint32_t files = 0;
  uint32_t depth = 0;
};
CopyOutLimits LimitsOf(const v1::CopyOut& entry);

}  // namespace cordon

#endif  // CORDON_POLICY_JOB_FILES_H_
