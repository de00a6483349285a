// SPDX-License-Identifier: Apache-2.0
// The walk that every message from outside passes, also those that no parser made.
#include "policy/message_check.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/policy.pb.h"

namespace cordon {
namespace {

std::vector<std::string> Errors(const google::protobuf::Message& message) {
  std::vector<v1::ErrorDetail> errors;
  CheckMessage(message, SourceMap("f"), &errors);
  std::vector<std::string> lines;
  for (const v1::ErrorDetail& error : errors) lines.push_back(RenderError(error));
  return lines;
}

v1::JobSpec JobWithArgument(absl::string_view text) {
  v1::JobSpec job;
  job.add_argv(std::string(text));
  return job;
}

TEST(MessageCheckTest, PassesCleanMessages) {
  v1::Policy policy;
  policy.set_extends("judge/cpp");
  policy.mutable_mounts()->add_file()->set_content("a\n\tb");
  policy.add_environment()->set_value("gr\xC3\xBC\xC3\x9F");
  EXPECT_THAT(Errors(policy), testing::IsEmpty());
}

TEST(MessageCheckTest, FindsEveryBadString) {
  v1::Policy policy;
  policy.set_extends(std::string("a\0b", 3));
  policy.add_environment()->set_value("\x1B[2J");
  policy.mutable_mounts()->add_masked("\xFF");
  policy.mutable_mounts()->add_masked("ok");
  policy.mutable_mounts()->add_masked("\xE2\x80\xAE");
  policy.mutable_mounts()->add_file()->set_content("\x07");
  EXPECT_THAT(Errors(policy),
              testing::ElementsAre(
                  "extends (f): \"a\\000b\" holds a NUL byte",
                  "mounts.masked[0] (f): \"\\377\" is not valid UTF-8",
                  "mounts.masked[2] (f): \"\\342\\200\\256\" holds a character that hides or "
                  "reorders text",
                  "mounts.file[0].content (f): \"\\007\" holds a control character",
                  "environment[0].value (f): \"\\033[2J\" holds a control character"));
}

TEST(MessageCheckTest, FindsUnknownFieldsAndEnumNumbers) {
  v1::Policy policy;
  policy.mutable_network()->set_mode(static_cast<v1::Network::Mode>(7));
  policy.mutable_limits()
      ->GetReflection()
      ->MutableUnknownFields(policy.mutable_limits())
      ->AddVarint(99, 1);
  EXPECT_THAT(Errors(policy), testing::ElementsAre("limits (f): there is no field number 99",
                                                   "network.mode (f): 7 is not a value of Mode"));
}

TEST(MessageCheckTest, FindsTooManyEntriesAndTooLongStrings) {
  v1::Policy policy;
  for (size_t i = 0; i <= kMaxEntries; ++i) policy.mutable_mounts()->add_bind();
  policy.set_description(std::string(201, 'a'));
  EXPECT_THAT(Errors(policy),
              testing::ElementsAre("description (f): is 201 bytes long; at most 200 are allowed",
                                   "mounts.bind (f): has 257 entries; at most 256 are allowed"));
}

TEST(MessageCheckTest, ArgumentsOfAJobMayHoldAnythingButNul) {
  EXPECT_THAT(Errors(JobWithArgument("echo a\n\x1B[0m")), testing::IsEmpty());
  EXPECT_THAT(Errors(JobWithArgument(absl::string_view("a\0b", 3))),
              testing::ElementsAre("argv[0] (f): \"a\\000b\" holds a NUL byte"));
  EXPECT_THAT(Errors(JobWithArgument("\xFF")),
              testing::ElementsAre("argv[0] (f): \"\\377\" is not valid UTF-8"));
}

TEST(MessageCheckTest, ListsUpToTheCeiling) {
  v1::Policy policy;
  for (int i = 0; i < 200; ++i) policy.mutable_mounts()->add_masked("\x01");
  EXPECT_EQ(Errors(policy).size(), kMaxErrors);
}

}  // namespace
}  // namespace cordon
