// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/memory_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(MemoryFileTest, HoldsItsContentFromTheStart) {
  const std::string content("a\0b\n", 4);
  const absl::StatusOr<UniqueFd> file = MemoryFile("test", content);
  ASSERT_THAT(file, IsOk());
  char read[8] = {};
  ASSERT_EQ(::read(file->get(), read, sizeof(read)), 4);
  EXPECT_EQ(std::string(read, 4), content);
  EXPECT_GE(file->get(), 16);
  EXPECT_EQ(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(MemoryFileTest, AllOfItIsReadWhereverItStands) {
  const absl::StatusOr<UniqueFd> file = MemoryFile("test", "");
  ASSERT_THAT(file, IsOk());
  const std::string much(100000, 'x');
  ASSERT_EQ(::write(file->get(), much.data(), much.size()), static_cast<ssize_t>(much.size()));
  EXPECT_EQ(ContentOfFile(file->get(), "test", much.size()).value(), much);
  EXPECT_EQ(ContentOfFile(file->get(), "test", much.size()).value(), much);
  EXPECT_THAT(ContentOfFile(file->get(), "test", much.size() - 1),
              StatusIs(absl::StatusCode::kResourceExhausted, "is larger than 99999 bytes"));
}

}  // namespace
}  // namespace cordon
