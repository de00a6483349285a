// SPDX-License-Identifier: Apache-2.0
// Any bytes as a set-up program: operations, then the arena. One that the checker accepts keeps
// every offset inside the arena, has its gate once and its exec last.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "absl/strings/string_view.h"
#include "sandbox/program/check.h"

using cordon::child::Op;
using cordon::child::Opcode;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  cordon::SetupProgram program;
  const size_t count = std::min<size_t>(data[0], (size - 1) / sizeof(Op));
  program.ops.resize(count);
  program.origins.resize(count);
  if (count > 0) std::memcpy(program.ops.data(), data + 1, count * sizeof(Op));
  const size_t rest = 1 + count * sizeof(Op);
  program.arena.assign(reinterpret_cast<const char*>(data + rest), size - rest);
  const auto checked = cordon::CheckedProgram::Make(program);
  if (!checked.ok()) return 0;
  const cordon::SetupProgram& good = checked->program();
  int gates = 0;
  for (const Op& op : good.ops) {
    if (op.code >= Opcode::kCount) std::abort();
    if (op.data != cordon::child::kNoData && op.data >= good.arena.size()) std::abort();
    if (op.size2 != 0 && uint64_t{op.data2} + op.size2 > good.arena.size()) std::abort();
    gates += op.code == Opcode::kGate ? 1 : 0;
  }
  if (gates != 1 || good.ops.back().code != Opcode::kExec) std::abort();
  (void)cordon::ProgramText(good);
  return 0;
}
