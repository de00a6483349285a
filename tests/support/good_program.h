// SPDX-License-Identifier: Apache-2.0
// The set-up program of a real plan, and helpers to break it. Pure: sources are made up.
#ifndef CORDON_TESTS_SUPPORT_GOOD_PROGRAM_H_
#define CORDON_TESTS_SUPPORT_GOOD_PROGRAM_H_

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "policy/base/status.h"
#include "policy/compile.h"
#include "policy/proto/job.pb.h"
#include "sandbox/files/copy_in.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"
#include "tests/support/policy_text.h"

namespace cordon {

// A host that can do everything.
inline v1::HostFacts FullHost() {
  v1::HostFacts facts;
  facts.set_kernel_release("6.18.0");
  facts.set_architecture("x86_64");
  facts.set_user_namespaces(true);
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_V2);
  for (const char* name : {"memory", "pids", "cpu", "cpuacct", "cpuset", "io"}) {
    facts.add_cgroup_controllers(name);
  }
  facts.set_swap_accounting(true);
  facts.set_cpus(2);
  facts.set_page_size(4096);
  for (const char* action : {"kill_process", "errno", "user_notif", "log", "allow"}) {
    facts.add_seccomp_actions(action);
  }
  facts.set_landlock_abi(7);
  facts.mutable_apparmor()->set_present(true);
  facts.mutable_apparmor()->set_may_load(true);
  facts.mutable_rlimit_hard()->set_file_size(UINT64_MAX);
  facts.mutable_rlimit_hard()->set_open_files(1 << 20);
  facts.mutable_rlimit_hard()->set_stack(UINT64_MAX);
  return facts;
}

// One of each kind of mount, loopback, and a filter with a listener.
inline constexpr char kRichPolicy[] = R"(
mounts {
  bind { source: "/usr" }
  bind { source: "/data" target: "/in" read_only: false }
  bind { source: "/etc/conf" target: "/etc/conf" optional: true executable: false }
  symlink { path: "/bin" target: "usr/bin" }
  file { path: "/etc/passwd" content: "job:x:1000:1000::/:/bin/sh\n" }
  tmpfs { target: "/tmp" size: "1MiB" }
  tmpfs { target: "/scratch" size: "1MiB" executable: true }
  proc {}
  dev {}
  masked: "/usr/share/doc"
}
working_directory: "/home/job"
seccomp {
  allow: ["stdio", "memory", "self", "exec"] kill: "dangerous"
  rule { calls: "socket" action: NOTIFY }
}
network { mode: LOOPBACK }
)";

inline absl::StatusOr<v1::Plan> RichPlan() {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, NormalizeText(kRichPolicy));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompiledPlan::Make(policy, FullHost()));
  return plan.proto();
}

// Sources as a resolver would give them: every bind is a directory but those below /etc.
inline ResolvedSources SourcesFor(const v1::MountPlan& plan) {
  ResolvedSources sources;
  for (const v1::MountEntry& entry : plan.entry()) {
    ResolvedSource source;
    const bool bind = entry.kind() == v1::MountEntry::BIND;
    if (bind || entry.kind() == v1::MountEntry::DEVICE) {
      source.present = true;
      source.path = entry.source();
      source.info.device = 5;
      source.info.inode = sources.entry.size() + 100;
      source.info.rdev = uint64_t{entry.device_major()} << 32 | entry.device_minor();
      const bool file = entry.source().compare(0, 5, "/etc/") == 0;
      source.info.mode = bind ? (file ? 0100644 : 0040755) : 0020666;
      source.mount.device = "0:5";
      source.mount.type = bind ? "ext4" : "devtmpfs";
      source.mount.root = source.path;
      source.mount.options = {"rw", "relatime"};
    }
    sources.entry.push_back(source);
  }
  sources.file_systems = {"ext4 0:5", "devtmpfs 0:5"};
  return sources;
}

inline absl::StatusOr<SetupProgram> GoodProgram(bool privileged = false) {
  CORDON_ASSIGN_OR_RETURN(const v1::Plan plan, RichPlan());
  const ResolvedSources sources = SourcesFor(plan.mount());
  v1::JobSpec job;
  job.add_copy_in()->set_target("/tmp/file");
  job.mutable_copy_in(0)->set_text("content");
  job.add_copy_in()->set_target("/tmp/link");
  job.mutable_copy_in(1)->set_link("file");
  CORDON_ASSIGN_OR_RETURN(const CopyInFiles files,
                          CopyInFiles::Gather(job.copy_in(), plan, nullptr));
  CORDON_ASSIGN_OR_RETURN(const CheckedProgram program,
                          BuildProgram({plan, sources, privileged, &files}, InitFilter()));
  return program.program();
}

// Index of the first operation with that code; the size of the program when there is none.
inline size_t IndexOf(const SetupProgram& program, child::Opcode code) {
  const auto it = std::find_if(program.ops.begin(), program.ops.end(),
                               [&](const child::Op& op) { return op.code == code; });
  return static_cast<size_t>(it - program.ops.begin());
}

inline void InsertOp(SetupProgram* program, size_t at, const child::Op& op) {
  program->ops.insert(program->ops.begin() + static_cast<long>(at), op);
  program->origins.insert(program->origins.begin() + static_cast<long>(at), OpOrigin());
}

inline void EraseOp(SetupProgram* program, size_t at) {
  program->ops.erase(program->ops.begin() + static_cast<long>(at));
  program->origins.erase(program->origins.begin() + static_cast<long>(at));
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_GOOD_PROGRAM_H_
