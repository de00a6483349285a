// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/check.h"

#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "policy/ideal_host.h"
#include "tests/support/batch_tasks.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

std::string Job(const std::string& name, const std::string& more = "policy: \"judge/cpp\"") {
  return "job { name: \"" + name + "\" argv: \"/x\" " + more + " }\n";
}

std::string DigestOf(const std::string& text) {
  BatchCheck check;
  CheckedTasksOf(text, &check);
  return check.digest();
}

TEST(BatchCheckTest, TheDigestIsOfJobsAndPolicies) {
  const std::string one = DigestOf(Job("a"));
  EXPECT_EQ(one, DigestOf("# a remark\n" + Job("a")));
  EXPECT_NE(one, DigestOf(Job("b")));
  EXPECT_NE(one, DigestOf(Job("a", "policy: \"judge/c\"")));
  EXPECT_NE(one, DigestOf(Job("a") + Job("b")));
  EXPECT_NE(DigestOf(Job("ab") + Job("c")), DigestOf(Job("a") + Job("bc")));
  const SharedFolder folder;
  const std::string policy = folder.path() + "/p.textproto";
  const std::string own = Job("a", "policy: \"" + policy + "\"");
  std::ofstream(policy) << JobPolicyText({});
  const std::string before = DigestOf(own);
  JobOptions changed;
  changed.memory = "65MiB";
  std::ofstream(policy) << JobPolicyText(changed);
  EXPECT_NE(before, DigestOf(own));
}

TEST(BatchCheckTest, MemoryIsThatOfTheJobUnderItsPolicyAndOfAllItsSandboxes) {
  BatchCheck check;
  const std::string policy = R"(policy: "judge/cpp" limits { memory: "8MiB" })";
  const std::vector<CheckedTask> tasks = CheckedTasksOf(Job("one", policy) +
                                                            R"(job { name: "two" verdict_of: "g"
          connect { from: "g.stdout" to: "c.stdin" }
          sandbox { name: "g" argv: "/x" )" + policy + R"( }
          sandbox { name: "c" argv: "/x" )" + policy + " } }",
                                                        &check);
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].memory, uint64_t{8} << 20);
  EXPECT_EQ(tasks[1].memory, uint64_t{16} << 20);
  EXPECT_NE(tasks[0].digest, tasks[1].digest);
}

TEST(BatchCheckTest, APolicyIsToldOfOnceAndAJobAtItsPlace) {
  BatchCheck check;
  const absl::Status status =
      check
          .Add(TasksOf(Job("a", "policy: \"judge/cobol\"") + Job("b", "policy: \"judge/cobol\"") +
                       Job("c", "policy: \"judge/cpp\" limits { memory: \"900GiB\" }")))
          .status();
  const std::vector<v1::ErrorDetail> details = DetailsOf(status);
  ASSERT_EQ(details.size(), 2u);
  EXPECT_NE(details[0].message().find("judge/cobol"), std::string::npos);
  EXPECT_EQ(details[1].policy_field(), "limits.memory");
  EXPECT_EQ(details[1].source().substr(0, 7), "list:3:");
}

TEST(BatchCheckTest, APlanIsMadeOnceAndNoneWhereTheHostCannotHoldIt) {
  BatchCheck check;
  CheckedTasksOf(Job("a"), &check);
  const ReadyPolicy& first = check.Ready("judge/cpp", IdealHost(NativeArchitecture()));
  EXPECT_TRUE(first.plan.has_value());
  EXPECT_EQ(&first, &check.Ready("judge/cpp", IdealHost(NativeArchitecture())));
  BatchCheck other;
  CheckedTasksOf(Job("a"), &other);
  EXPECT_FALSE(other.Ready("judge/cpp", v1::HostFacts()).plan.has_value());
}

}  // namespace
}  // namespace cordon
