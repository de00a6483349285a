// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/build.h"

#include <cstring>

#include "policy/base/status.h"
#include "sandbox/files/copy_in.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

absl::Status LowerAll(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  for (const LayerRuntime& layer : RuntimeLayers()) {
    CORDON_RETURN_IF_ERROR(layer.lower(phase, input, builder));
  }
  return absl::OkStatus();
}

void AddStart(SetupBuilder* builder) {
  // The launcher fills in the five descriptors.
  const int32_t descriptors[5] = {-1, -1, -1, -1, -1};
  char bytes[sizeof(descriptors)];
  std::memcpy(bytes, descriptors, sizeof(bytes));
  const uint32_t offset = builder->Bytes(absl::string_view(bytes, sizeof(bytes)));
  builder->Add(Opcode::kAdoptFds, {"process", "", ""}).data = offset;
  // The launcher fills in where the arguments of this process are.
  builder->Add(Opcode::kScrubArguments, {"process", "", ""});
  builder->Add(Opcode::kResetSignals, {"process", "", ""});
  builder->Add(Opcode::kResetInherited, {"process", "", ""});
  builder->Add(Opcode::kDieWithParent, {"process", "", ""});
  builder->Add(Opcode::kAwaitParent, {"userns", "", "ids mapped"}).a =
      static_cast<uint64_t>(child::kByteIdsMapped);
  builder->Add(Opcode::kNewKeyring, {"process", "", ""});
  builder->Add(Opcode::kNewSession, {"process", "", ""});
  builder->Add(Opcode::kMakeMountsPrivate, {"mount", "", "/"});
}

void AddIds(const LowerInput& input, SetupBuilder* builder) {
  Op& ids = builder->Add(Opcode::kSetIds, {"userns", "identity", ""});
  ids.a = input.plan.userns().uid();
  ids.b = input.plan.userns().gid();
  if (input.privileged) ids.flags = child::kFlagDropGroups;
  builder->Add(Opcode::kDieWithParent, {"process", "", ""});
  Op& root = builder->Add(Opcode::kMakeRoot, {"mount", "mounts", "/"});
  root.a = input.plan.mount().root_size_bytes();
  root.b = input.plan.mount().root_inodes();
}

// Files are copied as soon as the process is in its group.
absl::Status AddLocks(const LowerInput& input, SetupBuilder* builder) {
  for (const LayerRuntime& layer : RuntimeLayers()) {
    CORDON_RETURN_IF_ERROR(layer.lower(Phase::kLock, input, builder));
    if (layer.name == "cgroup" && input.copy_in != nullptr) LowerCopyIn(*input.copy_in, builder);
  }
  return absl::OkStatus();
}

absl::Status AddTwin(const LowerInput& input, SetupBuilder* builder) {
  CORDON_RETURN_IF_ERROR(LowerAll(Phase::kTwin, input, builder));
  const std::string probes = builder->ProbeBytes();
  const uint32_t offset = builder->Bytes(probes);
  Op& twin = builder->Add(Opcode::kForkTwin, {"process", "", "twin of the payload"});
  twin.data2 = offset;
  twin.size2 = static_cast<uint32_t>(probes.size());
  if (TwinMayExit(input.plan)) twin.flags = child::kFlagTwinExits;
  builder->Add(Opcode::kReapTwin, {"process", "", "twin of the payload"});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CheckedProgram> BuildProgram(const LowerInput& input,
                                            absl::string_view init_filter) {
  SetupBuilder builder;
  AddStart(&builder);
  CORDON_RETURN_IF_ERROR(LowerAll(Phase::kOpen, input, &builder));
  AddIds(input, &builder);
  CORDON_RETURN_IF_ERROR(LowerAll(Phase::kBuild, input, &builder));
  builder.Add(Opcode::kPivotRoot, {"mount", "", "/"});
  builder.Add(Opcode::kSealRoot, {"mount", "", "/"});
  CORDON_RETURN_IF_ERROR(AddLocks(input, &builder));
  builder.Add(Opcode::kNoNewPrivs, {"process", "", ""});
  CORDON_RETURN_IF_ERROR(AddTwin(input, &builder));
  builder.Add(Opcode::kGate, {"process", "", ""}).a = static_cast<uint64_t>(child::kByteOpenGate);
  builder.Add(Opcode::kReadLaunch, {"process", "", ""});
  builder.Add(Opcode::kSetUndumpable, {"process", "", ""});
  builder.Add(Opcode::kForkChecker, {"process", "health_check", ""});
  const bool listens = ListensToFilter(input.plan);
  builder.Add(Opcode::kForkPayload, {"process", "", ""}).flags =
      listens ? child::kFlagListener : uint16_t{0};
  if (listens) builder.Add(Opcode::kPassListener, {"seccomp", "seccomp.rule", "listener"});
  const uint32_t filter = builder.Bytes(init_filter);
  Op& init = builder.Add(Opcode::kInitFilter, {"process", "", "filter of init"});
  init.data2 = filter;
  init.size2 = static_cast<uint32_t>(init_filter.size());
  builder.Add(Opcode::kReap, {"process", "", ""});
  CORDON_RETURN_IF_ERROR(LowerAll(Phase::kPayload, input, &builder));
  CORDON_RETURN_IF_ERROR(LowerAll(Phase::kFilter, input, &builder));
  builder.Add(Opcode::kExec, {"process", "argv[0]", ""});
  return CheckedProgram::Make(builder.Finish());
}

}  // namespace cordon
