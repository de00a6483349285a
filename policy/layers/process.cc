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

absl::StatusOr<uint64_t> Size(const NormalPolicy& policy, absl::string_view field,
                              absl::string_view text) {
  absl::StatusOr<uint64_t> value = ParseSizeOrUnlimited(text);
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
  CORDON_ASSIGN_OR_RETURN(const uint64_t idle,
                          Duration(policy, "limits.idle_time", limits.idle_time()));
  CORDON_ASSIGN_OR_RETURN(const uint64_t extra,
                          Duration(policy, "limits.extra_time", limits.extra_time()));
  CORDON_ASSIGN_OR_RETURN(const uint64_t output, Size(policy, "limits.output", limits.output()));
  CORDON_ASSIGN_OR_RETURN(const uint64_t out,
                          Size(policy, "limits.stdout_size", limits.stdout_size()));
  CORDON_ASSIGN_OR_RETURN(const uint64_t err,
                          Size(policy, "limits.stderr_size", limits.stderr_size()));
  v1::WatchPlan& watch = *plan->mutable_watch();
  watch.set_wall_time_ns(wall);
  watch.set_cpu_time_ns(cpu);
  watch.set_output_bytes(output);
  watch.set_idle_time_ns(idle);
  watch.set_extra_time_ns(extra);
  watch.mutable_out()->set_bytes(out);
  watch.mutable_out()->set_truncate(limits.stdout_action() == v1::Limits::TRUNCATE);
  watch.mutable_err()->set_bytes(err);
  watch.mutable_err()->set_truncate(limits.stderr_action() == v1::Limits::TRUNCATE);
  return absl::OkStatus();
}

}  // namespace cordon
