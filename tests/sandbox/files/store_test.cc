// SPDX-License-Identifier: Apache-2.0
// The store: by content, whole, never changed, never believed.
#include "sandbox/files/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/sha256.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/cordon_store_XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    absl::StatusOr<FileStore> store = FileStore::Open(folder_ + "/store");
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
  void TearDown() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  absl::Status Put(const std::string& text) const {
    absl::StatusOr<StagedFile> file = store_.Stage();
    if (!file.ok()) return file.status();
    CORDON_RETURN_IF_ERROR(WriteAll(file->fd(), "staged", text));
    return store_.Add(*std::move(file), {text.size(), Sha256Hex(text)});
  }
  std::string folder_;
  FileStore store_;
};

TEST_F(StoreTest, WhatIsPutInComesOutByItsDigest) {
  const std::string digest = Sha256Hex("content");
  EXPECT_FALSE(store_.Has(digest, 7));
  EXPECT_THAT(store_.Get(digest, nullptr), StatusIs(absl::StatusCode::kNotFound, ""));
  ASSERT_THAT(Put("content"), IsOk());
  ASSERT_THAT(Put("content"), IsOk());  // a second time
  EXPECT_TRUE(store_.Has(digest, 7));
  EXPECT_FALSE(store_.Has(digest, 8));
  uint64_t bytes = 0;
  const auto fd = store_.Get(digest, &bytes);
  ASSERT_THAT(fd, IsOk());
  EXPECT_EQ(bytes, 7u);
  EXPECT_EQ(FileText(store_.PathOf(digest)), "content");
  EXPECT_EQ(StatPath(store_.PathOf(digest))->mode & 07777u, 0555u);
  EXPECT_EQ(StatPath(store_.path())->mode & 07777u, 0700u);
  EXPECT_THAT(NamesIn(store_.path()), testing::ElementsAre(digest));
}

TEST_F(StoreTest, ABrokenObjectIsNeverUsedAndNeverOverwritten) {
  const std::string digest = Sha256Hex("content");
  ASSERT_THAT(Put("content"), IsOk());
  ASSERT_EQ(::chmod(store_.PathOf(digest).c_str(), 0700), 0);
  std::ofstream(store_.PathOf(digest)) << "c0ntent";
  EXPECT_THAT(store_.Get(digest, nullptr), StatusIs(absl::StatusCode::kDataLoss, "is broken"));
  EXPECT_THAT(Put("content"), StatusIs(absl::StatusCode::kDataLoss, "is broken"));
  EXPECT_EQ(FileText(store_.PathOf(digest)), "c0ntent");
}

TEST_F(StoreTest, WhatIsNoFileUnderANameIsNotFollowed) {
  const std::string digest = Sha256Hex("content");
  std::ofstream(folder_ + "/elsewhere") << "content";
  std::filesystem::create_symlink("../elsewhere", store_.PathOf(digest));
  EXPECT_FALSE(store_.Get(digest, nullptr).ok());
  EXPECT_FALSE(store_.Has(digest, 7));
  std::filesystem::remove(store_.PathOf(digest));
  ASSERT_EQ(::mkfifo(store_.PathOf(digest).c_str(), 0600), 0);
  EXPECT_FALSE(store_.Get(digest, nullptr).ok());
  EXPECT_FALSE(store_.Has(digest, 0));
}

TEST_F(StoreTest, AFolderThatOthersMayWriteToIsNoStore) {
  ASSERT_EQ(::chmod(store_.path().c_str(), 0722), 0);
  EXPECT_THAT(FileStore::Open(store_.path()), HasErrorWith("can be written by others"));
  ASSERT_EQ(::chmod(store_.path().c_str(), 0755), 0);
  EXPECT_THAT(FileStore::Open(store_.path()), IsOk());
  if (!IsRoot()) return;
  ASSERT_EQ(::chown(store_.path().c_str(), 65534, 65534), 0);
  EXPECT_THAT(FileStore::Open(store_.path()), HasErrorWith("belongs to uid 65534"));
}

TEST_F(StoreTest, AFolderBehindAStrangersLinkIsNoStore) {
  CORDON_NEEDS("root, whose links are followed otherwise", !IsRoot());
  std::filesystem::create_directory_symlink("store", folder_ + "/link");
  EXPECT_THAT(FileStore::Open(folder_ + "/link"), HasErrorWith("symbolic link"));
}

TEST_F(StoreTest, AFileIsNoStoreAndNeitherIsWhatCannotBeMade) {
  std::ofstream(folder_ + "/file") << "";
  EXPECT_FALSE(FileStore::Open(folder_ + "/file").ok());
  EXPECT_THAT(FileStore::Open(folder_ + "/missing/store"), HasErrorWith("ENOENT"));
}

}  // namespace
}  // namespace cordon
