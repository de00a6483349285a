// SPDX-License-Identifier: Apache-2.0
// Three readings of a filter must agree: the meaning of its rules, the prover's graph, and the
// interpreter. The first byte chooses: rules through the reference assembler, or any bytes as a
// program.
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "fuzz/random_rules.h"
#include "policy/bpf/disassemble.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/prove.h"
#include "policy/bpf/symbolic.h"
#include "tests/support/reference_assembler.h"

namespace {

using cordon::CallSample;
using cordon::fuzz::ByteSource;

void CheckRules(ByteSource source) {
  const cordon::Architecture native = cordon::NativeArchitecture();
  const cordon::v1::SeccompRules rules = cordon::fuzz::RulesFrom(&source);
  const cordon::BpfProgram program = cordon::ReferenceAssembler().Assemble(rules, native);
  const auto proof = cordon::Prove(rules, program, native);
  if (!proof.ok() || proof->differs.has_value()) std::abort();
  cordon::DecisionGraph graph;
  const auto node = cordon::GraphOfRules(rules, native, &graph);
  for (int i = 0; i < 16; ++i) {
    const CallSample call = cordon::fuzz::CallFrom(&source);
    const uint32_t meaning = cordon::MeaningOf(rules, native, call);
    if (cordon::Evaluate(program, call) != meaning) std::abort();
    if (graph.Evaluate(node, call) != meaning) std::abort();
  }
}

void CheckProgram(absl::string_view bytes, ByteSource source) {
  const auto program = cordon::BpfProgram::Make(bytes);
  if (!program.ok()) return;
  (void)cordon::Disassemble(*program, cordon::NativeArchitecture());
  cordon::DecisionGraph graph(size_t{1} << 14);
  const auto node = cordon::GraphOfProgram(*program, &graph);
  if (!node.ok()) return;
  for (int i = 0; i < 16; ++i) {
    const CallSample call = cordon::fuzz::CallFrom(&source);
    if (graph.Evaluate(*node, call) != cordon::Evaluate(*program, call)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSource source(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    CheckRules(source);
  } else {
    CheckProgram({reinterpret_cast<const char*>(data + 1), (size - 1) / 8 * 8}, source);
  }
  return 0;
}
