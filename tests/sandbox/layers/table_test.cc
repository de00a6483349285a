// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(LayerTableTest, EveryLayerIsThereOnceAndComplete) {
  std::set<std::string> names;
  for (const LayerRuntime& layer : RuntimeLayers()) {
    EXPECT_TRUE(names.insert(std::string(layer.name)).second) << layer.name;
    EXPECT_NE(layer.lower, nullptr);
    EXPECT_NE(layer.verify, nullptr);
    EXPECT_FALSE(layer.confirmed_by.empty()) << layer.name;
    const bool confirmed = layer.confirmed_state == v1::ENFORCED_VERIFIED ||
                           layer.confirmed_state == v1::ENFORCED_PROBED;
    EXPECT_TRUE(confirmed) << layer.name;
  }
  EXPECT_EQ(names,
            (std::set<std::string>{"namespaces", "userns", "mount", "cgroup", "net", "rlimit",
                                   "caps", "landlock", "seccomp", "apparmor", "process"}));
}

TEST(LayerTableTest, EveryLayerAcceptsTheReadBackOfItsPlan) {
  const VerifyCase good;
  for (const LayerRuntime& layer : RuntimeLayers()) {
    EXPECT_THAT(good.Verify(layer.verify), IsOk()) << layer.name;
    EXPECT_TRUE(layer.enabled(good.plan)) << layer.name;
    EXPECT_EQ(layer.enforcement(good.plan), v1::REQUIRED) << layer.name;
  }
}

// What no policy can switch off.
TEST(LayerTableTest, TheFoundationsAreAlwaysOn) {
  for (const LayerRuntime& layer : RuntimeLayers()) {
    for (const char* name : {"namespaces", "userns", "mount", "process"}) {
      if (layer.name == name) {
        EXPECT_TRUE(layer.enabled(v1::Plan())) << name;
      }
    }
  }
}

}  // namespace
}  // namespace cordon
