// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/program.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

enum class Side { kInit, kPayload };

struct OpcodeInfo {
  absl::string_view name;
  Side side;
  absl::string_view why;
};

constexpr OpcodeInfo kOpcodes[] = {
#define OP(name, side, why) {#name, Side::side, why},
#include "sandbox/program/opcode.inc"
#undef OP
};

constexpr absl::string_view kCalls[] = {
#define CALL(name) #name,
#include "sandbox/program/kernel_call.inc"
#undef CALL
};

}  // namespace

absl::string_view OpcodeName(child::Opcode code) {
  const auto index = static_cast<size_t>(code);
  return index < std::size(kOpcodes) ? kOpcodes[index].name : "unknown";
}

absl::string_view OpcodeWhy(child::Opcode code) {
  const auto index = static_cast<size_t>(code);
  return index < std::size(kOpcodes) ? kOpcodes[index].why : "";
}

bool IsPayloadOp(child::Opcode code) {
  const auto index = static_cast<size_t>(code);
  return index < std::size(kOpcodes) && kOpcodes[index].side == Side::kPayload;
}

absl::string_view KernelCallName(child::KernelCall call) {
  const auto index = static_cast<size_t>(call);
  return index > 0 && index < std::size(kCalls) ? kCalls[index] : "";
}

child::Op& SetupBuilder::Add(child::Opcode code, OpOrigin origin) {
  child::Op op = {};
  op.code = code;
  op.slot = child::kNoSlot;
  op.data = op.data2 = child::kNoData;
  program_.ops.push_back(op);
  program_.origins.push_back(std::move(origin));
  return program_.ops.back();
}

uint32_t SetupBuilder::Text(absl::string_view text) {
  const auto offset = static_cast<uint32_t>(program_.arena.size());
  absl::StrAppend(&program_.arena, text);
  program_.arena.push_back('\0');
  return offset;
}

uint32_t SetupBuilder::Bytes(absl::string_view bytes) {
  program_.arena.resize((program_.arena.size() + 7) / 8 * 8, '\0');
  const auto offset = static_cast<uint32_t>(program_.arena.size());
  absl::StrAppend(&program_.arena, bytes);
  program_.arena.push_back('\0');
  return offset;
}

void SetupBuilder::AddProbe(absl::string_view name, const child::Probe& probe) {
  program_.probes.emplace_back(name);
  probes_.push_back(probe);
}

std::string SetupBuilder::ProbeBytes() const {
  std::string bytes(probes_.size() * sizeof(child::Probe), '\0');
  if (!probes_.empty()) std::memcpy(bytes.data(), probes_.data(), bytes.size());
  return bytes;
}

std::string ProgramText(const SetupProgram& program) {
  std::string text;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const child::Op& op = program.ops[i];
    absl::StrAppend(&text, i, " ", OpcodeName(op.code));
    if (!program.origins[i].object.empty()) {
      absl::StrAppend(&text, " ", EscapeForPeople(program.origins[i].object));
    }
    if (op.flags != 0) absl::StrAppend(&text, " flags=", op.flags);
    if (op.a != 0) absl::StrAppend(&text, " a=", op.a);
    if (op.b != 0) absl::StrAppend(&text, " b=", op.b);
    if (op.c != 0) absl::StrAppend(&text, " c=", op.c);
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace cordon
