// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/policy_source.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class PolicySourceTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  SharedFolder folder_;
};

TEST_F(PolicySourceTest, AShippedProfileIsFoundByItsName) {
  EXPECT_THAT(ShippedProfiles(), testing::IsSupersetOf({"base/strict", "judge/cpp", "ci/cmake"}));
  for (const std::string& name : ShippedProfiles()) {
    const absl::StatusOr<NormalPolicy> policy = LoadPolicy(name);
    ASSERT_THAT(policy, IsOk());
    EXPECT_EQ(policy->name(), name);
  }
}

TEST_F(PolicySourceTest, AFileIsFoundAndWhatItNamesIsRelativeToIt) {
  Write("base.textproto", "limits { wall_time: \"3s\" }\n");
  const std::string file = Write("own.textproto",
                                 "extends: \"base.textproto\"\n"
                                 "mounts { bind { source: \"data\" target: \"/data\" } }\n");
  const absl::StatusOr<NormalPolicy> policy = LoadPolicy(file);
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->proto().limits().wall_time(), "3s");
  ASSERT_EQ(policy->proto().mounts().bind_size(), 1);
  EXPECT_EQ(policy->proto().mounts().bind(0).source(), folder_.path() + "/data");
}

TEST_F(PolicySourceTest, WhatIsNotThereIsNamed) {
  const absl::StatusOr<NormalPolicy> policy = LoadPolicy("judge/cobol");
  EXPECT_THAT(policy, StatusIs(absl::StatusCode::kNotFound,
                               "no shipped profile and no file is named \"judge/cobol\""));
}

TEST_F(PolicySourceTest, OnlyRegularFilesAreRead) {
  EXPECT_THAT(ReadRegularFile("/dev/zero", 10), StatusIs(absl::StatusCode::kInvalidArgument, ""));
  const std::string fifo = folder_.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(ReadRegularFile(fifo, 10),
              StatusIs(absl::StatusCode::kInvalidArgument, "is not a regular file"));
  const std::string file = Write("long", "12345678901");
  EXPECT_THAT(ReadRegularFile(file, 10), StatusIs(absl::StatusCode::kResourceExhausted, ""));
  EXPECT_EQ(ReadRegularFile(file, 11).value(), "12345678901");
}

TEST_F(PolicySourceTest, TextIsAPolicyAsWellAsAFileIs) {
  Write("base.textproto", "limits { wall_time: \"3s\" }\n");
  const absl::StatusOr<NormalPolicy> policy =
      LoadPolicyBytes({"mine",
                       "{\"extends\": \"base.textproto\","
                       " \"mounts\": {\"bind\": [{\"source\": \"data\", \"target\": \"/d\"}]}}",
                       PolicyForm::kJson, folder_.path()});
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->name(), "mine");
  EXPECT_EQ(policy->proto().limits().wall_time(), "3s");
  EXPECT_EQ(policy->proto().mounts().bind(0).source(), folder_.path() + "/data");
}

TEST_F(PolicySourceTest, AMessageIsAPolicyToo) {
  v1::Policy message;
  message.set_extends("judge/cpp");
  message.mutable_limits()->set_memory("64MiB");
  const absl::StatusOr<NormalPolicy> policy =
      LoadPolicyBytes({"message", message.SerializeAsString(), PolicyForm::kBinary, ""});
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->proto().limits().memory(), "64MiB");
}

TEST_F(PolicySourceTest, EveryErrorOfATextHasItsPlace) {
  const absl::StatusOr<NormalPolicy> policy =
      LoadPolicyBytes({"mine", "limits { memory: \"lots\" }\nworking_directory: \"here\"\n",
                       PolicyForm::kText, ""});
  EXPECT_THAT(policy, HasErrorWith("mine:1:10"));
  EXPECT_THAT(policy, HasErrorWith("mine:2:1"));
}

TEST_F(PolicySourceTest, ATextCannotExceedItsCeiling) {
  const absl::StatusOr<NormalPolicy> policy =
      LoadPolicyBytes({"mine",
                       "extends: \"judge/cpp\"\nlimits { memory: \"8GiB\" }\n"
                       "ceiling: \"judge/cpp\"\n",
                       PolicyForm::kText, ""});
  EXPECT_THAT(policy, HasErrorWith("mine:2:"));
}

}  // namespace
}  // namespace cordon
