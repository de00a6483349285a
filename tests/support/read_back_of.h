// SPDX-License-Identifier: Apache-2.0
// What a kernel would show of a sandbox that was set up exactly as planned, made up from the plan.
// Tests spoil one thing in it and expect a refusal.
#ifndef CORDON_TESTS_SUPPORT_READ_BACK_OF_H_
#define CORDON_TESTS_SUPPORT_READ_BACK_OF_H_

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/layer.h"
#include "sandbox/layers/mount_table.h"
#include "tests/support/good_program.h"

namespace cordon {

inline constexpr HostIds kJobIds = {70001, 70002};

inline std::vector<std::string> QuotaOf(uint64_t bytes, uint64_t inodes) {
  return {"rw", absl::StrCat("size=", bytes / 1024, "k"), absl::StrCat("nr_inodes=", inodes)};
}

inline MountInfo MountOf(const v1::MountEntry& entry, const ResolvedSource& source, uint64_t id) {
  MountInfo mount;
  mount.id = id;
  mount.parent = 1;
  mount.device = absl::StrCat("0:", 900 + id);
  mount.root = "/";
  mount.mount_point = entry.target();
  const bool mask = entry.kind() == v1::MountEntry::MASK;
  mount.options = {entry.read_only() || mask ? "ro" : "rw", "nosuid", "relatime"};
  if (entry.kind() != v1::MountEntry::DEVICE) mount.options.emplace_back("nodev");
  if (entry.no_exec() || mask || entry.kind() == v1::MountEntry::PROC) {
    mount.options.emplace_back("noexec");
  }
  mount.type = entry.kind() == v1::MountEntry::PROC ? "proc" : "tmpfs";
  if (source.present) {
    mount.type = source.mount.type;
    mount.device = source.mount.device;
    mount.root = source.mount.root;
  }
  if (entry.kind() == v1::MountEntry::TMPFS) {
    mount.super_options = QuotaOf(entry.size_bytes(), entry.inodes());
  }
  if (mask) mount.super_options = QuotaOf(4096, 4);
  if (entry.process_only()) mount.super_options = {"rw", "subset=pid"};
  return mount;
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

// The root, and what the plan mounts.
inline void MountAsPlanned(const v1::MountPlan& plan, const ResolvedSources& sources,
                           ReadBack* back) {
  MountInfo root;
  root.id = 1;
  root.device = "0:901";
  root.mount_point = root.root = "/";
  root.type = "tmpfs";
  root.options = {"ro", "nosuid", "nodev", "relatime"};
  root.super_options = QuotaOf(plan.root_size_bytes(), plan.root_inodes());
  back->mounts.push_back(root);
  back->places["/"].mount = root.id;
  back->places["/"].mode = 0040755;
  for (int i = 0; i < plan.entry_size(); ++i) {
    const v1::MountEntry& entry = plan.entry(i);
    const ResolvedSource& source = sources.entry[static_cast<size_t>(i)];
    if (!IsMounted(entry, source)) continue;
    back->mounts.push_back(MountOf(entry, source, back->mounts.size() + 1));
    FileInfo& there = back->places[entry.target()];
    there.mode = 0040000 | entry.mode();
    if (source.present) there = source.info;
    there.mount = back->mounts.back().id;
  }
}

inline ReadBack ReadBackOf(const v1::Plan& plan, const ResolvedSources& sources, bool privileged) {
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
  back.own_groups = "4 27";
  if (!privileged) back.status["Groups"] = back.own_groups;
  MountAsPlanned(plan.mount(), sources, &back);
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) {
    back.limits[RowName(entry.resource())] = {entry.soft(), entry.hard()};
  }
  back.network_devices = {"lo"};
  for (const char* name : {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup"}) {
    back.namespaces[name] = absl::StrCat(name, ":[2]");
    back.own_namespaces[name] = absl::StrCat(name, ":[1]");
  }
  back.apparmor = "unconfined\n";
  back.pid = 4000;
  back.place = {'S', back.pid, back.pid, 0};
  back.status["Threads"] = "1";
  back.status["Seccomp_filters"] = "0";
  back.own_keyring = 11;
  for (int i = 0; i < 5; ++i) back.pipes.push_back(absl::StrCat("pipe:[", 100 + i, "]"));
  for (size_t i = 0; i < 5; ++i) back.descriptors[absl::StrCat(i)] = back.pipes[i];
  back.descriptors["5"] = "/";
  back.descriptors["6"] = "pipe:[105]";
  return back;
}

// The twin of that child, as the layers' probes and steps would have left it.
inline TwinBack TwinBackOf(const v1::Plan& plan, const ResolvedSources& sources,
                           const ReadBack& init) {
  TwinBack twin;
  twin.pid = init.pid + 1;
  twin.place = {'T', twin.pid, twin.pid, 0};
  twin.standing = init.status;
  twin.standing["Umask"] = "0022";
  twin.standing["SigBlk"] = twin.standing["SigIgn"] = "0000000000000000";
  twin.dead = init.status;
  twin.dead["Seccomp"] = "2";
  twin.dead["Seccomp_filters"] = "1";
  twin.limits = init.limits;
  twin.cgroup = init.cgroup;
  twin.oom_score_adj = "1000";
  twin.directory = plan.process().working_directory();
  for (size_t i = 0; i < 3; ++i) twin.descriptors[absl::StrCat(i)] = init.pipes[i];
  twin.descriptors["3"] = "pipe:[105]";
  twin.end_code = 1;
  twin.apparmor = AppArmorShown(plan.apparmor()) + " (enforce)\n";
  twin.buffer = std::string(65, '\0') + plan.namespaces().hostname();
  twin.buffer.resize(child::kProbeBuffer);
  std::memcpy(twin.buffer.data() + 400, "lo", 2);                  // struct ifreq of SIOCGIFFLAGS
  twin.buffer[400 + 16] = plan.net().loopback_up() ? 0x49 : 0x08;  // IFF_UP or not
  twin.root.mount = init.places.at("/").mount;
  twin.place_of_directory.mount = twin.root.mount;
  SetupBuilder builder;
  for (const LayerRuntime& layer : RuntimeLayers()) {
    layer.lower(Phase::kTwin, {plan, sources, true}, &builder).IgnoreError();
  }
  const std::string bytes = builder.ProbeBytes();
  const std::vector<std::string> names = builder.Finish().probes;
  for (size_t i = 0; i < names.size(); ++i) {
    child::Probe probe;
    std::memcpy(&probe, bytes.data() + i * sizeof(probe), sizeof(probe));
    for (uint32_t point = 1; point <= child::kProbeFiltered; point <<= 1) {
      if ((probe.when & point) != 0) twin.answers[names[i]][point] = 0;
    }
  }
  twin.answers["caps.securebits"][child::kProbeConfined] = child::kJobSecurebits;
  twin.answers["process.keyring"][child::kProbeConfined] = 12;
  twin.answers["process.personality"][child::kProbeConfined] = 0;
  twin.answers["userns.nested"][child::kProbeReleased] = -ENOSPC;
  for (auto& [name, answers] : twin.answers) {
    if (name == "landlock.write" || name == "landlock.bind") {
      answers[child::kProbeConfined] = -EACCES;
    }
    if (name == "landlock.signal" || name == "landlock.look") {
      answers[child::kProbeConfined] = -EPERM;
    }
    const bool allowed = name == "seccomp.getpid" || name == "seccomp.read" ||
                         name == "seccomp.close" || name == "seccomp.brk" ||
                         name == "seccomp.execve";
    // RichPlan kills what is dangerous and answers ENOSYS to the rest.
    if (name.compare(0, 8, "seccomp.") == 0 && !allowed) {
      answers[child::kProbeFiltered] = -ENOSYS;
    }
  }
  return twin;
}

// A plan with a read-back that matches it; tests change either and call a Verify function.
struct VerifyCase {
  v1::Plan plan = RichPlan().value();
  ResolvedSources sources = SourcesFor(plan.mount());
  bool privileged = true;
  HostIds ids = kJobIds;
  ReadBack back = ReadBackOf(plan, sources, privileged);
  TwinBack twin = TwinBackOf(plan, sources, back);
  VerifyInput Input() const { return {plan, sources, back, twin, ids, privileged, nullptr, ""}; }
  absl::Status Verify(absl::Status (*verify)(const VerifyInput&)) const { return verify(Input()); }
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
