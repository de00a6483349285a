// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "policy/layers/layer.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(TableTest, HoldsEveryLayerOnceByItsOwnName) {
  std::set<absl::string_view> names;
  for (const LayerCompiler& layer : LayerTable()) {
    EXPECT_TRUE(names.insert(layer.name).second);
    EXPECT_EQ(LayerName(layer.id), layer.name);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLayerCount));
}

// The plan has a message per layer, of the layer's name. `watch` is the supervisor's.
TEST(TableTest, EveryMessageOfThePlanBelongsToALayer) {
  std::set<std::string> messages;
  const google::protobuf::Descriptor* plan = v1::Plan::descriptor();
  for (int i = 0; i < plan->field_count(); ++i) {
    if (plan->field(i)->message_type() != nullptr) messages.insert(plan->field(i)->name());
  }
  messages.erase("watch");
  std::set<std::string> layers;
  for (const LayerCompiler& layer : LayerTable()) layers.insert(std::string(layer.name));
  EXPECT_EQ(messages, layers);
}

TEST(TableTest, EveryLayerFillsItsMessage) {
  const auto policy = ParseNormal("seccomp { allow: [\"stdio\", \"exec\"] } mounts { proc {} }");
  ASSERT_THAT(policy, IsOk());
  v1::Plan plan;
  for (const LayerCompiler& layer : LayerTable()) {
    const google::protobuf::FieldDescriptor* field =
        v1::Plan::descriptor()->FindFieldByName(std::string(layer.name));
    ASSERT_NE(field, nullptr);
    EXPECT_FALSE(plan.GetReflection()->HasField(plan, field)) << layer.name;
    EXPECT_THAT(layer.compile(*policy, FullHost(), &plan), IsOk());
    EXPECT_TRUE(plan.GetReflection()->HasField(plan, field)) << layer.name;
  }
}

TEST(TableTest, UnspecifiedMeansRequired) {
  EXPECT_EQ(Resolve(v1::ENFORCEMENT_UNSPECIFIED), v1::REQUIRED);
  EXPECT_EQ(Resolve(v1::IF_AVAILABLE), v1::IF_AVAILABLE);
  EXPECT_EQ(Resolve(v1::OFF), v1::OFF);
}

TEST(TableTest, ErrorsGetThePlaceOfTheirField) {
  const auto policy = ParseNormal("limits {\n  memory: \"64MiB\"\n}");
  ASSERT_THAT(policy, IsOk());
  EXPECT_THAT(absl::Status(FieldError(*policy, absl::StatusCode::kInvalidArgument, "limits.memory",
                                      "is odd")),
              HasError("limits.memory (test.textproto:2:3): is odd"));
  const absl::Status bare =
      absl::Status(Error(absl::StatusCode::kInternal, "m").Field("limits.memory"));
  EXPECT_THAT(WithPlaces(*policy, bare), HasError("limits.memory (test.textproto:2:3): m"));
  EXPECT_THAT(WithPlaces(*policy, absl::OkStatus()), IsOk());
}

}  // namespace
}  // namespace cordon
