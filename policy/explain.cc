// SPDX-License-Identifier: Apache-2.0
// Prints a plan in sections of two columns. Text that came from the policy is escaped before it is
// wrapped, so that no byte of it can move the cursor or forge a line.
#include "policy/explain.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/bpf/rules.h"
#include "policy/bpf/syscall_groups.h"
#include "policy/bpf/syscall_table.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kLeastLabel = 12;
constexpr size_t kMostLabel = 32;

// Code points, not bytes: continuation bytes of UTF-8 take no column.
size_t Width(absl::string_view text) {
  size_t width = 0;
  for (char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
  }
  return width;
}

// The longest start of `text` that is `columns` wide.
absl::string_view Head(absl::string_view text, size_t columns) {
  size_t end = 0;
  for (size_t width = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (starts && ++width > columns) break;
  }
  return text.substr(0, end);
}

// Sections of a title and rows; a row is a label and wrapped text beside it. The labels of one
// section are as wide as its longest, within reason.
class Writer {
 public:
  void Row(absl::string_view label, absl::string_view text) { rows_.emplace_back(label, text); }

  void Title(absl::string_view text) {
    EndSection();
    absl::StrAppend(&text_, text_.empty() ? "" : "\n");
    while (Width(text) > kColumns) {
      const absl::string_view head = Head(text, kColumns);
      absl::StrAppend(&text_, head, "\n");
      text.remove_prefix(head.size());
    }
    absl::StrAppend(&text_, text, "\n");
  }

  std::string Take() {
    EndSection();
    return std::move(text_);
  }

 private:
  void EndSection() {
    size_t column = kLeastLabel;
    for (const auto& row : rows_) column = std::max(column, Width(row.first));
    column = std::min(column, kMostLabel) + 4;  // two spaces before the label and two after it
    for (const auto& row : rows_) WriteRow(row.first, row.second, column);
    rows_.clear();
  }

  void WriteRow(absl::string_view label, absl::string_view text, size_t column) {
    std::string line = "  ";
    AddWord(label, 2, &line);
    if (Width(line) + 2 > column) {
      Flush(column, &line);
    } else {
      line.append(column - Width(line), ' ');
    }
    bool fresh = true;
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      if (!fresh && Width(line) + 1 + Width(word) > kColumns) {
        Flush(column, &line);
        fresh = true;
      }
      if (!fresh) line += ' ';
      AddWord(word, column, &line);
      fresh = false;
    }
    Flush(column, &line);
  }

  // A word that is wider than the rest of the line is cut.
  void AddWord(absl::string_view word, size_t column, std::string* line) {
    while (Width(*line) + Width(word) > kColumns) {
      const absl::string_view head = Head(word, kColumns - Width(*line));
      absl::StrAppend(line, head);
      word.remove_prefix(head.size());
      Flush(column, line);
    }
    absl::StrAppend(line, word);
  }

  void Flush(size_t column, std::string* line) {
    while (!line->empty() && line->back() == ' ') line->pop_back();
    absl::StrAppend(&text_, *line, "\n");
    line->assign(column, ' ');
  }

  std::vector<std::pair<std::string, std::string>> rows_;  // of the section that is open
  std::string text_;
};

std::string Shown(absl::string_view text) { return EscapeForPeople(text); }

std::string SizeText(uint64_t bytes) { return FormatSize(bytes); }

// " (if available)" where the policy lets a layer be missing; nothing for REQUIRED.
absl::string_view Note(v1::Enforcement enforcement) {
  return enforcement == v1::IF_AVAILABLE ? " (where the host can)" : "";
}

std::string EntryText(const v1::MountEntry& entry) {
  const absl::string_view exec = entry.no_exec() ? ", nothing in it can be executed" : "";
  switch (entry.kind()) {
    case v1::MountEntry::BIND:
      return absl::StrCat(entry.read_only() ? "read-only" : "WRITABLE", " from the host's ",
                          Shown(entry.source()), exec, entry.optional() ? ", if it exists" : "");
    case v1::MountEntry::TMPFS:
      return absl::StrCat("empty, in memory, ", SizeText(entry.size_bytes()), ", ", entry.inodes(),
                          " files", entry.read_only() ? ", read-only" : "", exec);
    case v1::MountEntry::PROC:
      return entry.process_only() ? "the job's own processes and nothing else"
                                  : "the job's own processes, and facts about the machine";
    case v1::MountEntry::DEVICE:
      return "device";
    case v1::MountEntry::SYMLINK:
      return absl::StrCat("link to ", Shown(entry.source()));
    case v1::MountEntry::FILE:
      return absl::StrCat("file with ", entry.content().size(), " bytes of the policy");
    case v1::MountEntry::MASK:
      return "hidden";
    default:
      return "empty directory";
  }
}

void WriteFiles(const v1::Plan& plan, Writer* writer) {
  writer->Title("Files: only this exists; the root itself is empty and read-only");
  std::vector<std::string> devices;
  for (const v1::MountEntry& entry : plan.mount().entry()) {
    if (entry.kind() == v1::MountEntry::DEVICE) {
      devices.push_back(Shown(entry.target()));
    } else if (entry.kind() != v1::MountEntry::SYMLINK || entry.field() != "mounts.dev") {
      writer->Row(Shown(entry.target()), EntryText(entry));
    }
  }
  if (!devices.empty()) writer->Row("devices", absl::StrJoin(devices, " "));
  writer->Row("starts in", Shown(plan.process().working_directory()));
}

void WriteIdentity(const v1::Plan& plan, Writer* writer) {
  writer->Title("Identity and environment");
  writer->Row("user", absl::StrCat("uid ", plan.userns().uid(), ", gid ", plan.userns().gid(),
                                   " inside; never root on the host"));
  writer->Row("host name", Shown(plan.namespaces().hostname()));
  if (plan.process().environment().empty()) writer->Row("environment", "empty");
  for (int i = 0; i < plan.process().environment_size(); ++i) {
    const v1::Variable& variable = plan.process().environment(i);
    writer->Row(i == 0 ? "environment" : "",
                absl::StrCat(Shown(variable.name()), "=", Shown(variable.value())));
  }
}

void WriteCgroup(const v1::CgroupPlan& cgroup, Writer* writer) {
  if (!cgroup.enabled()) {
    writer->Row("control group",
                cgroup.enforcement() == v1::OFF
                    ? "OFF: memory is not limited, cpu time is only measured"
                    : absl::StrCat("NOT ENFORCED on this host: ", cgroup.unavailable_why()));
    return;
  }
  writer->Row(
      "memory",
      absl::StrCat(SizeText(cgroup.memory_max_bytes()), " in all",
                   cgroup.has_memory_high_bytes()
                       ? absl::StrCat(", slowed from ", SizeText(cgroup.memory_high_bytes()))
                       : "",
                   ", swap ",
                   cgroup.swap_max_bytes() == 0 ? "none" : SizeText(cgroup.swap_max_bytes()),
                   Note(cgroup.enforcement())));
  writer->Row("processes",
              absl::StrCat("at most ", cgroup.pids_max(), " processes and threads at one time"));
  if (cgroup.has_cpu_quota_us()) {
    writer->Row("cpu rate", absl::StrCat(cgroup.cpu_quota_us() / 1000, "ms of every ",
                                         cgroup.cpu_period_us() / 1000, "ms"));
  }
  if (cgroup.has_cpu_weight()) writer->Row("cpu weight", absl::StrCat(cgroup.cpu_weight()));
  if (!cgroup.cpuset_cpus().empty()) writer->Row("processors", Shown(cgroup.cpuset_cpus()));
  for (const v1::IoPlan& io : cgroup.io()) {
    std::vector<std::string> parts;
    if (io.has_read_bps()) parts.push_back(absl::StrCat("read ", SizeText(io.read_bps()), "/s"));
    if (io.has_write_bps()) parts.push_back(absl::StrCat("write ", SizeText(io.write_bps()), "/s"));
    if (io.has_read_iops()) parts.push_back(absl::StrCat(io.read_iops(), " reads/s"));
    if (io.has_write_iops()) parts.push_back(absl::StrCat(io.write_iops(), " writes/s"));
    writer->Row(absl::StrCat("disk ", Shown(io.device())), absl::StrJoin(parts, ", "));
  }
}

std::string RlimitText(const v1::RlimitEntry& entry) {
  if (entry.soft() == kUnlimited) return "unlimited";
  const bool bytes = entry.name() == "RLIMIT_FSIZE" || entry.name() == "RLIMIT_STACK" ||
                     entry.name() == "RLIMIT_MEMLOCK" || entry.name() == "RLIMIT_MSGQUEUE";
  return bytes ? SizeText(entry.soft()) : absl::StrCat(entry.soft());
}

void WriteLimits(const v1::Plan& plan, Writer* writer) {
  const v1::WatchPlan& watch = plan.watch();
  writer->Title("Limits");
  writer->Row("wall time", FormatDuration(watch.wall_time_ns()));
  writer->Row("cpu time", absl::StrCat(FormatDuration(watch.cpu_time_ns()),
                                       watch.cpu_time_ns() == kUnlimited
                                           ? ""
                                           : ", user and system, all processes together"));
  writer->Row(
      "output",
      absl::StrCat(SizeText(watch.output_bytes()),
                   watch.output_bytes() == kUnlimited ? "" : ", stdout and stderr together"));
  WriteCgroup(plan.cgroup(), writer);
  if (!plan.rlimit().enabled()) {
    writer->Row("per process", "OFF: no resource limits are set");
    return;
  }
  std::vector<std::string> parts;
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) {
    parts.push_back(absl::StrCat(entry.name(), "=", RlimitText(entry)));
  }
  writer->Row("per process",
              absl::StrCat(absl::StrJoin(parts, ", "), Note(plan.rlimit().enforcement())));
}

std::string ConditionText(const v1::Condition& condition) {
  const std::string arg = absl::StrCat("argument ", condition.arg(), " ");
  switch (condition.comparison_case()) {
    case v1::Condition::kEquals:
      return absl::StrCat(arg, "is ", Shown(condition.equals()));
    case v1::Condition::kNotEquals:
      return absl::StrCat(arg, "is not ", Shown(condition.not_equals()));
    case v1::Condition::kLessThan:
      return absl::StrCat(arg, "is below ", Shown(condition.less_than()));
    case v1::Condition::kAtMost:
      return absl::StrCat(arg, "is at most ", Shown(condition.at_most()));
    case v1::Condition::kGreaterThan:
      return absl::StrCat(arg, "is above ", Shown(condition.greater_than()));
    case v1::Condition::kAtLeast:
      return absl::StrCat(arg, "is at least ", Shown(condition.at_least()));
    case v1::Condition::kMaskedEquals:
      return absl::StrCat(arg, "& (", Shown(condition.masked_equals().mask()), ") is ",
                          Shown(condition.masked_equals().value()));
    case v1::Condition::kAnyOf: {
      std::vector<std::string> values;
      for (const std::string& value : condition.any_of().value()) values.push_back(Shown(value));
      return absl::StrCat(arg, "is one of ", absl::StrJoin(values, ", "));
    }
    default:
      return "";
  }
}

std::string OutcomeText(v1::Seccomp::Action action, absl::string_view errno_name) {
  switch (action) {
    case v1::Seccomp::ALLOW:
      return "allowed";
    case v1::Seccomp::LOG:
      return "allowed and logged";
    case v1::Seccomp::ERRNO:
      return absl::StrCat("fails with ", Shown(errno_name));
    default:
      return "kills the job";
  }
}

std::string RuleText(const v1::Rule& rule) {
  std::vector<std::string> conditions;
  for (const v1::Condition& condition : rule.when()) conditions.push_back(ConditionText(condition));
  std::string text =
      OutcomeText(rule.action(), rule.errno_name().empty() ? "EPERM" : rule.errno_name());
  if (!conditions.empty()) absl::StrAppend(&text, " when ", absl::StrJoin(conditions, " and "));
  return text;
}

// What the group's calls do; a group that consists of others says what each of them does.
std::string GroupText(const SyscallGroup& group) {
  if (group.entries.empty()) {
    std::vector<absl::string_view> parts;
    for (const SyscallGroup& other : SyscallGroups()) {
      const auto& names = group.includes;
      if (std::find(names.begin(), names.end(), other.name) != names.end()) {
        parts.push_back(other.summary);
      }
    }
    return absl::StrJoin(parts, "; ");
  }
  return std::string(group.summary);
}

// In the order of risk, whatever the order of the policy.
template <typename Names>
void WriteGroups(const Names& names, absl::string_view verb, Writer* writer) {
  for (const SyscallGroup& group : SyscallGroups()) {
    if (std::find(names.begin(), names.end(), group.name) == names.end()) continue;
    writer->Row(group.name, absl::StrCat(verb, GroupText(group)));
  }
}

void WriteSeccomp(const v1::Seccomp& policy, const v1::SeccompPlan& plan, Writer* writer) {
  writer->Title(absl::StrCat("System calls: ", plan.enabled() ? "" : "NOT FILTERED; ",
                             plan.allowed_calls(), " can be allowed", Note(plan.enforcement())));
  WriteGroups(policy.allow(), "", writer);
  WriteGroups(policy.kill(), "kills the job: ", writer);
  for (const v1::Rule& rule : policy.rule()) {
    std::vector<std::string> calls;
    for (const std::string& call : rule.calls()) calls.push_back(Shown(call));
    if (calls.size() == 1) {
      writer->Row(calls.front(), RuleText(rule));
    } else {
      writer->Row("several", absl::StrCat(RuleText(rule), ": ", absl::StrJoin(calls, " ")));
    }
  }
  const v1::SeccompAction& rest = plan.rules().default_action();
  writer->Row("all others",
              OutcomeText(rest.action(), ErrnoName(static_cast<int>(rest.errno_value()))));
  if (plan.rules().unknown_from() != 0) {
    writer->Row("newer calls", absl::StrCat("fails with ENOSYS: calls that Linux ", TableKernel(),
                                            " does not have"));
  }
  writer->Row("other ABIs", "kills the job: i386 and x32 calls");
}

std::string LandlockText(const v1::LandlockPlan& plan) {
  if (plan.enforcement() == v1::OFF) return "OFF: the mounts stand alone";
  if (!plan.enabled()) {
    return absl::StrCat("NOT ENFORCED on this host: ", Shown(plan.unavailable_why()));
  }
  std::vector<absl::string_view> parts = {"what the mounts allow, once more"};
  if (plan.handled_net() != 0) parts.push_back("no TCP");
  if (plan.scoped() != 0) parts.push_back("no signals and abstract sockets beyond the job");
  return absl::StrCat(absl::StrJoin(parts, "; "), Note(plan.enforcement()),
                      plan.missing().empty() ? "" : "; this kernel cannot guard: ",
                      absl::StrJoin(plan.missing(), ", "));
}

absl::string_view AccessText(v1::FileRule::Access access) {
  switch (access) {
    case v1::FileRule::READ:
      return "may only be read";
    case v1::FileRule::EXECUTE:
      return "may only be read and executed";
    default:
      return "may be used as its mount allows";
  }
}

void WriteLandlock(const v1::Landlock& policy, const v1::LandlockPlan& plan, Writer* writer) {
  writer->Row("landlock", LandlockText(plan));
  for (const v1::FileRule& file : policy.file()) {
    writer->Row(Shown(file.path()),
                absl::StrCat(plan.enabled() ? "" : "NOT ENFORCED: ", AccessText(file.access())));
  }
}

void WriteLayers(const v1::Landlock& landlock, const v1::Plan& plan, Writer* writer) {
  writer->Title("Walls");
  writer->Row("network", !plan.net().own_namespace()
                             ? "OFF: THE HOST'S NETWORK IS SHARED"
                             : (plan.net().loopback_up() ? "its own, loopback only"
                                                         : "its own, nothing is up"));
  writer->Row("capabilities", plan.caps().enabled() ? "none, and exec cannot give any"
                                                    : "OFF: THOSE OF ITS USER NAMESPACE ARE KEPT");
  WriteLandlock(landlock, plan.landlock(), writer);
  writer->Row("namespaces", "user, mount, pid, ipc, uts, cgroup: its own");
}

}  // namespace

std::string ExplainPlan(const NormalPolicy& policy, const CompiledPlan& plan) {
  Writer writer;
  const v1::Plan& proto = plan.proto();
  const std::string& description = policy.proto().description();
  writer.Title(
      absl::StrCat(Shown(policy.name()), description.empty() ? "" : ": ", Shown(description)));
  WriteFiles(proto, &writer);
  WriteIdentity(proto, &writer);
  WriteLimits(proto, &writer);
  WriteLayers(policy.proto().landlock(), proto, &writer);
  if (proto.seccomp().enforcement() == v1::OFF) {
    writer.Title("System calls: OFF: NOT FILTERED");
  } else {
    WriteSeccomp(policy.proto().seccomp(), proto.seccomp(), &writer);
  }
  return writer.Take();
}

}  // namespace cordon
