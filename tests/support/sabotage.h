// SPDX-License-Identifier: Apache-2.0
// What tests share that take a step out of the set-up program in silence, or spoil one, and leave
// plan and comparison as they are. Entry points: SabotageBase::ExpectCaught, Remove, Find.
#ifndef CORDON_TESTS_SUPPORT_SABOTAGE_H_
#define CORDON_TESTS_SUPPORT_SABOTAGE_H_

#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/good_program.h"
#include "tests/support/host_watch.h"
#include "tests/support/sandbox_parts.h"
#include "tests/support/status_matchers.h"

namespace cordon {

inline void Remove(SandboxParts* parts, child::Opcode code) {
  ASSERT_LT(IndexOf(parts->good, code), parts->good.ops.size()) << OpcodeName(code);
  while (IndexOf(parts->good, code) < parts->good.ops.size()) {
    EraseOp(&parts->good, IndexOf(parts->good, code));
  }
}

inline child::Op* Find(SandboxParts* parts, child::Opcode code) {
  const size_t at = IndexOf(parts->good, code);
  return at < parts->good.ops.size() ? &parts->good.ops[at] : nullptr;
}

// Each sabotage is tried under both kinds of filter: one with a listener, as by default, and one
// whose kills are the kernel's.
class SabotageBase : public testing::Test {
 protected:
  using Sabotage = std::function<void(SandboxParts*)>;

  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    // Of its own, so that inheriting it would be seen.
    ::syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, nullptr);
    options_.landlock = "IF_AVAILABLE";
    options_.more = "identity { hostname: \"inside\" }\n";
  }

  // The error of a sandbox that was sabotaged like this. OK when nobody noticed.
  absl::Status After(const Sabotage& sabotage, bool listens = true) {
    SandboxParts parts;
    parts.listens = listens;
    CORDON_RETURN_IF_ERROR(parts.Build(options_));
    sabotage(&parts);
    const absl::StatusOr<AtGate> at_gate = parts.Start(parts.good);
    CORDON_RETURN_IF_ERROR(at_gate.status());
    return parts.Confirm(*at_gate).status();
  }

  void ExpectCaught(absl::string_view layer, const std::string& expected, const std::string& found,
                    const Sabotage& sabotage) {
    for (const bool listens : listens_) {
      SCOPED_TRACE(listens ? "with a listener" : "without a listener");
      const absl::Status status = After(sabotage, listens);
      ASSERT_FALSE(status.ok()) << "nobody noticed that " << layer << " is off";
      const v1::ErrorDetail detail = DetailsOf(status)[0];
      EXPECT_EQ(detail.layer(), layer) << detail.message();
      EXPECT_EQ(detail.stage(), "verify") << detail.message();
      EXPECT_THAT(detail.message(), testing::HasSubstr("expected " + expected));
      EXPECT_THAT(detail.message(), testing::HasSubstr("found " + found));
      ExpectNothingLeft();
    }
  }

  // A step that cannot be made without the missing one.
  void ExpectStepFails(absl::string_view step, const Sabotage& sabotage) {
    for (const bool listens : listens_) {
      SCOPED_TRACE(listens ? "with a listener" : "without a listener");
      const absl::Status status = After(sabotage, listens);
      ASSERT_FALSE(status.ok()) << "nobody noticed";
      EXPECT_EQ(DetailsOf(status)[0].step(), step) << status;
      ExpectNothingLeft();
    }
  }

  void ExpectNothingLeft() {
    EXPECT_THAT(ChildrenOfTest(), testing::IsEmpty());
    EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
  }

  JobOptions options_;
  std::vector<bool> listens_ = {true, false};
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_SABOTAGE_H_
