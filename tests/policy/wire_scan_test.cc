// SPDX-License-Identifier: Apache-2.0
// The wire format read with suspicion: every length and every tag is compared with what is there.
#include "policy/wire_scan.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/proto/policy.pb.h"

namespace cordon {
namespace {

std::string FirstError(absl::string_view bytes) {
  FieldScan scan("f");
  const bool whole = ScanWire(bytes, v1::Policy::descriptor(), &scan);
  EXPECT_TRUE(whole || !scan.errors().empty());
  return scan.errors().empty() ? "" : RenderError(scan.errors()[0]);
}

TEST(WireScanTest, ReadsWhatProtobufWrites) {
  v1::Policy policy;
  policy.set_extends("x");
  policy.mutable_identity()->set_uid(UINT32_MAX);
  policy.mutable_mounts()->add_bind()->set_read_only(true);
  policy.mutable_mounts()->add_bind()->set_optional(true);
  policy.mutable_network()->set_mode(v1::Network::LOOPBACK);
  policy.mutable_seccomp()->add_rule()->add_when()->mutable_any_of()->add_value("1");
  EXPECT_EQ(FirstError(policy.SerializeAsString()), "");
  EXPECT_EQ(FirstError(""), "");
}

TEST(WireScanTest, RefusesTruncation) {
  EXPECT_EQ(FirstError("\x0A"), "extends (f): at byte 1: the message is truncated");
  EXPECT_EQ(FirstError("\x0A\x02"
                       "a"),
            "extends (f): at byte 2: the message is truncated");
  EXPECT_EQ(FirstError("\x0A\xFF"), "extends (f): at byte 2: the message is truncated");
  EXPECT_EQ(FirstError("\x80"), "f: at byte 1: the message is truncated");
  // An inner length that reaches beyond its outer message.
  EXPECT_EQ(FirstError("\x1A\x02\x1A\x05hello"),
            "identity.hostname (f): at byte 4: the message is truncated");
}

TEST(WireScanTest, RefusesLengthsAndNumbersBeyondAll) {
  EXPECT_THAT(FirstError("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
              testing::HasSubstr("the message is truncated"));
  EXPECT_THAT(FirstError("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"),
              testing::HasSubstr("a number is too long"));
  EXPECT_THAT(FirstError("\xFF\xFF\xFF\xFF\xFF\x01"),
              testing::HasSubstr("a field number is too large"));
  EXPECT_EQ(FirstError("\x1A\x06\x08\x80\x80\x80\x80\x10"),
            "identity.uid (f): 4294967296 is out of range");
  EXPECT_EQ(FirstError("\x22\x04\x0A\x02\x18\x02"),
            "mounts.bind[0].read_only (f): 2 is out of range");
}

TEST(WireScanTest, RefusesForeignTags) {
  EXPECT_THAT(FirstError(absl::string_view("\x00\x01", 2)), testing::HasSubstr("field number 0"));
  EXPECT_EQ(FirstError("\x08\x01"),
            "extends (f): at byte 1: the wire type is not that of the field");
  EXPECT_EQ(FirstError("\x0B\x0C"),
            "extends (f): at byte 1: the wire type is not that of the field");
  EXPECT_EQ(FirstError("\x0D"
                       "abcd"),
            "extends (f): at byte 1: the wire type is not that of the field");
}

TEST(WireScanTest, RefusesDuplicatesAndBothMembersOfAOneof) {
  EXPECT_EQ(FirstError(absl::string_view("\x1A\x00\x1A\x00", 4)), "identity (f): is written twice");
  // seccomp { rule { when { equals: "1" at_most: "2" } } }
  EXPECT_EQ(FirstError("\x52\x0A\x32\x08\x12\x06\x12\x01"
                       "1\x2A\x01"
                       "2"),
            "seccomp.rule[0].when[0].at_most (f): only one comparison may be written here");
}

TEST(WireScanTest, ReadsOnAfterInvalidUtf8) {
  FieldScan scan("f");
  EXPECT_TRUE(ScanWire("\x0A\x01\xFF\x12\x01\xFE", v1::Policy::descriptor(), &scan));
  EXPECT_EQ(scan.errors().size(), 2u);
}

// Every message type that the schema can nest is far below the ceiling; the check is for a schema
// that grows a cycle.
TEST(WireScanTest, TheSchemaHasOnlyKindsThatTheScanKnows) {
  const auto* file = v1::Policy::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    for (int k = 0; k < file->message_type(i)->field_count(); ++k) {
      const auto* field = file->message_type(i)->field(k);
      EXPECT_THAT(field->type(), testing::AnyOf(google::protobuf::FieldDescriptor::TYPE_STRING,
                                                google::protobuf::FieldDescriptor::TYPE_MESSAGE,
                                                google::protobuf::FieldDescriptor::TYPE_BOOL,
                                                google::protobuf::FieldDescriptor::TYPE_ENUM,
                                                google::protobuf::FieldDescriptor::TYPE_UINT32))
          << field->full_name();
      // Packed numbers would need a reader of their own.
      EXPECT_FALSE(field->is_packable()) << field->full_name();
    }
  }
}

}  // namespace
}  // namespace cordon
