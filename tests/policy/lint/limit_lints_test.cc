// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lint_cases.h"

namespace cordon {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr LintCase kCases[] = {
    {"swap-allowed", "limits { swap: \"1MiB\" }", "limits { swap: \"0\" }"},
    {"cpu-time-unreachable", "limits { wall_time: \"2s\" cpu_time: \"4001ms\" processes: 2 }",
     "limits { wall_time: \"2s\" cpu_time: \"4s\" processes: 2 }"},
    {"cpu-time-unlimited", "limits { cpu_time: \"unlimited\" }", "limits { cpu_time: \"1h\" }"},
    {"output-unlimited", "limits { output: \"unlimited\" }", "limits { output: \"1TiB\" }"},
    {"stack-unlimited", "limits { stack: \"unlimited\" }", "limits { stack: \"1GiB\" }"},
    {"one-process-forks",
     "limits { processes: 1 } seccomp { allow: [\"stdio\", \"exec\", \"thread\"] }",
     "limits { processes: 2 } seccomp { allow: [\"stdio\", \"exec\", \"thread\"] }"},
    {"memory-high-unreachable", "limits { memory: \"64MiB\" } cgroup { memory_high: \"64MiB\" }",
     "limits { memory: \"64MiB\" } cgroup { memory_high: \"63MiB\" }"},
    {"idle-time-unreachable", "limits { wall_time: \"2s\" idle_time: \"2s\" }",
     "limits { wall_time: \"2s\" idle_time: \"1999ms\" }"},
    {"limit-without-effect", "limits { memory: \"64MiB\" } cgroup { memory_max: \"65MiB\" }",
     "limits { memory: \"64MiB\" } cgroup { memory_max: \"64MiB\" }"},
};

TEST(LimitLintsTest, EachFindsItsPolicyAndNotTheNearMiss) { ExpectCases(LimitLints(), kCases); }

TEST(LimitLintsTest, FewerProcessorsMakeCpuTimeUnreachable) {
  const char* const id = "cpu-time-unreachable";
  EXPECT_THAT(Only(id, LintsOfText("limits { wall_time: \"2s\" cpu_time: \"3s\" }")), IsEmpty());
  const auto found = Only(id, LintsOfText("limits { wall_time: \"2s\" cpu_time: \"3s\" } "
                                          "cgroup { cpu_max: \"0.5\" }"));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].message(),
            "is 2s, and limits.cpu_time 3s for a job that can keep 0.5 processors busy");
  EXPECT_THAT(Only(id, LintsOfText("limits { wall_time: \"2s\" cpu_time: \"3s\" } "
                                   "cgroup { cpuset_cpus: \"3\" }")),
              SizeIs(1));
  EXPECT_THAT(Only(id, LintsOfText("limits { wall_time: \"2s\" cpu_time: \"6s\" } "
                                   "cgroup { cpuset_cpus: \"0-1,3\" }")),
              IsEmpty());
}

TEST(LimitLintsTest, BothNamesOfALimitCount) {
  EXPECT_THAT(Only("swap-allowed", LintsOfText("limits { swap: \"1MiB\" } "
                                               "cgroup { swap_max: \"0\" }")),
              IsEmpty());
  EXPECT_THAT(
      Only("limit-without-effect",
           LintsOfText("limits { processes: 3 } cgroup { pids_max: 4 swap_max: \"1MiB\" }")),
      SizeIs(2));
  EXPECT_THAT(
      Only("limit-without-effect", LintsOfText("limits { output: \"1KiB\" stdout_size: \"2KiB\" "
                                               "stderr_size: \"1KiB\" }")),
      SizeIs(1));
}

}  // namespace
}  // namespace cordon
