// SPDX-License-Identifier: Apache-2.0
// SetupProgram: operations and one arena of bytes, without pointers. SetupBuilder makes them;
// check.h proves the order before a program runs.
#ifndef CORDON_SANDBOX_PROGRAM_PROGRAM_H_
#define CORDON_SANDBOX_PROGRAM_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "sandbox/child/wire.h"

namespace cordon {

// What an operation is for, for error messages: layer and policy field. Not part of what the child
// sees.
struct OpOrigin {
  std::string layer;
  std::string field;
  std::string object;  // path or name that the operation works on
};

struct SetupProgram {
  std::vector<child::Op> ops;
  std::vector<OpOrigin> origins;  // one per op
  std::string arena;
  // Names of the twin's probes, in the order of the array that ForkTwin takes.
  std::vector<std::string> probes;
  child::ProgramView View() const {
    return {ops.data(), static_cast<uint32_t>(ops.size()), arena.data(),
            static_cast<uint32_t>(arena.size())};
  }
};

absl::string_view OpcodeName(child::Opcode code);
absl::string_view OpcodeWhy(child::Opcode code);
bool IsPayloadOp(child::Opcode code);
absl::string_view KernelCallName(child::KernelCall call);

class SetupBuilder {
 public:
  // Appends an operation; the returned reference is valid until the next call.
  child::Op& Add(child::Opcode code, OpOrigin origin);
  // Puts a NUL-terminated copy into the arena and returns its offset.
  uint32_t Text(absl::string_view text);
  // Puts raw bytes, aligned to 8.
  uint32_t Bytes(absl::string_view bytes);
  int NewSlot() { return slots_++; }
  // A call that the twin will make. `name` finds its answers again; unique.
  void AddProbe(absl::string_view name, const child::Probe& probe);
  // All probes so far as the bytes that ForkTwin takes.
  std::string ProbeBytes() const;
  SetupProgram Finish() { return std::move(program_); }

 private:
  SetupProgram program_;
  int slots_ = 0;
  std::vector<child::Probe> probes_;
};

// The program as text, one operation per line, for `cordon plan` and golden files.
std::string ProgramText(const SetupProgram& program);

}  // namespace cordon

#endif  // CORDON_SANDBOX_PROGRAM_PROGRAM_H_
