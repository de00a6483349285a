// SPDX-License-Identifier: Apache-2.0
// The table of quantities is complete, its defaults are usable, its ranges are those it says.
#include "policy/quantity.h"

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/units.h"
#include "policy/proto/policy.pb.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

const Quantity& Find(const google::protobuf::Descriptor* type, absl::string_view field) {
  for (const Quantity* quantity : QuantitiesOf(type)) {
    if (quantity->field == field) return *quantity;
  }
  ADD_FAILURE() << "no quantity " << field;
  return *QuantitiesOf(type).front();
}

absl::StatusOr<uint64_t> Read(const v1::Limits& limits, absl::string_view field) {
  return ReadQuantity(limits, Find(v1::Limits::descriptor(), field));
}

// A numeric field without a row would never be checked.
TEST(QuantityTest, EveryNumberOfTheSchemaHasARow) {
  const std::set<std::string> no_quantity = {"cordon.v1.Condition.arg"};
  const auto* file = v1::Policy::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    const auto* type = file->message_type(i);
    std::set<std::string> rows;
    for (const Quantity* quantity : QuantitiesOf(type)) {
      EXPECT_TRUE(rows.insert(std::string(quantity->field)).second);
      ASSERT_NE(type->FindFieldByName(std::string(quantity->field)), nullptr) << quantity->field;
    }
    for (int k = 0; k < type->field_count(); ++k) {
      const auto* field = type->field(k);
      const bool number = field->type() == google::protobuf::FieldDescriptor::TYPE_UINT32;
      if (!number || no_quantity.count(field->full_name()) > 0) continue;
      EXPECT_EQ(rows.count(field->name()), 1u) << field->full_name();
    }
  }
}

TEST(QuantityTest, EveryLimitHasARowAndADefault) {
  const auto* type = v1::Limits::descriptor();
  // All but `enforcement` and the two actions.
  EXPECT_EQ(QuantitiesOf(type).size(), static_cast<size_t>(type->field_count() - 3));
  for (const Quantity* quantity : QuantitiesOf(type)) {
    EXPECT_NE(quantity->default_value, nullptr) << quantity->field;
  }
}

TEST(QuantityTest, DefaultsAreInRange) {
  for (const auto* type :
       {v1::Limits::descriptor(), v1::Identity::descriptor(), v1::Tmpfs::descriptor()}) {
    std::unique_ptr<google::protobuf::Message> message(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    NormalizeQuantities(message.get());
    for (const Quantity* quantity : QuantitiesOf(type)) {
      if (quantity->default_value == nullptr) continue;
      ASSERT_TRUE(HasQuantity(*message, *quantity)) << quantity->field;
      EXPECT_THAT(ReadQuantity(*message, *quantity), IsOk()) << quantity->field;
    }
  }
}

TEST(QuantityTest, UnlimitedIsAllowedInSevenLimitsOnly) {
  std::set<std::string> unlimited;
  for (const Quantity* quantity : QuantitiesOf(v1::Limits::descriptor())) {
    if (quantity->unlimited) unlimited.insert(std::string(quantity->field));
  }
  EXPECT_EQ(unlimited, (std::set<std::string>{"cpu_time", "file_size", "idle_time", "output",
                                              "stack", "stderr_size", "stdout_size"}));
  for (const auto* type : {v1::Cgroup::descriptor(), v1::IoLimit::descriptor(),
                           v1::Tmpfs::descriptor(), v1::Dev::descriptor()}) {
    for (const Quantity* quantity : QuantitiesOf(type)) EXPECT_FALSE(quantity->unlimited);
  }
}

TEST(QuantityTest, RangesIncludeTheirEnds) {
  v1::Limits limits;
  limits.set_memory("1MiB");
  EXPECT_EQ(*Read(limits, "memory"), uint64_t{1} << 20);
  limits.set_memory("1023KiB");
  EXPECT_THAT(Read(limits, "memory"),
              StatusIs(absl::StatusCode::kInvalidArgument, "is 1023KiB; at least 1MiB is allowed"));
  limits.set_processes(100000);
  EXPECT_EQ(*Read(limits, "processes"), 100000u);
  limits.set_processes(100001);
  EXPECT_THAT(Read(limits, "processes"),
              StatusIs(absl::StatusCode::kInvalidArgument, "is 100001; 1 to 100000 is allowed"));
  limits.set_wall_time("168h");
  EXPECT_THAT(Read(limits, "wall_time"), IsOk());
  limits.set_wall_time("168.5h");
  EXPECT_THAT(Read(limits, "wall_time"),
              StatusIs(absl::StatusCode::kInvalidArgument, "is 10110m; 1ms to 168h is allowed"));
}

TEST(QuantityTest, ZeroIsRefusedExceptForSwapAndExtraTime) {
  for (const Quantity* quantity : QuantitiesOf(v1::Limits::descriptor())) {
    v1::Limits limits;
    WriteQuantity(&limits, *quantity, 0);
    if (quantity->field == "swap" || quantity->field == "extra_time") {
      EXPECT_EQ(*ReadQuantity(limits, *quantity), 0u);
    } else {
      EXPECT_THAT(ReadQuantity(limits, *quantity),
                  StatusIs(absl::StatusCode::kInvalidArgument, "0 never means unlimited"))
          << quantity->field;
    }
  }
}

TEST(QuantityTest, WritesCanonicalForms) {
  v1::Limits limits;
  limits.set_memory("262144KiB");
  limits.set_cpu_time("unlimited");
  NormalizeQuantities(&limits);
  EXPECT_EQ(limits.memory(), "256MiB");
  EXPECT_EQ(limits.cpu_time(), "unlimited");
  EXPECT_EQ(limits.wall_time(), "10s");
  v1::Cgroup cgroup;
  cgroup.set_cpu_max("1.50");
  NormalizeQuantities(&cgroup);
  EXPECT_EQ(cgroup.cpu_max(), "1.5");
  EXPECT_FALSE(cgroup.has_memory_max());
}

}  // namespace
}  // namespace cordon
