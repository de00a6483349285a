// SPDX-License-Identifier: Apache-2.0
// The cursor's places and the bookkeeping that the scanners share.
#include "policy/field_scan.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/proto/batch.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/policy.pb.h"

namespace cordon {
namespace {

const google::protobuf::FieldDescriptor* Field(const google::protobuf::Descriptor* type,
                                               const std::string& name) {
  return type->FindFieldByName(name);
}

TEST(TextCursorTest, CountsLinesAndCharacters) {
  TextCursor cursor("a\xC3\xA4\n\tb");
  cursor.Advance();
  cursor.Advance();
  EXPECT_EQ(cursor.place().line, 1);
  EXPECT_EQ(cursor.place().column, 3);
  cursor.Advance();
  EXPECT_EQ(cursor.place().line, 2);
  EXPECT_EQ(cursor.place().column, 1);
  EXPECT_FALSE(cursor.Take('x'));
  EXPECT_TRUE(cursor.Take('\t'));
  EXPECT_TRUE(cursor.Take('b'));
  EXPECT_EQ(cursor.place().column, 3);
  EXPECT_TRUE(cursor.AtEnd());
  cursor.Advance();
  EXPECT_EQ(cursor.offset(), 6u);
  EXPECT_EQ(cursor.Peek(), '\0');
}

TEST(FieldScanTest, ElementsAreNumberedAndPlaced) {
  FieldScan scan("f");
  FieldScan::Scope scope{v1::Mounts::descriptor(), "mounts"};
  const auto* bind = Field(v1::Mounts::descriptor(), "bind");
  EXPECT_EQ(scan.Element(&scope, bind, {1, 1}), "mounts.bind[0]");
  EXPECT_EQ(scan.Element(&scope, bind, {2, 5}), "mounts.bind[1]");
  EXPECT_EQ(scan.Element(&scope, Field(v1::Mounts::descriptor(), "proc"), {3, 1}), "mounts.proc");
  EXPECT_EQ(scan.places().Find("mounts.bind[1]"), "f:2:5");
  EXPECT_EQ(scan.FieldAt({2, 9}), "mounts.bind[1]");
  EXPECT_EQ(scan.FieldAt({2, 4}), "");
  EXPECT_EQ(scan.FieldAt({9, 1}), "");
  EXPECT_TRUE(scan.errors().empty());
}

TEST(FieldScanTest, NestingStopsTheScan) {
  FieldScan scan("f");
  EXPECT_TRUE(scan.MayNest(kMaxNesting, "a", {1, 1}));
  EXPECT_FALSE(scan.stopped());
  EXPECT_FALSE(scan.MayNest(kMaxNesting + 1, "a", {1, 1}));
  EXPECT_TRUE(scan.stopped());
}

TEST(FieldScanTest, SuggestsOnlyNamesThatAreNear) {
  FieldScan scan("f");
  const FieldScan::Scope scope{v1::Limits::descriptor(), "limits"};
  scan.UnknownField(scope, "wal_time", {1, 1});
  scan.UnknownField(scope, "something_else", {1, 1});
  scan.UnknownField(scope, std::string(100000, 'x'), {1, 1});
  ASSERT_EQ(scan.errors().size(), 3u);
  EXPECT_EQ(scan.errors()[0].hint(), "did you mean \"wall_time\"?");
  EXPECT_EQ(scan.errors()[1].hint(), "");
  EXPECT_LT(scan.errors()[2].message().size(), 120u);
}

TEST(FieldScanTest, ExcerptsAreShortAndSafe) {
  EXPECT_EQ(Excerpt("a\"\x1B"), "\"a\\\"\\033\"");
  EXPECT_EQ(Excerpt(std::string(61, 'a')), "\"" + std::string(60, 'a') + "...\"");
}

// A row that names no field would be a ceiling that nothing obeys.
TEST(FieldScanTest, EveryCeilingNamesAFieldOfTheSchema) {
  const auto* pool = v1::JobSpec::descriptor()->file()->pool();
  ASSERT_EQ(v1::Batch::descriptor()->file()->pool(), pool);  // known only where it is linked
  for (const EntryCeiling& row : kEntryCeilings) {
    const auto* field = pool->FindFieldByName(std::string(row.field));
    ASSERT_NE(field, nullptr) << row.field;
    EXPECT_TRUE(field->is_repeated()) << row.field;
    EXPECT_EQ(EntryCeilingOf(field), row.entries);
  }
  for (const StringCeiling& row : kStringCeilings) {
    const auto* field = pool->FindFieldByName(std::string(row.field));
    ASSERT_NE(field, nullptr) << row.field;
    EXPECT_EQ(field->type(), google::protobuf::FieldDescriptor::TYPE_STRING) << row.field;
    EXPECT_EQ(StringCeilingOf(field), row.bytes);
  }
  EXPECT_EQ(EntryCeilingOf(Field(v1::Mounts::descriptor(), "bind")), kMaxEntries);
  EXPECT_EQ(StringCeilingOf(Field(v1::Bind::descriptor(), "source")), kMaxStringBytes);
}

}  // namespace
}  // namespace cordon
