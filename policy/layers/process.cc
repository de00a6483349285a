// SPDX-License-Identifier: Apache-2.0
// The plan of layer process, and of the supervisor's watch.
#include "policy/layers/process.h"

#include <cstdint>

#include "policy/base/units.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

absl::StatusOr<uint64_t> Duration(const NormalPolicy& policy, absl::string_view field,
                                  absl::string_view text) {
  absl::StatusOr<uint64_t> value = ParseDurationOrUnlimited(text);
  if (value.ok()) return value;
  return FieldError(policy, value.status().code(), field, value.status().message());
}

}  // namespace

absl::Status CompileProcess(const NormalPolicy& policy, const v1::HostFacts& /*facts*/,
                            v1::Plan* plan) {
  v1::ProcessPlan& process = *plan->mutable_process();
  *process.mutable_environment() = policy.proto().environment();
  process.set_working_directory(policy.proto().working_directory());

  const v1::Limits& limits = policy.proto().limits();
  CORDON_ASSIGN_OR_RETURN(const uint64_t wall,
                          Duration(policy, "limits.wall_time", limits.wall_time()));
  CORDON_ASSIGN_OR_RETURN(const uint64_t cpu,
                          Duration(policy, "limits.cpu_time", limits.cpu_time()));
  const absl::StatusOr<uint64_t> output = ParseSizeOrUnlimited(limits.output());
  if (!output.ok()) {
    return FieldError(policy, output.status().code(), "limits.output", output.status().message());
  }
  plan->mutable_watch()->set_wall_time_ns(wall);
  plan->mutable_watch()->set_cpu_time_ns(cpu);
  plan->mutable_watch()->set_output_bytes(*output);
  return absl::OkStatus();
}

}  // namespace cordon
