// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/kernel_line.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(KernelLineTest, ALineOfTheKernel) {
  const auto line = ParseKernelLine("5,107481,25128477216,-;audit: type=1400 x\n");
  ASSERT_THAT(line, IsOk());
  EXPECT_TRUE(line->by_kernel);
  EXPECT_EQ(line->sequence, 107481u);
  EXPECT_EQ(line->text, "audit: type=1400 x");
}

TEST(KernelLineTest, FurtherFieldsOfTheHeaderAndTheDictionaryAreSkipped) {
  const auto line =
      ParseKernelLine("6,1,2,-,caller=T17,more;text\n SUBSYSTEM=pci\n DEVICE=+pci:0000\n");
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->text, "text");
}

TEST(KernelLineTest, WhatAProcessWroteIsNotTheKernels) {
  // As they read back: written plain, with <5>, with <1> of facility 0.
  for (const char* prefix : {"12", "13", "9", "14", "30"}) {
    const auto line = ParseKernelLine(std::string(prefix) + ",1,2,-;audit: type=1400 x\n");
    ASSERT_THAT(line, IsOk());
    EXPECT_FALSE(line->by_kernel) << prefix;
  }
}

TEST(KernelLineTest, EscapesAreUndone) {
  const auto line = ParseKernelLine("5,1,2,-;name=\"/a\\x5cb\\x0a\\xff\"\n");
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->text, "name=\"/a\\b\n\xff\"");
}

TEST(KernelLineTest, AnythingElseIsRefused) {
  const char* const kBad[] = {"",
                              "\n",
                              "5,1,2,-;no end",
                              "5,1,2;few\n",
                              "5,1,2,-\nno text;\n",
                              "a,1,2,-;x\n",
                              "5,-1,2,-;x\n",
                              "5,1,,-;x\n",
                              " 5,1,2,-;x\n",
                              "99999999999999999999,1,2,-;x\n",
                              "5,1,2,-;a\\b\n",
                              "5,1,2,-;a\\x\n",
                              "5,1,2,-;a\\x0\n",
                              "5,1,2,-;a\\x0G\n",
                              "5,1,2,-;a\\xAB\n",
                              "5,1,2,-;\x01\n",
                              "5,1,2,-;\xc3\xa4\n"};
  for (const char* bad : kBad) EXPECT_FALSE(ParseKernelLine(bad).ok()) << bad;
}

}  // namespace
}  // namespace cordon
