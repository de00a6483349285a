// SPDX-License-Identifier: Apache-2.0
// Any bytes as a frame of the status pipe, and the error that is made of it: the peer is not
// trusted after the gate.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "sandbox/launch/status_pipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto frame =
      cordon::DecodeFrame(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!frame.ok()) return 0;
  if (size != sizeof(cordon::child::StatusFrame)) std::abort();
  cordon::SetupBuilder builder;
  builder.Add(cordon::child::Opcode::kMakeRoot, {"mount", "mounts", "/"});
  const absl::Status status = cordon::StepError(*frame, builder.Finish(), "job");
  if (status.ok() || cordon::DetailsOf(status).size() != 1) std::abort();
  return 0;
}
