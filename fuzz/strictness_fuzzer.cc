// SPDX-License-Identifier: Apache-2.0
// Two rule sets: what the comparison says of them is what trying calls says.
#include <cstdlib>

#include "fuzz/random_rules.h"
#include "policy/bpf/calls_diff.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const cordon::Architecture native = cordon::NativeArchitecture();
  cordon::fuzz::ByteSource source(data, size);
  const cordon::v1::SeccompRules before = cordon::fuzz::RulesFrom(&source);
  const cordon::v1::SeccompRules after = cordon::fuzz::RulesFrom(&source);
  const auto widened = cordon::CallsWidened(before, after, native);
  if (!widened.ok()) return 0;
  const auto answer = [&](const cordon::v1::SeccompRules& rules, const cordon::CallSample& call) {
    return cordon::AnswerOf(cordon::MeaningOf(rules, native, call));
  };
  for (const cordon::CallWidening& each : *widened) {
    if (answer(before, each.example) != each.before) std::abort();
    if (answer(after, each.example) != each.after) std::abort();
    if (each.after <= each.before) std::abort();
  }
  for (int i = 0; i < 32; ++i) {
    const cordon::CallSample call = cordon::fuzz::CallFrom(&source);
    if (answer(after, call) > answer(before, call) && widened->empty()) std::abort();
  }
  const auto same = cordon::CallsWidened(after, after, native);
  if (!same.ok() || !same->empty()) std::abort();
  return 0;
}
