// SPDX-License-Identifier: Apache-2.0
// `cordon compile`: the plan that a policy becomes on this host, as a file.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "policy/bpf/disassemble.h"
#include "policy/compile.h"
#include "policy/plan_file.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/host/probe.h"
#include "sandbox/os/file.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {
namespace {

PolicyForm FormOf(const CompileOptions& options) {
  if (options.format == "binary") return PolicyForm::kBinary;
  if (options.format == "json") return PolicyForm::kJson;
  if (options.format == "text" || options.output.empty()) return PolicyForm::kText;
  return FormOfPlanFile(options.output);
}

absl::StatusOr<std::string> Bytes(const CompileOptions& options) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, LoadPolicy(options.policy));
  CORDON_ASSIGN_OR_RETURN(const v1::HostFacts facts, ProbeHost());
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompiledPlan::Make(policy, facts));
  if (options.format != "filter") {
    return EncodePlanFile(policy, plan, CORDON_VERSION, FormOf(options));
  }
  if (!plan.proto().seccomp().enabled()) {
    return Error(absl::StatusCode::kInvalidArgument, "the policy has no system call filter")
        .Field("seccomp.enforcement");
  }
  CORDON_ASSIGN_OR_RETURN(const BpfProgram program,
                          BpfProgram::Make(plan.proto().seccomp().filter()));
  return Disassemble(program, NativeArchitecture());
}

absl::Status WriteOut(const CompileOptions& options, const std::string& bytes) {
  if (options.output.empty()) return WriteAll(STDOUT_FILENO, "stdout", bytes);
  CORDON_ASSIGN_OR_RETURN(
      const UniqueFd file,
      OpenAt(kCwd, options.output, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0644));
  return WriteAll(file.get(), options.output, bytes);
}

}  // namespace

int Compile(const CompileOptions& options) {
  const absl::StatusOr<std::string> bytes = Bytes(options);
  if (!bytes.ok()) {
    PrintErrors(bytes.status());
    return kExitCordon;
  }
  if (const absl::Status written = WriteOut(options, *bytes); !written.ok()) {
    PrintErrors(written);
    return kExitCordon;
  }
  if (!options.output.empty()) {
    std::fprintf(stderr, "%s  %s\n", Sha256Hex(*bytes).c_str(),
                 EscapeForPeople(options.output).c_str());
  }
  return 0;
}

}  // namespace cordon::cli
