// SPDX-License-Identifier: Apache-2.0
// What a kernel would show of a sandbox that was set up exactly as planned, made up from the plan.
// Tests spoil one thing in it and expect a refusal.
#ifndef CORDON_TESTS_SUPPORT_READ_BACK_OF_H_
#define CORDON_TESTS_SUPPORT_READ_BACK_OF_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sandbox/layers/layer.h"
#include "tests/support/good_program.h"

namespace cordon {

inline constexpr HostIds kJobIds = {70001, 70002};

inline std::vector<std::string> QuotaOf(uint64_t bytes, uint64_t inodes) {
  return {"rw", absl::StrCat("size=", bytes / 1024, "k"), absl::StrCat("nr_inodes=", inodes)};
}

inline MountInfo MountOf(const v1::MountEntry& entry) {
  MountInfo mount;
  mount.root = "/";
  mount.mount_point = entry.target();
  const bool mask = entry.kind() == v1::MountEntry::MASK;
  mount.options = {entry.read_only() || mask ? "ro" : "rw", "nosuid", "relatime"};
  if (entry.kind() != v1::MountEntry::DEVICE) mount.options.emplace_back("nodev");
  if (entry.no_exec() || mask || entry.kind() == v1::MountEntry::PROC) {
    mount.options.emplace_back("noexec");
  }
  mount.type = entry.kind() == v1::MountEntry::PROC   ? "proc"
               : entry.kind() == v1::MountEntry::BIND ? "ext4"
                                                      : "tmpfs";
  if (entry.kind() == v1::MountEntry::TMPFS) {
    mount.super_options = QuotaOf(entry.size_bytes(), entry.inodes());
  }
  if (entry.process_only()) mount.super_options = {"rw", "subset=pid"};
  return mount;
}

inline bool IsMounted(const v1::MountEntry& entry) {
  switch (entry.kind()) {
    case v1::MountEntry::BIND:
    case v1::MountEntry::DEVICE:
    case v1::MountEntry::TMPFS:
    case v1::MountEntry::PROC:
    case v1::MountEntry::MASK:
      return true;
    default:
      return false;
  }
}

inline std::string RowName(uint32_t resource) {
  const std::map<uint32_t, std::string> names = {
      {0, "Max cpu time"},         {1, "Max file size"},      {2, "Max data size"},
      {3, "Max stack size"},       {4, "Max core file size"}, {5, "Max resident set"},
      {6, "Max processes"},        {7, "Max open files"},     {8, "Max locked memory"},
      {9, "Max address space"},    {10, "Max file locks"},    {11, "Max pending signals"},
      {12, "Max msgqueue size"},   {13, "Max nice priority"}, {14, "Max realtime priority"},
      {15, "Max realtime timeout"}};
  return names.at(resource);
}

inline ReadBack ReadBackOf(const v1::Plan& plan, bool privileged) {
  ReadBack back;
  const auto four = [](uint32_t id) { return absl::StrCat(id, "\t", id, "\t", id, "\t", id); };
  back.status = {{"Uid", four(kJobIds.uid)},
                 {"Gid", four(kJobIds.gid)},
                 {"Groups", ""},
                 {"NoNewPrivs", "1"},
                 {"Seccomp", "0"}};
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    back.status[set] = "0000000000000000";
  }
  back.uid_map = {{plan.userns().uid(), kJobIds.uid, 1}};
  back.gid_map = {{plan.userns().gid(), kJobIds.gid, 1}};
  back.setgroups = privileged ? "allow" : "deny";
  MountInfo root;
  root.mount_point = root.root = "/";
  root.type = "tmpfs";
  root.options = {"ro", "nosuid", "nodev"};
  root.super_options = QuotaOf(plan.mount().root_size_bytes(), plan.mount().root_inodes());
  back.mounts.push_back(root);
  for (const v1::MountEntry& entry : plan.mount().entry()) {
    if (IsMounted(entry)) back.mounts.push_back(MountOf(entry));
  }
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) {
    back.limits[RowName(entry.resource())] = {entry.soft(), entry.hard()};
  }
  back.network_devices = {"lo"};
  for (const char* name : {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup"}) {
    back.namespaces[name] = absl::StrCat(name, ":[2]");
    back.own_namespaces[name] = absl::StrCat(name, ":[1]");
  }
  back.apparmor = "unconfined\n";
  back.descriptors = {"0", "1", "2", "3", "4", "5"};
  return back;
}

// A plan with a read-back that matches it; tests change either and call a Verify function.
struct VerifyCase {
  v1::Plan plan = RichPlan().value();
  ResolvedSources sources = SourcesFor(plan.mount());
  bool privileged = true;
  HostIds ids = kJobIds;
  ReadBack back = ReadBackOf(plan, privileged);
  absl::Status Verify(absl::Status (*verify)(const VerifyInput&)) const {
    return verify({plan, sources, back, ids, privileged, nullptr});
  }
};

// The operations that one layer adds in one phase.
inline absl::StatusOr<SetupProgram> Lowered(absl::Status (*lower)(Phase, const LowerInput&,
                                                                  SetupBuilder*),
                                            Phase phase, const VerifyCase& from) {
  SetupBuilder builder;
  const absl::Status status = lower(phase, {from.plan, from.sources, from.privileged}, &builder);
  if (!status.ok()) return status;
  return builder.Finish();
}

inline std::vector<std::string> NamesOf(const SetupProgram& program) {
  std::vector<std::string> names;
  for (const child::Op& op : program.ops) names.emplace_back(OpcodeName(op.code));
  return names;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_READ_BACK_OF_H_
