// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_limits.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/explain_section.h"

namespace cordon {
namespace {

// Of the two fields that name one limit the one whose value is enforced.
std::string Decisive(bool cgroup_is_set, const std::string& cgroup_value, uint64_t enforced,
                     absl::string_view limits_field, absl::string_view cgroup_field) {
  const bool by_cgroup = cgroup_is_set && ParseSize(cgroup_value).value_or(0) == enforced;
  return std::string(by_cgroup ? cgroup_field : limits_field);
}

void Clocks(const v1::WatchPlan& watch, SectionWriter* writer) {
  writer->Row("wall time",
              absl::StrCat(FormatDuration(watch.wall_time_ns()),
                           " on the clock from its first instruction, waiting included; then all "
                           "of it is killed"),
              "limits.wall_time", v1::WALL_LIMIT);
  writer->Row("cpu time",
              watch.cpu_time_ns() == kUnlimited
                  ? std::string("not limited: only the wall time ends a job that computes")
                  : absl::StrCat(FormatDuration(watch.cpu_time_ns()),
                                 " of processor time, all its processes together; then all of it "
                                 "is killed"),
              "limits.cpu_time",
              watch.cpu_time_ns() == kUnlimited ? v1::VERDICT_UNSPECIFIED : v1::CPU_LIMIT);
}

void IdleAndExtra(const v1::Plan& plan, SectionWriter* writer) {
  const v1::WatchPlan& watch = plan.watch();
  if (watch.idle_time_ns() != kUnlimited) {
    writer->Row("idle time",
                plan.cgroup().enabled()
                    ? absl::StrCat(FormatDuration(watch.idle_time_ns()),
                                   " without computing, reading or writing anything; then all of "
                                   "it is killed")
                    : absl::StrCat(FormatDuration(watch.idle_time_ns()),
                                   ", NOT ENFORCED without a control group: nothing else tells "
                                   "whether a job computes"),
                "limits.idle_time",
                plan.cgroup().enabled() ? v1::IDLE_LIMIT : v1::VERDICT_UNSPECIFIED);
  }
  if (watch.extra_time_ns() != 0) {
    writer->Row("extra time",
                absl::StrCat(FormatDuration(watch.extra_time_ns()),
                             " beyond wall and cpu time until it is killed; the verdict is that of "
                             "the limit"),
                "limits.extra_time");
  }
}

void Stream(absl::string_view name, const v1::StreamPlan& stream, SectionWriter* writer) {
  if (stream.bytes() == kUnlimited) return;
  writer->Row(name,
              absl::StrCat(FormatSize(stream.bytes()),
                           stream.truncate() ? "; the rest is thrown away and counts nowhere"
                                             : "; then all of it is killed"),
              absl::StrCat("limits.", name, "_size"),
              stream.truncate() ? v1::VERDICT_UNSPECIFIED : v1::OUTPUT_LIMIT);
}

void Io(const v1::CgroupPlan& cgroup, SectionWriter* writer) {
  for (int i = 0; i < cgroup.io_size(); ++i) {
    const v1::IoPlan& io = cgroup.io(i);
    std::vector<std::string> parts;
    if (io.has_read_bps()) parts.push_back(absl::StrCat("read ", FormatSize(io.read_bps()), "/s"));
    if (io.has_write_bps()) {
      parts.push_back(absl::StrCat("write ", FormatSize(io.write_bps()), "/s"));
    }
    if (io.has_read_iops()) parts.push_back(absl::StrCat(io.read_iops(), " reads/s"));
    if (io.has_write_iops()) parts.push_back(absl::StrCat(io.write_iops(), " writes/s"));
    writer->Row(absl::StrCat("disk ", EscapeForPeople(io.device())),
                absl::StrCat(absl::StrJoin(parts, ", "), "; slowed down to that, not ended"),
                IndexedField("cgroup.io", static_cast<size_t>(i)));
  }
}

void Processors(const v1::CgroupPlan& cgroup, SectionWriter* writer) {
  if (cgroup.has_cpu_quota_us()) {
    writer->Row("cpu rate",
                absl::StrCat(cgroup.cpu_quota_us() / 1000, "ms of processor time in every ",
                             cgroup.cpu_period_us() / 1000, "ms; slowed down to that, not ended"),
                "cgroup.cpu_max");
  }
  if (cgroup.has_cpu_weight()) {
    writer->Row("cpu weight",
                absl::StrCat(cgroup.cpu_weight(),
                             "; its share when others want the processors, too (usual: 100)"),
                "cgroup.cpu_weight");
  }
  if (!cgroup.cpuset_cpus().empty()) {
    writer->Row("processors",
                absl::StrCat("it runs on ", EscapeForPeople(cgroup.cpuset_cpus()), " only"),
                "cgroup.cpuset_cpus");
  }
}

void Group(const NormalPolicy& policy, const v1::CgroupPlan& cgroup, SectionWriter* writer) {
  if (!cgroup.enabled()) {
    writer->Row("control group",
                cgroup.enforcement() == v1::OFF
                    ? std::string("OFF: memory is not limited, cpu time is only measured")
                    : absl::StrCat("NOT ENFORCED on this host: ", cgroup.unavailable_why()),
                "cgroup.enforcement");
    return;
  }
  const v1::Cgroup& fields = policy.proto().cgroup();
  const absl::string_view where = WhereTheHostCan(cgroup.enforcement());
  writer->Row("memory",
              absl::StrCat(FormatSize(cgroup.memory_max_bytes()),
                           " in all: processes, files in memory, what the kernel keeps for it; "
                           "beyond that it is killed",
                           where),
              Decisive(fields.has_memory_max(), fields.memory_max(), cgroup.memory_max_bytes(),
                       "limits.memory", "cgroup.memory_max"),
              v1::MEMORY_LIMIT);
  if (cgroup.has_memory_high_bytes()) {
    writer->Row("memory, high",
                absl::StrCat("slowed down from ", FormatSize(cgroup.memory_high_bytes()), " on"),
                "cgroup.memory_high");
  }
  writer->Row("swap",
              cgroup.swap_max_bytes() == 0
                  ? std::string("none: its memory never goes to disk")
                  : absl::StrCat(FormatSize(cgroup.swap_max_bytes()), " on top of its memory"),
              Decisive(fields.has_swap_max(), fields.swap_max(), cgroup.swap_max_bytes(),
                       "limits.swap", "cgroup.swap_max"));
  const bool pids = fields.has_pids_max() && fields.pids_max() == cgroup.pids_max();
  writer->Row("processes",
              cgroup.pids_max() == 1
                  ? std::string("one, without threads: starting another fails; if the job then "
                                "ends badly:")
                  : absl::StrCat(cgroup.pids_max(),
                                 " processes and threads at one time: starting one more fails; if "
                                 "the job then ends badly:"),
              pids ? "cgroup.pids_max" : "limits.processes", v1::PROCESS_LIMIT);
  Processors(cgroup, writer);
  Io(cgroup, writer);
}

// Label, meaning and field of the limits that a policy sets; the others are ours.
void OneRlimit(const v1::RlimitEntry& entry, SectionWriter* writer,
               std::vector<std::string>* fixed) {
  const std::string size =
      entry.soft() == kUnlimited ? std::string("not limited") : FormatSize(entry.soft());
  if (entry.name() == "RLIMIT_FSIZE") {
    writer->Row(
        "file size",
        absl::StrCat(
            size, entry.soft() == kUnlimited ? "" : " for one file: writing more ends the writer"),
        "limits.file_size",
        entry.soft() == kUnlimited ? v1::VERDICT_UNSPECIFIED : v1::OUTPUT_LIMIT);
  } else if (entry.name() == "RLIMIT_STACK") {
    writer->Row("stack",
                absl::StrCat(size, entry.soft() == kUnlimited
                                       ? ": deep recursion is ended by the memory limit"
                                       : " for the first thread: deeper recursion ends it "
                                         "with SIGSEGV"),
                "limits.stack", entry.soft() == kUnlimited ? v1::MEMORY_LIMIT : v1::SIGNALED);
  } else if (entry.name() == "RLIMIT_NOFILE") {
    writer->Row("open files",
                absl::StrCat(entry.soft(), " in one process at one time: opening more fails"),
                "limits.open_files");
  } else {
    fixed->push_back(absl::StrCat(entry.name().substr(7), " ",
                                  entry.soft() % 1024 == 0 && entry.soft() != 0
                                      ? FormatSize(entry.soft())
                                      : absl::StrCat(entry.soft())));
  }
}

void Rlimits(const v1::RlimitPlan& plan, SectionWriter* writer) {
  if (!plan.enabled()) {
    writer->Row("per process", "OFF: no resource limits are set", "limits.enforcement");
    return;
  }
  std::vector<std::string> fixed;
  for (const v1::RlimitEntry& entry : plan.entry()) OneRlimit(entry, writer, &fixed);
  writer->Row("always",
              absl::StrCat("no core dumps, no higher priority, little locked memory (",
                           absl::StrJoin(fixed, ", "), ")", WhereTheHostCan(plan.enforcement())),
              "");
}

}  // namespace

void ExplainLimits(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation) {
  SectionWriter writer(policy, "limits", "", "Limits", explanation);
  writer.Introduce(
      "What is counted, what happens at the limit, and in brackets the verdict of the report "
      "then.");
  Clocks(plan.watch(), &writer);
  IdleAndExtra(plan, &writer);
  Group(policy, plan.cgroup(), &writer);
  const uint64_t output = plan.watch().output_bytes();
  writer.Row("output",
             output == kUnlimited
                 ? std::string("not limited")
                 : absl::StrCat(FormatSize(output),
                                " of stdout and stderr together; then all of it is killed"),
             "limits.output", output == kUnlimited ? v1::VERDICT_UNSPECIFIED : v1::OUTPUT_LIMIT);
  Stream("stdout", plan.watch().out(), &writer);
  Stream("stderr", plan.watch().err(), &writer);
  Rlimits(plan.rlimit(), &writer);
}

}  // namespace cordon
