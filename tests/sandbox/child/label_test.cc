// SPDX-License-Identifier: Apache-2.0
#include "sandbox/child/label.h"

#include "gtest/gtest.h"

namespace cordon::child {
namespace {

TEST(LabelTest, PartsMayStandInAnyOrder) {
  EXPECT_TRUE(ShowsLabel("web-job (enforce)\n", "web-job"));
  EXPECT_TRUE(ShowsLabel("web-job (enforce)", "web-job"));
  // "unconfined" stands before what is named behind it.
  EXPECT_TRUE(ShowsLabel("unconfined//&web-job (enforce)\n", "web-job"));
  EXPECT_TRUE(ShowsLabel("a-job//&unconfined (enforce)\n", "a-job"));
  constexpr char kStack[] = "cordon-job//&:cordon-7:x";
  EXPECT_TRUE(ShowsLabel("cordon-job//&:cordon-7:x (enforce)\n", kStack));
  EXPECT_TRUE(ShowsLabel(":cordon-7:x//&cordon-job (enforce)\n", kStack));
  EXPECT_TRUE(ShowsLabel("cordon-job//&unconfined//&:cordon-7:x (enforce)\n", kStack));
  EXPECT_TRUE(ShowsLabel("a//b (enforce)\n", "a//b"));
  EXPECT_TRUE(ShowsLabel("a (b) (enforce)\n", "a (b)"));
}

TEST(LabelTest, EveryPartCountsAndNoOther) {
  constexpr char kStack[] = "cordon-job//&:cordon-7:x";
  for (const char* text : {"",
                           "\n",
                           " (enforce)\n",
                           "cordon-job (enforce)\n",
                           ":cordon-7:x (enforce)\n",
                           "cordon-job//&cordon-job (enforce)\n",
                           "unconfined (enforce)\n",
                           "unconfined\n",
                           "cordon-job//&:cordon-7:x\n",
                           "cordon-job//&:cordon-7:x (complain)\n",
                           "cordon-job//&:cordon-7:x (mixed)\n",
                           "cordon-job//&:cordon-7:x//&other (enforce)\n",
                           "cordon-job//&:cordon-7:x//&:cordon-7:x (enforce)\n",
                           "cordon-job//&unconfined//&unconfined//&:cordon-7:x (enforce)\n",
                           "cordon-job//&:cordon-7:unconfined (enforce)\n",
                           "cordon-job//&:cordon-7:xy (enforce)\n",
                           "cordon-job//&:cordon-7: (enforce)\n",
                           "cordon-job//&:cordon-7:x (enforce)\n\n",
                           "cordon-job//:cordon-7:x (enforce)\n",
                           "cordon-job (enforce)//&:cordon-7:x (enforce)\n",
                           "cordon-job//&:cordon-7:x//&:cordon-7:unconfined (enforce)\n"}) {
    EXPECT_FALSE(ShowsLabel(text, kStack)) << text;
  }
  for (const char* text : {"", " (enforce)\n", "unconfined (enforce)\n"}) {
    EXPECT_FALSE(ShowsLabel(text, "")) << text;
  }
}

}  // namespace
}  // namespace cordon::child
