// SPDX-License-Identifier: Apache-2.0
// `cordon doctor`: each feature of the host that the layers need, tried where that is harmless;
// what to do where it is missing; and one real run of the default profile.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/compile.h"
#include "sandbox/host/probe.h"
#include "sandbox/sandbox.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/policy_source.h"

namespace cordon::cli {
namespace {

struct Row {
  std::string feature;
  bool present = false;
  std::string detail;
  std::string todo;
};

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

const char* ModeName(v1::HostFacts::CgroupMode mode) {
  switch (mode) {
    case v1::HostFacts::CGROUP_V1:
      return "v1";
    case v1::HostFacts::CGROUP_V2:
      return "v2";
    default:
      return "none";
  }
}

std::vector<Row> FeatureRows(const v1::HostFacts& facts) {
  std::vector<Row> rows;
  rows.push_back({"user namespaces", facts.user_namespaces(),
                  facts.user_namespaces() ? "all seven namespaces in one clone3" : "",
                  facts.user_namespaces_why()});
  for (const char* name : {"memory", "pids", "cpuacct", "cpu", "cpuset", "io"}) {
    const bool present = Contains(facts.cgroup_controllers(), name);
    rows.push_back({absl::StrCat("cgroup ", name), present,
                    absl::StrCat("cgroup ", ModeName(facts.cgroup_mode())),
                    present ? "" : facts.cgroup_why()});
  }
  rows.push_back({"swap accounting", facts.swap_accounting() || facts.swap_total_bytes() == 0,
                  facts.swap_total_bytes() == 0 ? "no swap on this host" : "",
                  "boot with swapaccount=1, or switch swap off"});
  for (const char* action : {"kill_process", "errno", "log"}) {
    rows.push_back({absl::StrCat("seccomp ", action), Contains(facts.seccomp_actions(), action),
                    "/proc/sys/kernel/seccomp/actions_avail",
                    "a kernel with CONFIG_SECCOMP_FILTER, 4.14 or newer"});
  }
  rows.push_back({"landlock", facts.landlock_abi() > 0,
                  facts.landlock_abi() > 0 ? absl::StrCat("ABI ", facts.landlock_abi()) : "",
                  facts.landlock_why()});
  return rows;
}

// A sandbox under the default profile, up to the verified gate, then thrown away.
absl::Status TrialRun(const v1::HostFacts& facts) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, LoadPolicy("base/strict"));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompiledPlan::Make(policy, facts));
  return Sandbox::Prepare(plan, facts).status();
}

void PrintText(const v1::HostFacts& facts, const std::vector<Row>& rows,
               const absl::Status& trial) {
  std::printf("kernel %s, %s, %s\n", facts.kernel_release().c_str(), facts.architecture().c_str(),
              facts.privileged() ? "root" : "unprivileged");
  std::vector<std::string> todo;  // each once, however many features wait for it
  for (const Row& row : rows) {
    std::printf("  %-20s %-8s %s\n", row.feature.c_str(), row.present ? "present" : "MISSING",
                row.detail.c_str());
    const bool said = std::find(todo.begin(), todo.end(), row.todo) != todo.end();
    if (!row.present && !row.todo.empty() && !said) todo.push_back(row.todo);
  }
  for (const std::string& each : todo) std::printf("to do: %s\n", each.c_str());
  if (trial.ok()) {
    std::printf("trial sandbox under base/strict: every layer confirmed by the kernel\n");
    return;
  }
  std::printf("trial sandbox under base/strict: FAILED\n");
  for (const v1::ErrorDetail& detail : DetailsOf(trial)) {
    std::printf("  %s\n", RenderError(detail).c_str());
  }
}

}  // namespace

int Doctor(bool json) {
  absl::StatusOr<v1::HostFacts> facts = ProbeHostThoroughly();
  if (!facts.ok()) {
    PrintErrors(facts.status());
    return kExitCordon;
  }
  const std::vector<Row> rows = FeatureRows(*facts);
  const absl::Status trial = TrialRun(*facts);
  if (json) {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    options.always_print_primitive_fields = true;
    std::string text;
    if (!google::protobuf::util::MessageToJsonString(*facts, &text, options).ok()) {
      return kExitCordon;
    }
    std::printf("{\"facts\": %s, \"trial\": %s}\n", text.c_str(), trial.ok() ? "true" : "false");
  } else {
    PrintText(*facts, rows, trial);
  }
  return trial.ok() ? 0 : 1;
}

}  // namespace cordon::cli
