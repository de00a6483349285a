// SPDX-License-Identifier: Apache-2.0
// Any bytes as a plan file, in the form that the first byte chooses. One that is accepted compiles
// to itself, and its canonical bytes are read back as they are.
#include <cstdlib>

#include "policy/ideal_host.h"
#include "policy/plan_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const cordon::v1::HostFacts* const facts =
      new cordon::v1::HostFacts(cordon::IdealHost(cordon::NativeArchitecture()));
  const cordon::PolicyForm forms[] = {cordon::PolicyForm::kBinary, cordon::PolicyForm::kText,
                                      cordon::PolicyForm::kJson};
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto file = cordon::DecodePlanFile(bytes, forms[data[0] % 3], "fuzzed");
  if (!file.ok()) return 0;
  const auto made = cordon::CompilePlanFile(*file, *facts, "fuzzed");
  if (!made.ok()) return 0;
  const auto binary = cordon::EncodePlanFile(made->policy, made->plan, file->cordon_version(),
                                             cordon::PolicyForm::kBinary);
  if (!binary.ok()) std::abort();
  const auto again = cordon::DecodePlanFile(*binary, cordon::PolicyForm::kBinary, "again");
  if (!again.ok()) std::abort();
  if (!cordon::CompilePlanFile(*again, *facts, "again").ok()) std::abort();
  return 0;
}
