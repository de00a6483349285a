// SPDX-License-Identifier: Apache-2.0
// process: descriptors, no_new_privs, the out-of-memory order, umask, the working directory.
#include <algorithm>

#include "absl/strings/str_join.h"
#include "sandbox/layers/layer.h"

namespace cordon {

absl::Status LowerProcess(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase != Phase::kPayload) return absl::OkStatus();
  const std::string& cwd = input.plan.process().working_directory();
  builder->Add(child::Opcode::kPayloadSession, {"process", "", ""});
  builder->Add(child::Opcode::kCloseInitFds, {"process", "", ""});
  builder->Add(child::Opcode::kSetOomScore, {"process", "", "oom_score_adj"});
  builder->Add(child::Opcode::kChdir, {"process", "working_directory", cwd});
  builder->Add(child::Opcode::kSetUmask, {"process", "", ""});
  return absl::OkStatus();
}

absl::Status VerifyProcess(const VerifyInput& input) {
  const auto nnp = input.back.status.find("NoNewPrivs");
  if (nnp == input.back.status.end() || nnp->second != "1") {
    return Mismatch("process", "NoNewPrivs", "1",
                    nnp == input.back.status.end() ? "nothing" : nnp->second);
  }
  // stdio, control, status, and the detached procfs.
  constexpr size_t kDescriptors = 6;
  if (input.back.descriptors.size() > kDescriptors) {
    return Mismatch("process", "open descriptors", "0 to 5",
                    absl::StrJoin(input.back.descriptors, ", "));
  }
  return absl::OkStatus();
}

}  // namespace cordon
