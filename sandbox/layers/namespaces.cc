// SPDX-License-Identifier: Apache-2.0
// namespaces: the clone3 flags are the launcher's; here the host name, and that each differs.
#include <asm/unistd.h>

#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

constexpr char kNameProbe[] = "namespaces.uname";
constexpr size_t kHostNameAt = 65;  // struct new_utsname: fields of 65 bytes

}  // namespace

absl::Status LowerNamespaces(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase == Phase::kTwin) {
    child::Probe probe = MakeProbe(__NR_uname, {}, child::kProbeConfined);
    probe.buffer_arg = 0;
    builder->AddProbe(kNameProbe, probe);
  }
  if (phase != Phase::kBuild) return absl::OkStatus();
  const std::string& name = input.plan.namespaces().hostname();
  const uint32_t text = builder->Text(name);
  builder->Add(child::Opcode::kSetHostname, {"namespaces", "identity.hostname", name}).data = text;
  return absl::OkStatus();
}

absl::Status VerifyNamespaces(const VerifyInput& input) {
  for (const char* name : {"user", "mnt", "pid", "ipc", "uts", "cgroup"}) {
    const std::string& theirs = input.back.namespaces.at(name);
    if (theirs == input.back.own_namespaces.at(name)) {
      return Mismatch("namespaces", name, "a namespace of its own", theirs);
    }
  }
  const std::string& wanted = input.plan.namespaces().hostname();
  const std::string found = input.twin.Answer(kNameProbe, child::kProbeConfined) == 0
                                ? input.twin.Text(kHostNameAt)
                                : "no answer";
  if (found != wanted) return Mismatch("namespaces", "host name", wanted, found);
  return absl::OkStatus();
}

}  // namespace cordon
