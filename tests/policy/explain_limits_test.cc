// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_limits.h"

#include "gmock/gmock.h"
#include "tests/support/explained.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(ExplainLimitsTest, SaysTheNumbersTheirMeaningAndTheVerdict) {
  const v1::Explanation explanation = Explained(R"(
    limits { wall_time: "1500ms" cpu_time: "20ms" memory: "100MiB" processes: 3 swap: "1MiB"
             output: "1KiB" file_size: "2MiB" stack: "3MiB" open_files: 17 idle_time: "700ms"
             extra_time: "300ms" stdout_size: "512B" stderr_size: "256B"
             stderr_action: TRUNCATE })");
  const struct {
    const char* label;
    const char* text;
    const char* field;
    v1::Verdict verdict;
  } rows[] = {
      {"wall time", "1500ms on the clock", "limits.wall_time", v1::WALL_LIMIT},
      {"cpu time", "20ms of processor time", "limits.cpu_time", v1::CPU_LIMIT},
      {"idle time", "700ms without computing", "limits.idle_time", v1::IDLE_LIMIT},
      {"extra time", "300ms beyond", "limits.extra_time", v1::VERDICT_UNSPECIFIED},
      {"stdout", "512B; then all of it is killed", "limits.stdout_size", v1::OUTPUT_LIMIT},
      {"stderr", "256B; the rest is thrown away", "limits.stderr_size", v1::VERDICT_UNSPECIFIED},
      {"memory", "100MiB in all", "limits.memory", v1::MEMORY_LIMIT},
      {"swap", "1MiB on top of its memory", "limits.swap", v1::VERDICT_UNSPECIFIED},
      {"processes", "3 processes and threads at one time", "limits.processes", v1::PROCESS_LIMIT},
      {"output", "1KiB of stdout and stderr together", "limits.output", v1::OUTPUT_LIMIT},
      {"file size", "2MiB for one file", "limits.file_size", v1::OUTPUT_LIMIT},
      {"stack", "3MiB for the first thread", "limits.stack", v1::SIGNALED},
      {"open files", "17 in one process", "limits.open_files", v1::VERDICT_UNSPECIFIED},
  };
  for (const auto& expected : rows) {
    const v1::ExplainedRow row = RowOf(explanation, "limits", expected.label);
    EXPECT_THAT(row.text(), StartsWith(expected.text));
    EXPECT_EQ(row.field(), expected.field);
    EXPECT_EQ(row.verdict(), expected.verdict) << expected.label;
    EXPECT_THAT(row.place(), StartsWith("test.textproto:")) << expected.label;
  }
  EXPECT_THAT(RowOf(explanation, "limits", "always").text(), HasSubstr("CORE 1, MEMLOCK 64KiB"));
}

TEST(ExplainLimitsTest, WithoutAGroupAnIdleTimeIsNotEnforced) {
  const v1::ExplainedRow row = RowOf(
      Explained("limits { idle_time: \"1s\" } cgroup { enforcement: OFF }"), "limits", "idle time");
  EXPECT_THAT(row.text(), HasSubstr("NOT ENFORCED"));
  EXPECT_EQ(row.verdict(), v1::VERDICT_UNSPECIFIED);
}

TEST(ExplainLimitsTest, WhatIsNotLimitedLeadsToNoVerdict) {
  const v1::Explanation explanation = Explained(
      R"(limits { cpu_time: "unlimited" output: "unlimited" file_size: "unlimited"
                  stack: "unlimited" processes: 1 })");
  for (const char* label : {"cpu time", "output", "file size"}) {
    const v1::ExplainedRow row = RowOf(explanation, "limits", label);
    EXPECT_THAT(row.text(), StartsWith("not limited")) << label;
    EXPECT_EQ(row.verdict(), v1::VERDICT_UNSPECIFIED) << label;
  }
  EXPECT_EQ(RowOf(explanation, "limits", "stack").verdict(), v1::MEMORY_LIMIT);
  EXPECT_THAT(RowOf(explanation, "limits", "processes").text(), StartsWith("one, without threads"));
  EXPECT_THAT(RowOf(explanation, "limits", "swap").text(), StartsWith("none"));
}

TEST(ExplainLimitsTest, TheFieldIsTheOneWhoseValueIsEnforced) {
  const v1::Explanation explanation = Explained(
      R"(limits { memory: "64MiB" processes: 5 swap: "1MiB" }
         cgroup { memory_max: "32MiB" pids_max: 9 swap_max: "0" memory_high: "16MiB" cpu_weight: 7
                  cpu_max: "0.5" cpuset_cpus: "0-1"
                  io { device: "8:0" write_operations_per_second: 7 read_bytes_per_second: "1MiB" } })");
  EXPECT_EQ(RowOf(explanation, "limits", "memory").field(), "cgroup.memory_max");
  EXPECT_THAT(RowOf(explanation, "limits", "memory").text(), StartsWith("32MiB"));
  EXPECT_EQ(RowOf(explanation, "limits", "processes").field(), "limits.processes");
  EXPECT_EQ(RowOf(explanation, "limits", "swap").field(), "cgroup.swap_max");
  EXPECT_THAT(RowOf(explanation, "limits", "memory, high").text(), HasSubstr("16MiB"));
  EXPECT_THAT(RowOf(explanation, "limits", "cpu rate").text(), StartsWith("50ms of processor time "
                                                                          "in every 100ms"));
  EXPECT_THAT(RowOf(explanation, "limits", "cpu weight").text(), StartsWith("7;"));
  EXPECT_EQ(RowOf(explanation, "limits", "processors").text(), "it runs on 0-1 only");
  EXPECT_THAT(RowOf(explanation, "limits", "disk 8:0").text(),
              StartsWith("read 1MiB/s, 7 writes/s"));
}

TEST(ExplainLimitsTest, SaysLoudlyWhatIsOffOrMissing) {
  const v1::Explanation off = Explained("cgroup { enforcement: OFF } limits { enforcement: OFF }");
  EXPECT_THAT(RowOf(off, "limits", "control group").text(),
              StartsWith("OFF: memory is not limited"));
  EXPECT_EQ(RowOf(off, "limits", "per process").text(), "OFF: no resource limits are set");
  v1::HostFacts facts = FullHost();
  facts.clear_cgroup_controllers();
  const v1::Explanation missing = Explained("cgroup { enforcement: IF_AVAILABLE }", facts);
  EXPECT_THAT(RowOf(missing, "limits", "control group").text(),
              StartsWith("NOT ENFORCED on this host: "));
  EXPECT_EQ(RowOf(missing, "limits", "memory").text(), "");
}

}  // namespace
}  // namespace cordon
