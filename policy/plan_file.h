// SPDX-License-Identifier: Apache-2.0
// Compiled plans as files. Entry points: EncodePlanFile, DecodePlanFile, CompilePlanFile.
#ifndef CORDON_POLICY_PLAN_FILE_H_
#define CORDON_POLICY_PLAN_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/compile.h"
#include "policy/normalize.h"
#include "policy/parse.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan_file.pb.h"

namespace cordon {

// A plan is some times as large as its policy, which has a ceiling of its own.
inline constexpr size_t kMaxPlanBytes = size_t{16} << 20;

// By suffix: .json is JSON; .textproto and .txt are text; anything else is binary.
PolicyForm FormOfPlanFile(absl::string_view file_name);

// The same policy and the same host facts give the same bytes, in every form. kBinary is canonical:
// fields in order, nothing unknown; its SHA-256 (base/sha256.h) names the plan.
absl::StatusOr<std::string> EncodePlanFile(const NormalPolicy& policy, const CompiledPlan& plan,
                                           absl::string_view cordon_version, PolicyForm form);

// INVALID_ARGUMENT when the bytes are no plan file of this format, or (kBinary) not canonical.
// `name` is used in messages. Nothing in the result has been checked beyond that.
absl::StatusOr<v1::PlanFile> DecodePlanFile(absl::string_view bytes, PolicyForm form,
                                            absl::string_view name);

struct PlanFromFile {
  NormalPolicy policy;
  CompiledPlan plan;
};

// A plan file is trusted as far as a policy is: its policy is validated and compiled for the host
// of `facts`, its filter is proven, and its plan must be what came out. FAILED_PRECONDITION with
// the layer that differs when the file was compiled for another host or by another version.
absl::StatusOr<PlanFromFile> CompilePlanFile(const v1::PlanFile& file, const v1::HostFacts& facts,
                                             absl::string_view name);

}  // namespace cordon

#endif  // CORDON_POLICY_PLAN_FILE_H_
