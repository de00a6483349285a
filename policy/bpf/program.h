// SPDX-License-Identifier: Apache-2.0
// A classic BPF program that the kernel would accept as a seccomp filter. Entry point:
// BpfProgram::Make, which checks what seccomp(2) checks when it loads one.
#ifndef CORDON_POLICY_BPF_PROGRAM_H_
#define CORDON_POLICY_BPF_PROGRAM_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cordon {

// The layout of struct sock_filter.
struct BpfInstruction {
  uint16_t code;
  uint8_t jump_true;
  uint8_t jump_false;
  uint32_t k;
};

class BpfProgram {
 public:
  // `bytes` is an array of struct sock_filter in host byte order. INVALID_ARGUMENT: empty, longer
  // than the kernel loads, not whole instructions, an opcode that seccomp does not take, a load
  // outside struct seccomp_data, a jump behind the end, or a last instruction that is no return.
  static absl::StatusOr<BpfProgram> Make(absl::string_view bytes);

  absl::Span<const BpfInstruction> instructions() const { return instructions_; }

 private:
  explicit BpfProgram(std::vector<BpfInstruction> instructions)
      : instructions_(std::move(instructions)) {}
  std::vector<BpfInstruction> instructions_;
};

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_PROGRAM_H_
