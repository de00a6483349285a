// SPDX-License-Identifier: Apache-2.0
// cordon_bench_compile: what compiling a policy costs, in this process: for each shipped profile
// the whole of it (text to plan), the assembling of the filter and the proof that it is right.
// Medians of interleaved rounds, in processor time of this thread: a machine that is busy with
// other things measures the same. The only argument is the number of rounds.
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "policy/base/status.h"
#include "policy/bpf/assemble.h"
#include "policy/bpf/prove.h"
#include "policy/compile.h"
#include "policy/resolve.h"
#include "profiles/embedded.h"
#include "sandbox/host/probe.h"

namespace cordon::bench {
namespace {

constexpr int kDefaultRounds = 40;

class Profiles : public ProfileSource {
 public:
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view /*directory*/) override {
    for (const EmbeddedProfile& each : EmbeddedProfiles()) {
      if (each.name != reference) continue;
      return PolicyBytes{std::string(each.name), std::string(each.text), PolicyForm::kText, ""};
    }
    return Error(absl::StatusCode::kNotFound, "no such profile");
  }
};

struct Row {
  std::string name;
  size_t instructions = 0;
  size_t nodes = 0;
  std::array<std::vector<double>, 3> us;  // compile, assemble, prove
};

double MedianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double ThreadTimeUs() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

template <typename Work>
auto Timed(std::vector<double>* us, const Work& work) {
  const double begin = ThreadTimeUs();
  auto result = work();
  us->push_back(ThreadTimeUs() - begin);
  return result;
}

absl::Status MeasureOnce(const v1::HostFacts& facts, Row* row) {
  const auto compile = [&]() -> absl::StatusOr<CompiledPlan> {
    Profiles profiles;
    CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed, ResolvePolicy(row->name, "", profiles));
    CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, NormalPolicy::Make(std::move(parsed)));
    return CompiledPlan::Make(policy, facts);
  };
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, Timed(&row->us[0], compile));
  CORDON_ASSIGN_OR_RETURN(const Architecture architecture, ParseArchitecture(facts.architecture()));
  const v1::SeccompRules& rules = plan.proto().seccomp().rules();
  CORDON_ASSIGN_OR_RETURN(const std::string bytes,
                          Timed(&row->us[1], [&] { return Assemble(rules, architecture); }));
  CORDON_ASSIGN_OR_RETURN(const BpfProgram program, BpfProgram::Make(bytes));
  CORDON_ASSIGN_OR_RETURN(const Proof proof,
                          Timed(&row->us[2], [&] { return Prove(rules, program, architecture); }));
  row->instructions = program.instructions().size();
  row->nodes = proof.nodes;
  return absl::OkStatus();
}

absl::Status Measure(int rounds, std::vector<Row>* rows) {
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ProbeHost());
  for (const EmbeddedProfile& each : EmbeddedProfiles()) {
    rows->push_back({std::string(each.name), 0, 0, {}});
  }
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : *rows) CORDON_RETURN_IF_ERROR(MeasureOnce(facts, &row));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace cordon::bench

int main(int argc, char** argv) {
  using cordon::bench::MedianOf;
  int rounds = cordon::bench::kDefaultRounds;
  if (argc > 1 && !absl::SimpleAtoi(argv[1], &rounds)) {
    std::fprintf(stderr, "usage: cordon_bench_compile [ROUNDS]\n");
    return 2;
  }
  std::vector<cordon::bench::Row> rows;
  const absl::Status status = cordon::bench::Measure(std::max(rounds, 1), &rows);
  if (!status.ok()) {
    for (const auto& detail : cordon::DetailsOf(status)) {
      std::fprintf(stderr, "cordon_bench_compile: %s\n", cordon::RenderError(detail).c_str());
    }
    return 1;
  }
  std::printf("%-16s %12s %8s %12s %12s %12s\n", "profile", "instructions", "nodes", "compile us",
              "assemble us", "prove us");
  for (const auto& row : rows) {
    std::printf("%-16s %12zu %8zu %12.0f %12.0f %12.0f\n", row.name.c_str(), row.instructions,
                row.nodes, MedianOf(row.us[0]), MedianOf(row.us[1]), MedianOf(row.us[2]));
  }
  return 0;
}
