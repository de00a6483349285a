// SPDX-License-Identifier: Apache-2.0
// One function per layer; limits are rows of a table. A layer that `after` may go without widens
// everything in it, so one line says that and its parts are not compared.
#include "policy/compare.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/cpu_list.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/bpf/calls_diff.h"
#include "policy/compare_landlock.h"
#include "policy/compare_mounts.h"

namespace cordon {
namespace {

enum class Unit { kSize, kTime, kCount };

struct LimitRow {
  absl::string_view layer;
  absl::string_view label;
  absl::string_view field;
  Unit unit;
  uint64_t (*value)(const v1::Plan& plan);  // kUnlimited: none
};

// CPU time per second of wall time, in nanoseconds.
uint64_t CpuRate(const v1::Plan& plan) {
  const v1::CgroupPlan& cgroup = plan.cgroup();
  if (!cgroup.has_cpu_quota_us() || cgroup.cpu_period_us() == 0) return kUnlimited;
  return cgroup.cpu_quota_us() * 1'000'000'000 / cgroup.cpu_period_us();
}

const LimitRow kLimits[] = {
    {"cgroup", "memory", "limits.memory", Unit::kSize,
     [](const v1::Plan& plan) { return plan.cgroup().memory_max_bytes(); }},
    {"cgroup", "memory before it is slowed down", "cgroup.memory_high", Unit::kSize,
     [](const v1::Plan& plan) -> uint64_t {
       return plan.cgroup().has_memory_high_bytes() ? plan.cgroup().memory_high_bytes()
                                                    : kUnlimited;
     }},
    {"cgroup", "swap", "limits.swap", Unit::kSize,
     [](const v1::Plan& plan) { return plan.cgroup().swap_max_bytes(); }},
    {"cgroup", "processor time per second", "cgroup.cpu_max", Unit::kTime, CpuRate},
    {"cgroup", "share of the processors", "cgroup.cpu_weight", Unit::kCount,
     [](const v1::Plan& plan) -> uint64_t {
       return plan.cgroup().has_cpu_weight() ? plan.cgroup().cpu_weight() : 100;
     }},
    {"watch", "processor time", "limits.cpu_time", Unit::kTime,
     [](const v1::Plan& plan) { return plan.watch().cpu_time_ns(); }},
    {"watch", "time on the wall", "limits.wall_time", Unit::kTime,
     [](const v1::Plan& plan) { return plan.watch().wall_time_ns(); }},
    {"watch", "output", "limits.output", Unit::kSize,
     [](const v1::Plan& plan) { return plan.watch().output_bytes(); }},
    {"watch", "time without doing anything", "limits.idle_time", Unit::kTime,
     [](const v1::Plan& plan) { return plan.watch().idle_time_ns(); }},
    {"watch", "time beyond its limits", "limits.extra_time", Unit::kTime,
     [](const v1::Plan& plan) { return plan.watch().extra_time_ns(); }},
    {"watch", "output on stdout", "limits.stdout_size", Unit::kSize,
     [](const v1::Plan& plan) { return plan.watch().out().bytes(); }},
    {"watch", "output on stderr", "limits.stderr_size", Unit::kSize,
     [](const v1::Plan& plan) { return plan.watch().err().bytes(); }},
};

constexpr absl::string_view kRlimitProcesses = "RLIMIT_NPROC";

// Held by a group, or where there is none by an rlimit, which counts the job's init too.
uint64_t Processes(const v1::Plan& plan) {
  uint64_t most = plan.cgroup().enforcement() == v1::OFF ? kUnlimited : plan.cgroup().pids_max();
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) {
    if (entry.name() == kRlimitProcesses) most = std::min(most, entry.hard() - 1);
  }
  return most;
}

std::string Text(Unit unit, uint64_t value) {
  if (value == kUnlimited) return "unlimited";
  switch (unit) {
    case Unit::kSize:
      return FormatSize(value);
    case Unit::kTime:
      return FormatDuration(value);
    default:
      return absl::StrCat(value);
  }
}

// REQUIRED is the strictest, OFF the loosest.
int Looseness(v1::Enforcement enforcement) {
  switch (enforcement) {
    case v1::OFF:
      return 2;
    case v1::IF_AVAILABLE:
      return 1;
    default:
      return 0;
  }
}

class PlanComparer {
 public:
  PlanComparer(const v1::Plan& before, const v1::Plan& after, Architecture architecture)
      : before_(before), after_(after), architecture_(architecture) {}

  absl::StatusOr<std::vector<Widening>> Compare();

 private:
  void Say(absl::string_view layer, std::string what, absl::string_view field = "") {
    found_.push_back({std::string(layer), std::move(what), std::string(field)});
  }
  // True when the parts of the layer are worth comparing: both plans apply it.
  bool CompareEnforcement(absl::string_view layer, absl::string_view field, v1::Enforcement before,
                          v1::Enforcement after);
  void CompareValue(absl::string_view layer, absl::string_view label, absl::string_view field,
                    Unit unit, uint64_t before, uint64_t after);
  void CompareLimits(absl::string_view layer);
  void CompareStream(absl::string_view name, const v1::StreamPlan& before,
                     const v1::StreamPlan& after);
  void CompareCpus();
  void CompareIo();
  void CompareProcesses();
  void CompareRlimits();
  void CompareProfiles();
  absl::Status CompareCalls();

  const v1::Plan& before_;
  const v1::Plan& after_;
  const Architecture architecture_;
  std::vector<Widening> found_;
};

bool PlanComparer::CompareEnforcement(absl::string_view layer, absl::string_view field,
                                      v1::Enforcement before, v1::Enforcement after) {
  if (Looseness(after) > Looseness(before)) {
    Say(layer,
        after == v1::OFF ? "runs without this layer"
                         : "runs without this layer where the host does not have it",
        field);
  }
  return before != v1::OFF && after != v1::OFF;
}

void PlanComparer::CompareValue(absl::string_view layer, absl::string_view label,
                                absl::string_view field, Unit unit, uint64_t before,
                                uint64_t after) {
  if (after <= before) return;
  Say(layer, absl::StrCat(label, ": ", Text(unit, after), ", was ", Text(unit, before)), field);
}

void PlanComparer::CompareLimits(absl::string_view layer) {
  for (const LimitRow& row : kLimits) {
    if (row.layer != layer) continue;
    CompareValue(layer, row.label, row.field, row.unit, row.value(before_), row.value(after_));
  }
}

// Where it was ended and goes on now. A higher size is a line of its own already.
void PlanComparer::CompareStream(absl::string_view name, const v1::StreamPlan& before,
                                 const v1::StreamPlan& after) {
  if (before.bytes() == kUnlimited || before.truncate() || !after.truncate()) return;
  Say("watch", absl::StrCat("goes on when its ", name, " is full, which ended it"),
      absl::StrCat("limits.", name, "_action"));
}

void PlanComparer::CompareCpus() {
  const std::string& was = before_.cgroup().cpuset_cpus();
  const std::string& is = after_.cgroup().cpuset_cpus();
  if (CpusWithin(is, was)) return;
  Say("cgroup",
      absl::StrCat("processors: ", is.empty() ? "all" : is, ", was ", was.empty() ? "all" : was),
      "cgroup.cpuset_cpus");
}

void PlanComparer::CompareIo() {
  std::map<std::string, const v1::IoPlan*> now;
  for (const v1::IoPlan& io : after_.cgroup().io()) now[io.device()] = &io;
  const auto value = [](bool has, uint64_t rate) { return has ? rate : kUnlimited; };
  const v1::IoPlan nothing;
  for (const v1::IoPlan& was : before_.cgroup().io()) {
    const auto found = now.find(was.device());
    const v1::IoPlan& is = found == now.end() ? nothing : *found->second;
    const std::string device = absl::StrCat(EscapeForPeople(was.device()), " per second");
    CompareValue("cgroup", absl::StrCat("bytes read from ", device), "cgroup.io", Unit::kSize,
                 value(was.has_read_bps(), was.read_bps()),
                 value(is.has_read_bps(), is.read_bps()));
    CompareValue("cgroup", absl::StrCat("bytes written to ", device), "cgroup.io", Unit::kSize,
                 value(was.has_write_bps(), was.write_bps()),
                 value(is.has_write_bps(), is.write_bps()));
    CompareValue("cgroup", absl::StrCat("reads from ", device), "cgroup.io", Unit::kCount,
                 value(was.has_read_iops(), was.read_iops()),
                 value(is.has_read_iops(), is.read_iops()));
    CompareValue("cgroup", absl::StrCat("writes to ", device), "cgroup.io", Unit::kCount,
                 value(was.has_write_iops(), was.write_iops()),
                 value(is.has_write_iops(), is.write_iops()));
  }
}

// Apart from both layers: one may take over from the other.
void PlanComparer::CompareProcesses() {
  const uint64_t most = Processes(after_);
  if (most == kUnlimited) return;  // a layer is missing, and was named
  CompareValue("cgroup", "processes", "limits.processes", Unit::kCount, Processes(before_), most);
}

struct RlimitName {
  absl::string_view name;
  absl::string_view label;
  absl::string_view field;
  Unit unit;
};
constexpr RlimitName kRlimits[] = {
    {"RLIMIT_FSIZE", "size of a file", "limits.file_size", Unit::kSize},
    {"RLIMIT_STACK", "stack", "limits.stack", Unit::kSize},
    {"RLIMIT_NOFILE", "open files", "limits.open_files", Unit::kCount},
};

RlimitName NameOf(const std::string& rlimit) {
  for (const RlimitName& each : kRlimits) {
    if (each.name == rlimit) return each;
  }
  return {rlimit, rlimit, "limits", Unit::kCount};
}

void PlanComparer::CompareRlimits() {
  std::map<std::string, const v1::RlimitEntry*> now;
  for (const v1::RlimitEntry& entry : after_.rlimit().entry()) now[entry.name()] = &entry;
  for (const v1::RlimitEntry& was : before_.rlimit().entry()) {
    if (was.name() == kRlimitProcesses) continue;
    const auto found = now.find(was.name());
    // The hard limit is what a job can reach by itself.
    const RlimitName name = NameOf(was.name());
    CompareValue("rlimit", name.label, name.field, name.unit, was.hard(),
                 found == now.end() ? kUnlimited : found->second->hard());
  }
}

// What a profile of the administrator allows is not known here, so a change from or to one is said.
void PlanComparer::CompareProfiles() {
  const auto named = [](const v1::AppArmorPlan& plan) {
    return plan.source() == v1::AppArmorPlan::ADMINISTRATOR ? plan.name() : std::string();
  };
  const std::string was = named(before_.apparmor());
  const std::string is = named(after_.apparmor());
  if (was == is) return;
  const auto shown = [](const std::string& name) {
    return name.empty() ? std::string("the one compiled from the policy")
                        : absl::StrCat("the administrator's ", EscapeForPeople(name));
  };
  Say("apparmor", absl::StrCat("its profile is ", shown(is), ", was ", shown(was)),
      is.empty() ? "apparmor.enforcement" : "apparmor.profile");
}

absl::string_view AnswerText(Answer answer) {
  switch (answer) {
    case Answer::kKills:
      return "ended the job";
    case Answer::kFails:
      return "failed";
    default:
      return "ran";
  }
}

absl::Status PlanComparer::CompareCalls() {
  CORDON_ASSIGN_OR_RETURN(
      const std::vector<CallWidening> calls,
      CallsWidened(before_.seccomp().rules(), after_.seccomp().rules(), architecture_));
  // Calls that changed alike, by the same field, are one sentence.
  std::map<std::vector<std::string>, std::vector<std::string>> alike;
  std::vector<std::vector<std::string>> order;
  for (const CallWidening& call : calls) {
    const std::string what = absl::StrCat(
        call.arguments == "any arguments" ? "" : absl::StrCat(" with ", call.arguments),
        call.after == Answer::kRuns ? "" : " and survive it (the call fails)", ", which ",
        AnswerText(call.before));
    const std::vector<std::string> key = {call.field, what};
    if (alike.count(key) == 0) order.push_back(key);
    alike[key].push_back(call.call.empty() ? "calls that have no name here" : call.call);
  }
  for (const std::vector<std::string>& key : order) {
    Say("seccomp", absl::StrCat("may call ", absl::StrJoin(alike[key], ", "), key[1]), key[0]);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Widening>> PlanComparer::Compare() {
  if (before_.net().own_namespace() && !after_.net().own_namespace()) {
    Say("net", "shares the host's network", "network");
  } else if (before_.net().own_namespace() && !before_.net().loopback_up() &&
             after_.net().loopback_up()) {
    Say("net", "its processes may talk to each other over the loopback device", "network");
  }
  for (Widening& each : MountsWidened(before_.mount(), after_.mount())) {
    found_.push_back(std::move(each));
  }
  if (CompareEnforcement("cgroup", "cgroup.enforcement", before_.cgroup().enforcement(),
                         after_.cgroup().enforcement())) {
    CompareLimits("cgroup");
    CompareCpus();
    CompareIo();
  }
  CompareProcesses();
  CompareLimits("watch");
  CompareStream("stdout", before_.watch().out(), after_.watch().out());
  CompareStream("stderr", before_.watch().err(), after_.watch().err());
  if (CompareEnforcement("rlimit", "limits.enforcement", before_.rlimit().enforcement(),
                         after_.rlimit().enforcement())) {
    CompareRlimits();
  }
  CompareEnforcement("caps", "capabilities.enforcement", before_.caps().enforcement(),
                     after_.caps().enforcement());
  if (CompareEnforcement("landlock", "landlock.enforcement", before_.landlock().enforcement(),
                         after_.landlock().enforcement())) {
    for (Widening& each : FileRulesWidened(before_, after_)) found_.push_back(std::move(each));
  }
  if (CompareEnforcement("seccomp", "seccomp.enforcement", before_.seccomp().enforcement(),
                         after_.seccomp().enforcement())) {
    CORDON_RETURN_IF_ERROR(CompareCalls());
  }
  if (CompareEnforcement("apparmor", "apparmor.enforcement", before_.apparmor().enforcement(),
                         after_.apparmor().enforcement())) {
    CompareProfiles();
  }
  return std::move(found_);
}

}  // namespace

absl::StatusOr<std::vector<Widening>> Widened(const v1::Plan& before, const v1::Plan& after,
                                              Architecture architecture) {
  return PlanComparer(before, after, architecture).Compare();
}

}  // namespace cordon
