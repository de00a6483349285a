// SPDX-License-Identifier: Apache-2.0
// Ceilings on what a policy may hold, checked before or while it is read, so that no input makes
// the reader slow or large. They bound the input, not the job: limits of jobs are in the policy.
#ifndef CORDON_POLICY_BASE_HARD_LIMITS_H_
#define CORDON_POLICY_BASE_HARD_LIMITS_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace cordon {

inline constexpr size_t kMaxPolicyBytes = size_t{1024} * 1024;
inline constexpr int kMaxNesting = 32;
inline constexpr size_t kMaxFields = 20000;  // values in one policy, elements of lists included
inline constexpr size_t kMaxExtendsDepth = 8;
inline constexpr size_t kMaxErrors = 100;  // listed at once; the rest is counted as "more"

// Entries of one repeated field. A repeated field without a row gets kMaxEntries.
inline constexpr size_t kMaxEntries = 256;
struct EntryCeiling {
  absl::string_view field;  // full name in the schema
  size_t entries;
};
inline constexpr EntryCeiling kEntryCeilings[] = {
    {"cordon.v1.Policy.environment", 1024},
    {"cordon.v1.JobSpec.environment", 1024},
    {"cordon.v1.JobSpec.argv", 65536},
    {"cordon.v1.JobSpec.copy_in", 1024},  // each is a step of the set-up
    {"cordon.v1.Batch.job", 4096},
    {"cordon.v1.BatchJob.argv", 4096},
    {"cordon.v1.BatchJob.environment", 1024},
    {"cordon.v1.BatchJob.sandbox", 16},
    {"cordon.v1.BatchJob.connect", 32},
    {"cordon.v1.Axis.value", 4096},
    {"cordon.v1.Seccomp.rule", 1024},
    {"cordon.v1.Rule.calls", 512},
    {"cordon.v1.Rule.when", 6},
    {"cordon.v1.ValueSet.value", 64},
    {"cordon.v1.Dev.device", 16},
    {"cordon.v1.Cgroup.io", 64},
};

// Bytes of one string field. A string field without a row gets kMaxStringBytes (PATH_MAX - 1).
inline constexpr size_t kMaxStringBytes = 4095;
struct StringCeiling {
  absl::string_view field;
  size_t bytes;
};
inline constexpr StringCeiling kStringCeilings[] = {
    {"cordon.v1.File.content", size_t{256} * 1024},
    {"cordon.v1.CopyIn.text", size_t{256} * 1024},
    {"cordon.v1.Variable.name", 255},
    {"cordon.v1.Variable.value",
     size_t{128} * 1024 - 1 - 256},                      // "NAME=value" and NUL: MAX_ARG_STRLEN
    {"cordon.v1.JobSpec.argv", size_t{128} * 1024 - 1},  // MAX_ARG_STRLEN with its NUL
    {"cordon.v1.BatchJob.argv", size_t{128} * 1024 - 1},
    {"cordon.v1.Policy.description", 200},
    {"cordon.v1.AcceptedLint.id", 64},
    {"cordon.v1.AcceptedLint.reason", 500},
};

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_HARD_LIMITS_H_
