// SPDX-License-Identifier: Apache-2.0
// Jobs of several sandboxes: what may be said where, who talks to whom. PURE. Entry points:
// CheckTalk, LinksOf.
#ifndef CORDON_POLICY_BATCH_TALK_H_
#define CORDON_POLICY_BATCH_TALK_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "policy/proto/batch.pb.h"
#include "policy/violations.h"

namespace cordon {

inline constexpr size_t kMinSandboxes = 2;
inline constexpr size_t kMaxSandboxes = 16;

// Whether this is such a job, or means to be one.
bool IsTalk(const v1::BatchJob& job);

// Everything that is wrong with the job as one of several sandboxes, under `path`: their number and
// names, fields that belong to the job or to each sandbox, streams that are unknown, connected
// twice or have a file, sandboxes that are connected to nothing, `verdict_of`. Nothing for other
// jobs.
void CheckTalk(const v1::BatchJob& job, absl::string_view path, Violations* violations);

// Of a job that passed: positions in `sandbox`; `stream` is 1 for stdout, 2 for stderr.
struct SandboxLink {
  size_t from;
  int stream;
  size_t to;
};
std::vector<SandboxLink> LinksOf(const v1::BatchJob& job);
size_t DeciderOf(const v1::BatchJob& job);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_TALK_H_
