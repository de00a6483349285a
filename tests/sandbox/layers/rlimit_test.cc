// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

// In init and in the twin, but for the limit of open files, which init does not have.
TEST(RlimitLayerTest, EverySoftAndHardLimitIsCompared) {
  const VerifyCase good;
  EXPECT_THAT(good.Verify(VerifyRlimit), IsOk());
  ASSERT_GT(good.plan.rlimit().entry_size(), 3);
  for (const v1::RlimitEntry& entry : good.plan.rlimit().entry()) {
    const std::string row = RowName(entry.resource());
    const auto expect = [&](VerifyCase each, bool of_init, absl::string_view word) {
      if (of_init && entry.name() == "RLIMIT_NOFILE") {
        EXPECT_THAT(each.Verify(VerifyRlimit), IsOk());
      } else {
        EXPECT_THAT(each.Verify(VerifyRlimit), StatusIs(kRefused, word));
      }
    };
    for (const bool of_init : {true, false}) {
      const auto limits = [of_init](VerifyCase* each) {
        return of_init ? &each->back.limits : &each->twin.limits;
      };
      VerifyCase soft;
      ++(*limits(&soft))[row].soft;
      expect(std::move(soft), of_init, entry.name());
      VerifyCase hard;
      ++(*limits(&hard))[row].hard;
      expect(std::move(hard), of_init, entry.name());
      VerifyCase missing;
      limits(&missing)->erase(row);
      expect(std::move(missing), of_init, "none");
    }
  }
}

TEST(RlimitLayerTest, AResourceThatTheKernelDoesNotShowIsRefused) {
  VerifyCase each;
  each.plan.mutable_rlimit()->mutable_entry(0)->set_resource(16);
  EXPECT_THAT(each.Verify(VerifyRlimit), StatusIs(kRefused, "known resource"));
}

TEST(RlimitLayerTest, OneOperationPerLimitWithBothValuesAndThatOfOpenFilesInThePayload) {
  const VerifyCase good;
  size_t operations = 0;
  for (const Phase phase : {Phase::kLock, Phase::kPayload}) {
    const auto program = Lowered(LowerRlimit, phase, good);
    ASSERT_THAT(program, IsOk());
    operations += program->ops.size();
    for (size_t i = 0; i < program->ops.size(); ++i) {
      const child::Op& op = program->ops[i];
      const auto& entries = good.plan.rlimit().entry();
      const auto entry = std::find_if(entries.begin(), entries.end(), [&](const auto& each) {
        return each.name() == program->origins[i].object;
      });
      ASSERT_NE(entry, entries.end()) << program->origins[i].object;
      EXPECT_EQ(op.a, entry->resource());
      EXPECT_EQ(op.b, entry->soft());
      EXPECT_EQ(op.c, entry->hard());
      const bool payloads = phase == Phase::kPayload;
      EXPECT_EQ(entry->name() == "RLIMIT_NOFILE", payloads);
      EXPECT_EQ(op.code, payloads ? child::Opcode::kLimitFiles : child::Opcode::kSetRlimit);
    }
  }
  EXPECT_EQ(operations, static_cast<size_t>(good.plan.rlimit().entry_size()));
}

TEST(RlimitLayerTest, TheTwinHasTheSameLimits) {
  VerifyCase each;
  ++each.twin.limits["Max open files"].hard;
  EXPECT_THAT(each.Verify(VerifyRlimit),
              StatusIs(absl::StatusCode::kFailedPrecondition, "of the twin"));
}

TEST(RlimitLayerTest, SwitchedOffItNeitherActsNorCompares) {
  VerifyCase off;
  off.plan.mutable_rlimit()->set_enabled(false);
  off.back.limits.clear();
  off.twin.limits.clear();
  EXPECT_THAT(off.Verify(VerifyRlimit), IsOk());
  EXPECT_TRUE(Lowered(LowerRlimit, Phase::kLock, off)->ops.empty());
  EXPECT_TRUE(Lowered(LowerRlimit, Phase::kPayload, off)->ops.empty());
}

}  // namespace
}  // namespace cordon
