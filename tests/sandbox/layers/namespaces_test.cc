// SPDX-License-Identifier: Apache-2.0
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(NamespacesLayerTest, ASharedNamespaceIsRefused) {
  EXPECT_THAT(VerifyCase().Verify(VerifyNamespaces), IsOk());
  for (const char* name : {"user", "mnt", "pid", "ipc", "uts", "cgroup"}) {
    VerifyCase shared;
    shared.back.namespaces[name] = shared.back.own_namespaces[name];
    EXPECT_THAT(shared.Verify(VerifyNamespaces),
                StatusIs(absl::StatusCode::kFailedPrecondition, name));
  }
}

TEST(NamespacesLayerTest, TheTwinsHostNameIsThePolicys) {
  VerifyCase each;
  each.plan.mutable_namespaces()->set_hostname("another");
  EXPECT_THAT(each.Verify(VerifyNamespaces),
              StatusIs(absl::StatusCode::kFailedPrecondition, "host name: expected another"));
  VerifyCase silent;
  silent.twin.answers.clear();
  EXPECT_THAT(silent.Verify(VerifyNamespaces),
              StatusIs(absl::StatusCode::kFailedPrecondition, "found no answer"));
}

TEST(NamespacesLayerTest, SetsThePolicysHostName) {
  VerifyCase each;
  each.plan.mutable_namespaces()->set_hostname("box");
  const auto program = Lowered(LowerNamespaces, Phase::kBuild, each);
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->ops.size(), 1u);
  EXPECT_EQ(program->ops[0].code, child::Opcode::kSetHostname);
  EXPECT_STREQ(program->arena.c_str() + program->ops[0].data, "box");
}

}  // namespace
}  // namespace cordon
