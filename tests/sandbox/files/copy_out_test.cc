// SPDX-License-Identifier: Apache-2.0
// Hostile leavings: what is taken is what was meant, the rest is refused by name, and the host's
// own files are out of reach. The places are folders of the test.
#include "sandbox/files/copy_out.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/sha256.h"
#include "tests/support/held_places.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CopyOutTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(Host("out"));
    std::ofstream(Host("secret")) << "secret of the host";
    ASSERT_THAT(test_.Add(place_.path()), IsOk());
  }
  std::string Host(const std::string& name) const { return host_.path() + "/" + name; }
  std::string In(const std::string& name) const { return place_.path() + "/" + name; }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(In(name)) << text;
  }

  v1::CopyOut* Want(const std::string& path, const std::string& to) {
    v1::CopyOut* entry = wanted_.add_copy_out();
    entry->set_path(In(path));
    entry->set_to(Host(to));
    return entry;
  }
  v1::Report Collect(const FileStore* store = nullptr) {
    v1::Report report;
    const auto places = test_.Hold();
    EXPECT_THAT(places, IsOk());
    const auto files = CopyOutFiles::Open(wanted_.copy_out(), store);
    EXPECT_THAT(files, IsOk());
    if (places.ok() && files.ok()) files->Collect(*places, &report);
    return report;
  }
  // "path: why" of everything that was refused, with paths below the place.
  std::vector<std::string> Refused(const v1::Report& report) const {
    std::vector<std::string> rows;
    for (const v1::NotCollected& each : report.not_collected()) {
      rows.push_back(absl::StrCat(each.path().substr(place_.path().size()), ": ", each.why()));
    }
    return rows;
  }

  SharedFolder place_;
  SharedFolder host_;
  PlacesOfTest test_;
  v1::JobSpec wanted_;
};

TEST_F(CopyOutTest, AFileIsTakenAsContentAlone) {
  Write("result", "hello");
  ASSERT_EQ(::chmod(In("result").c_str(), 04777), 0);
  Want("result", "out/got");
  const mode_t mask = ::umask(022);
  const v1::Report report = Collect();
  ::umask(mask);
  ASSERT_EQ(report.collected_size(), 1);
  EXPECT_EQ(report.collected(0).path(), In("result"));
  EXPECT_EQ(report.collected(0).to(), Host("out/got"));
  EXPECT_EQ(report.collected(0).bytes(), 5u);
  EXPECT_EQ(report.collected(0).sha256(), Sha256Hex("hello"));
  EXPECT_FALSE(report.outputs_missing());
  EXPECT_THAT(Refused(report), IsEmpty());
  EXPECT_EQ(FileText(Host("out/got")), "hello");
  const auto info = StatPath(Host("out/got"));
  EXPECT_EQ(info->mode & 07777u, 0644u);
  EXPECT_EQ(info->uid, ::geteuid());
}

TEST_F(CopyOutTest, WhatIsMissingIsSaidUnlessItMayBe) {
  Want("missing", "out/a");
  Want("nor/this", "out/b")->set_optional(true);
  const v1::Report report = Collect();
  EXPECT_THAT(Refused(report), ElementsAre("/missing: does not exist"));
  EXPECT_TRUE(report.outputs_missing());
  EXPECT_THAT(report.skipped(), ElementsAre("copy_out " + In("nor/this")));
  EXPECT_THAT(NamesIn(Host("out")), IsEmpty());
}

// Each of these leads to the secret when it is followed; the control is the first line.
TEST_F(CopyOutTest, NoLinkIsFollowed) {
  std::filesystem::create_symlink(Host("secret"), In("link"));
  std::filesystem::create_directory_symlink(host_.path(), In("up"));
  std::filesystem::create_symlink("/proc/self/environ", In("magic"));
  ASSERT_EQ(FileText(In("link")), "secret of the host");
  ASSERT_EQ(FileText(In("up/secret")), "secret of the host");
  Want("link", "out/a");
  Want("up/secret", "out/b");
  Want("magic", "out/c");
  const v1::Report report = Collect();
  EXPECT_THAT(Refused(report),
              ElementsAre(HasSubstr("/link: is a symbolic link; only regular files"),
                          HasSubstr("/up/secret: openat2"), HasSubstr("/magic: is a symbolic")));
  EXPECT_THAT(NamesIn(Host("out")), IsEmpty());
  EXPECT_EQ(report.collected_size(), 0);
}

TEST_F(CopyOutTest, InAFolderEverythingButFilesIsNamedAndTheRestIsTaken) {
  std::filesystem::create_directories(In("dir/sub"));
  std::filesystem::create_directory(In("dir/empty"));
  Write("dir/sub/file", "1");
  Write("dir/-rf", "2");
  Write("dir/new\nline", "3");
  Write("dir/\xff\xfe", "4");
  Write("dir/" + std::string(255, 'n'), "5");
  Write("dir/...", "6");
  std::filesystem::create_hard_link(In("dir/-rf"), In("dir/hard"));
  std::filesystem::create_symlink(Host("secret"), In("dir/link"));
  std::filesystem::create_directory_symlink(host_.path(), In("dir/up"));
  ASSERT_EQ(::mkfifo(In("dir/fifo").c_str(), 0600), 0);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = In("dir/socket");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  Want("dir", "out/dir");
  const v1::Report report = Collect();
  EXPECT_THAT(Refused(report),
              UnorderedElementsAre("/dir/fifo: is a FIFO; only regular files are taken",
                                   "/dir/link: is a symbolic link; only regular files are taken",
                                   "/dir/socket: is a socket; only regular files are taken",
                                   "/dir/up: is a symbolic link; only regular files are taken"));
  EXPECT_TRUE(report.outputs_missing());
  EXPECT_EQ(report.collected_size(), 7);
  EXPECT_THAT(NamesIn(Host("out/dir")),
              UnorderedElementsAre("sub", "empty", "-rf", "hard", "new\nline", "\xff\xfe",
                                   std::string(255, 'n'), "..."));
  EXPECT_EQ(FileText(Host("out/dir/sub/file")), "1");
  EXPECT_EQ(FileText(Host("out/dir/\xff\xfe")), "4");
  // The report is text, whatever the names are.
  for (const v1::Collected& each : report.collected()) {
    EXPECT_FALSE(absl::StrContains(each.path(), "\n"));
    EXPECT_FALSE(absl::StrContains(each.path(), "\xff"));
  }
}

// Nothing waits for the other end of the FIFO, and nothing of the device is read.
TEST_F(CopyOutTest, WhatIsNoFileIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo(In("fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(In("empty"));
  Want("fifo", "out/fifo");
  Want("empty", "out/empty");
  const bool device = ::mknod(In("zero").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0;
  if (device) Want("zero", "out/zero");
  const v1::Report report = Collect();
  EXPECT_EQ(report.not_collected_size(), device ? 2 : 1);
  EXPECT_THAT(Refused(report)[0], HasSubstr("/fifo: is a FIFO"));
  EXPECT_THAT(Refused(report).back(), HasSubstr(device ? "is a device" : "is a FIFO"));
  EXPECT_THAT(NamesIn(Host("out")), ElementsAre("empty"));
}

TEST_F(CopyOutTest, FilesThatTheJobMayNotReadAreRefusedByName) {
  CORDON_NEEDS("a caller without root", !IsRoot());
  std::filesystem::create_directories(In("dir/closed"));
  Write("dir/secret", "x");
  ASSERT_EQ(::chmod(In("dir/secret").c_str(), 0), 0);
  ASSERT_EQ(::chmod(In("dir/closed").c_str(), 0), 0);
  Want("dir", "out/dir");
  const v1::Report report = Collect();
  ASSERT_EQ(::chmod(In("dir/closed").c_str(), 0700), 0);
  EXPECT_THAT(Refused(report), UnorderedElementsAre(HasSubstr("EACCES"), HasSubstr("EACCES")));
  EXPECT_EQ(report.collected_size(), 0);
}

TEST_F(CopyOutTest, AHugeSparseFileIsRefusedByItsSizeAndASmallOneStaysSparse) {
  Write("huge", "");
  Write("holes", "");
  ASSERT_EQ(::truncate(In("huge").c_str(), off_t{1} << 40), 0);
  ASSERT_EQ(::truncate(In("holes").c_str(), off_t{4} << 20), 0);
  Want("huge", "out/huge");
  Want("holes", "out/holes");
  const v1::Report report = Collect();
  EXPECT_THAT(Refused(report), ElementsAre(HasSubstr("is 1099511627776 bytes long; at most")));
  EXPECT_THAT(NamesIn(Host("out")), ElementsAre("holes"));
  struct stat info = {};
  ASSERT_EQ(::stat(Host("out/holes").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, off_t{4} << 20);
  EXPECT_LT(info.st_blocks, 1024);
}

TEST_F(CopyOutTest, SizesAreCountedTogether) {
  std::filesystem::create_directory(In("dir"));
  for (const char* name : {"a", "b", "c"}) Write(std::string("dir/") + name, std::string(400, 'x'));
  Want("dir", "out/dir")->set_max_size("1000B");
  const v1::Report report = Collect();
  EXPECT_THAT(Refused(report), ElementsAre(HasSubstr("/dir/c: ")));
  EXPECT_THAT(Refused(report)[0], HasSubstr("is 400 bytes long; at most 200"));
  EXPECT_THAT(NamesIn(Host("out/dir")), UnorderedElementsAre("a", "b"));
}

TEST_F(CopyOutTest, TheNumberOfFilesIsBoundedAndSaid) {
  std::filesystem::create_directories(In("dir/a/b"));
  for (int i = 0; i < 50; ++i) Write(absl::StrCat("dir/a/", i), "x");
  for (int i = 0; i < 50; ++i) Write(absl::StrCat("dir/f", i), "x");
  Want("dir", "out/dir")->set_max_files(20);
  const v1::Report report = Collect();
  EXPECT_LE(report.collected_size(), 20);
  EXPECT_TRUE(report.outputs_missing());
  EXPECT_THAT(Refused(report), testing::Each(HasSubstr("more than 20 files and folders")));
  EXPECT_GE(report.not_collected_size(), 1);
  // With one more than there are, all are taken.
  wanted_.clear_copy_out();
  Want("dir", "out/all")->set_max_files(102);
  const v1::Report all = Collect();
  EXPECT_EQ(all.collected_size(), 100);
  EXPECT_THAT(Refused(all), IsEmpty());
}

TEST_F(CopyOutTest, DepthIsBoundedAndSaid) {
  std::string deep = "dir";
  for (int i = 0; i < 200; ++i) deep += "/d";
  std::filesystem::create_directories(In(deep));
  Write("dir/d/d/file", "2 deep");
  Want("dir", "out/dir")->set_max_depth(2);
  const v1::Report report = Collect();
  EXPECT_THAT(Refused(report), ElementsAre("/dir/d/d/d: lies more than 2 folders deep "
                                           "(max_depth); not looked at"));
  EXPECT_EQ(FileText(Host("out/dir/d/d/file")), "2 deep");
  EXPECT_FALSE(std::filesystem::exists(Host("out/dir/d/d/d")));
}

TEST_F(CopyOutTest, ReportsStayBounded) {
  std::filesystem::create_directory(In("dir"));
  for (int i = 0; i < 1100; ++i) std::filesystem::create_symlink("x", In(absl::StrCat("dir/", i)));
  Want("dir", "out/dir")->set_max_files(2000);
  const v1::Report report = Collect();
  EXPECT_EQ(report.not_collected_size(), 1000);
  EXPECT_EQ(report.not_collected_more(), 100u);
}

// Names are the job's, and may be long: so many of them that the report would not pass any more.
TEST_F(CopyOutTest, LongNamesDoNotMakeAReportThatNobodyCanRead) {
  std::string deep = "dir";
  for (int i = 0; i < 10; ++i) absl::StrAppend(&deep, "/", std::string(250, '\x01'));
  std::filesystem::create_directories(In(deep));
  constexpr int kFiles = 1900;
  for (int i = 0; i < kFiles; ++i) Write(absl::StrCat(deep, "/", i), "");
  Want("dir", "out/dir")->set_max_files(4000);
  const v1::Report report = Collect();
  EXPECT_GT(report.collected_size(), 100);
  EXPECT_LT(report.ByteSizeLong(), size_t{32} << 20);
  EXPECT_TRUE(report.outputs_missing());
  const int named = report.collected_size() + report.not_collected_size();
  EXPECT_EQ(named + static_cast<int>(report.not_collected_more()), kFiles) << "each is counted";
}

// What stands at the destination is the host's: links there are replaced or refused, never
// followed.
TEST_F(CopyOutTest, LinksAtTheDestinationAreNotFollowed) {
  std::filesystem::create_directories(In("dir/sub"));
  Write("file", "new");
  Write("dir/sub/file", "new");
  std::filesystem::create_symlink("../secret", Host("out/file"));
  std::filesystem::create_directory(Host("out/dir"));
  std::filesystem::create_directory_symlink(host_.path(), Host("out/dir/sub"));
  Want("file", "out/file");
  Want("dir", "out/dir");
  const v1::Report report = Collect();
  EXPECT_EQ(FileText(Host("secret")), "secret of the host");
  EXPECT_EQ(FileText(Host("out/file")), "new");
  EXPECT_FALSE(std::filesystem::exists(Host("file")));
  EXPECT_THAT(Refused(report), ElementsAre(HasSubstr("/dir/sub: openat2")));
}

// FS-11: somebody is alive who should not be, and swaps a file and a link as fast as it can.
TEST_F(CopyOutTest, ASwapWhileItIsTakenShowsNoFileOfTheHost) {
  Write("file", "of the job");
  std::filesystem::create_symlink(Host("secret"), In("swap"));
  std::atomic<bool> stop(false);
  std::thread swapper([&] {
    while (!stop.load()) {
      ::renameat2(AT_FDCWD, In("file").c_str(), AT_FDCWD, In("swap").c_str(), RENAME_EXCHANGE);
    }
  });
  // The control: who opens by name alone reads the secret sooner or later.
  bool fooled = false;
  for (int i = 0; i < 1000000 && !fooled; ++i) {
    fooled = FileText(In("file")) == "secret of the host";
  }
  EXPECT_TRUE(fooled);
  Want("file", "out/file");
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 500 || ((taken == 0 || refused == 0) && i < 300000); ++i) {
    const v1::Report report = Collect();
    taken += report.collected_size();
    refused += report.not_collected_size();
    if (report.collected_size() == 1) {
      EXPECT_EQ(FileText(Host("out/file")), "of the job");
    }
  }
  stop.store(true);
  swapper.join();
  EXPECT_GT(taken, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(CopyOutTest, WhatCannotBeWrittenIsKnownBeforeTheJobBegins) {
  const auto open = [&](const std::string& to) {
    v1::JobSpec job;
    v1::CopyOut* entry = job.add_copy_out();
    entry->set_path(In("x"));
    entry->set_to(to);
    return CopyOutFiles::Open(job.copy_out(), nullptr).status();
  };
  EXPECT_THAT(open(Host("missing/x")), HasErrorWith("copy_out[0].to"));
  EXPECT_THAT(open(Host("secret/x")), HasErrorWith("copy_out[0].to"));
  EXPECT_THAT(open("/"), HasErrorWith("copy_out[0].to"));
  EXPECT_THAT(open(Host("out/x")), IsOk());
  if (!IsRoot()) {
    EXPECT_THAT(open("/etc/cordon-copy-out-test"), HasErrorWith("EACCES"));
  }
  v1::JobSpec twice;
  for (int i = 0; i < 2; ++i) {
    v1::CopyOut* entry = twice.add_copy_out();
    entry->set_path(In("x"));
    entry->set_to(Host("out/x"));
  }
  EXPECT_THAT(CopyOutFiles::Open(twice.copy_out(), nullptr), HasErrorWith("another entry"));
  v1::JobSpec artifact;
  artifact.add_copy_out()->set_path(In("x"));
  artifact.mutable_copy_out(0)->set_artifact("a");
  EXPECT_THAT(CopyOutFiles::Open(artifact.copy_out(), nullptr), HasErrorWith("needs a store"));
}

TEST_F(CopyOutTest, ArtifactsGoIntoTheStoreUnderTheirContent) {
  char name[] = "/tmp/cordon_store_XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const auto store = FileStore::Open(name);
  ASSERT_THAT(store, IsOk());
  std::filesystem::create_directories(In("dir/sub"));
  Write("dir/a", "same");
  Write("dir/sub/b", "same");
  Write("dir/\xff", "odd");
  v1::CopyOut* entry = Want("dir", "");
  entry->clear_to();
  entry->set_artifact("tree");
  const v1::Report report = Collect(&*store);
  ASSERT_EQ(report.collected_size(), 2);
  EXPECT_EQ(report.collected(0).artifact(), "tree/a");
  EXPECT_EQ(report.collected(1).artifact(), "tree/sub/b");
  EXPECT_EQ(report.collected(1).sha256(), Sha256Hex("same"));
  EXPECT_THAT(Refused(report), ElementsAre(HasSubstr("cannot be that of an artifact")));
  EXPECT_THAT(NamesIn(name), ElementsAre(Sha256Hex("same")));
  EXPECT_THAT(store->Get(Sha256Hex("same"), nullptr), IsOk());
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace cordon
