// SPDX-License-Identifier: Apache-2.0
// Lints about limits that do not do what they say. There is none about the size of the address
// space, which breaks virtual machines that reserve more than they use: no field sets that limit.
#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/units.h"
#include "policy/lint/context.h"

namespace cordon {
namespace {

void SwapAllowed(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const uint64_t swap = context.plan.cgroup().swap_max_bytes();
  if (swap == 0) return;
  sink->Add("limits.swap",
            absl::StrCat("is ", FormatSize(swap), ", on top of ",
                         FormatSize(context.plan.cgroup().memory_max_bytes()), " of memory"));
}

// Processors that "0-1,3" names.
uint64_t CountProcessors(absl::string_view canonical) {
  uint64_t count = 0;
  for (absl::string_view range : absl::StrSplit(canonical, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(range, '-');
    uint64_t first = 0;
    uint64_t last = 0;
    static_cast<void>(absl::SimpleAtoi(ends.first, &first));
    last = first;
    if (!ends.second.empty()) static_cast<void>(absl::SimpleAtoi(ends.second, &last));
    count += last - first + 1;
  }
  return count;
}

void CpuTimeUnreachable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::WatchPlan& watch = context.plan.watch();
  const v1::CgroupPlan& cgroup = context.plan.cgroup();
  if (watch.cpu_time_ns() == kUnlimited) return;
  // How many processors the job can keep busy, in thousandths.
  double processors = cgroup.pids_max();
  if (!cgroup.cpuset_cpus().empty()) {
    processors = std::min(processors, static_cast<double>(CountProcessors(cgroup.cpuset_cpus())));
  }
  if (cgroup.has_cpu_quota_us()) {
    processors = std::min(processors, static_cast<double>(cgroup.cpu_quota_us()) /
                                          static_cast<double>(cgroup.cpu_period_us()));
  }
  const double reachable = static_cast<double>(watch.wall_time_ns()) * processors;
  if (static_cast<double>(watch.cpu_time_ns()) <= reachable) return;
  sink->Add("limits.wall_time",
            absl::StrCat("is ", FormatDuration(watch.wall_time_ns()), ", and limits.cpu_time ",
                         FormatDuration(watch.cpu_time_ns()), " for a job that can keep ",
                         processors, processors == 1 ? " processor busy" : " processors busy"));
}

void CpuTimeUnlimited(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.plan.watch().cpu_time_ns() == kUnlimited) {
    sink->Add("limits.cpu_time", "is unlimited");
  }
}

void OutputUnlimited(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.plan.watch().output_bytes() == kUnlimited) {
    sink->Add("limits.output", "is unlimited");
  }
}

void StackUnlimited(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.policy().limits().stack() == "unlimited") sink->Add("limits.stack", "is unlimited");
}

void IdleTimeUnreachable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::WatchPlan& watch = context.plan.watch();
  if (watch.idle_time_ns() == kUnlimited || watch.idle_time_ns() < watch.wall_time_ns()) return;
  sink->Add("limits.idle_time",
            absl::StrCat("is ", FormatDuration(watch.idle_time_ns()), "; limits.wall_time is ",
                         FormatDuration(watch.wall_time_ns())));
}

constexpr CallQuestion kStartsProcess[] = {{"fork vfork clone", ""}};

void OneProcessForks(const Lint& lint, const LintContext& context, LintSink* sink) {
  if (context.filter == nullptr || context.plan.cgroup().pids_max() != 1) return;
  for (absl::string_view call : absl::StrSplit(lint.questions[0].calls, ' ')) {
    const auto passing = context.filter->FirstPassing(call, lint.questions[0].when);
    if (!passing.ok()) return sink->Fail(passing.status());
    if (!passing->has_value()) continue;
    return sink->Add(
        "limits.processes",
        absl::StrCat("is 1, and ", context.filter->DecidedBy(**passing), " lets ", call, " pass"));
  }
}

void MemoryHighTooHigh(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::CgroupPlan& cgroup = context.plan.cgroup();
  if (!cgroup.has_memory_high_bytes() || cgroup.memory_high_bytes() < cgroup.memory_max_bytes()) {
    return;
  }
  sink->Add("cgroup.memory_high",
            absl::StrCat("is ", FormatSize(cgroup.memory_high_bytes()),
                         "; the limit of all memory is ", FormatSize(cgroup.memory_max_bytes())));
}

// The pairs of fields of which the lower one is enforced.
void LimitWithoutEffect(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Cgroup& cgroup = context.policy().cgroup();
  const v1::CgroupPlan& plan = context.plan.cgroup();
  const auto size = [](const std::string& text) { return ParseSize(text).value_or(0); };
  if (cgroup.has_memory_max() && size(cgroup.memory_max()) > plan.memory_max_bytes()) {
    sink->Add("cgroup.memory_max",
              absl::StrCat("is ", cgroup.memory_max(), "; limits.memory is ",
                           FormatSize(plan.memory_max_bytes()), " and the one that counts"));
  }
  if (cgroup.has_swap_max() && size(cgroup.swap_max()) > plan.swap_max_bytes()) {
    sink->Add("cgroup.swap_max",
              absl::StrCat("is ", cgroup.swap_max(), "; limits.swap is ",
                           FormatSize(plan.swap_max_bytes()), " and the one that counts"));
  }
  if (cgroup.has_pids_max() && cgroup.pids_max() > plan.pids_max()) {
    sink->Add("cgroup.pids_max", absl::StrCat("is ", cgroup.pids_max(), "; limits.processes is ",
                                              plan.pids_max(), " and the one that counts"));
  }
  const v1::WatchPlan& watch = context.plan.watch();
  const auto stream = [&](absl::string_view field, const v1::StreamPlan& limit) {
    if (limit.bytes() == kUnlimited || limit.bytes() <= watch.output_bytes()) return;
    sink->Add(field, absl::StrCat("is ", FormatSize(limit.bytes()), "; limits.output is ",
                                  FormatSize(watch.output_bytes()), " and the one that counts"));
  };
  stream("limits.stdout_size", watch.out());
  stream("limits.stderr_size", watch.err());
}

constexpr Lint kLints[] = {
    {"swap-allowed", v1::WARNING,
     "a job that swaps slows everybody down, is measured wrongly and leaves its memory on disk "
     "(Linux, Documentation/admin-guide/cgroup-v2.rst)",
     "leave swap out; its default is 0", SwapAllowed},
    {"cpu-time-unreachable", v1::WARNING,
     "the clock on the wall ends the job first, with WALL_LIMIT: cpu_time limits nothing "
     "(getrusage(2))",
     "raise wall_time, or lower cpu_time", CpuTimeUnreachable},
    {"cpu-time-unlimited", v1::NOTE,
     "only the clock on the wall ends a job that computes, and it runs while others have the "
     "processors, too (clock_gettime(2))",
     "set limits.cpu_time", CpuTimeUnlimited},
    {"output-unlimited", v1::WARNING,
     "whoever keeps the job's output has a disk that it can fill (write(2), ENOSPC)",
     "set limits.output", OutputUnlimited},
    {"idle-time-unreachable", v1::NOTE,
     "the clock on the wall ends the job first, with WALL_LIMIT: idle_time limits nothing "
     "(clock_gettime(2))",
     "set idle_time below wall_time", IdleTimeUnreachable},
    {"stack-unlimited", v1::NOTE,
     "deep recursion eats all memory before it fails, and the kernel lays out the address space "
     "in its old way, which was not random up to Linux 4.5 (setrlimit(2), CVE-2016-3672)",
     "set limits.stack to the memory limit or less", StackUnlimited},
    {"one-process-forks", v1::NOTE,
     "each of these calls fails with EAGAIN, and the report may say PROCESS_LIMIT for a program "
     "that only tried (fork(2))",
     "raise processes, or leave the groups \"proc\" and \"thread\" out", OneProcessForks,
     kStartsProcess},
    {"memory-high-unreachable", v1::NOTE,
     "a job is slowed at memory_high and ended at the limit, and this one is ended first (Linux, "
     "Documentation/admin-guide/cgroup-v2.rst)",
     "set it below limits.memory", MemoryHighTooHigh},
    {"limit-without-effect", v1::NOTE,
     "where two fields name one limit the lower one is enforced (policy/DESIGN.md, 7)",
     "keep one of the two", LimitWithoutEffect},
};

}  // namespace

absl::Span<const Lint> LimitLints() { return kLints; }

}  // namespace cordon
