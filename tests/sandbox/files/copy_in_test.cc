// SPDX-License-Identifier: Apache-2.0
// Files that are there when a job begins: whole, the job's own, charged to it, read back; and the
// sources that are refused.
#include "sandbox/files/copy_in.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/sha256.h"
#include "sandbox/os/event.h"
#include "tests/support/held_places.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

class CopyInTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
  }
  std::string Host(const std::string& name) const { return host_.path() + "/" + name; }
  v1::CopyIn* Add(const std::string& target) {
    v1::CopyIn* entry = wanted_.add_copy_in();
    entry->set_target(target);
    return entry;
  }
  absl::StatusOr<CopyInFiles> Gather() const {
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(options_));
    return CopyInFiles::Gather(wanted_.copy_in(), plan.proto(), nullptr);
  }
  // Runs the payload with the files; what it wrote to stdout is in `out_`.
  absl::StatusOr<v1::Report> Run(const std::vector<std::string>& arguments) {
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(options_));
    CORDON_ASSIGN_OR_RETURN(const CopyInFiles files, Gather());
    CORDON_ASSIGN_OR_RETURN(const v1::LaunchPlan launch, LaunchOf(plan, arguments));
    CORDON_ASSIGN_OR_RETURN(const std::unique_ptr<Sandbox> sandbox,
                            Sandbox::Prepare(plan, HostFactsOfTest(), {&files, false}));
    const StreamFile in;
    const StreamFile out;
    absl::StatusOr<v1::Report> report =
        RunJob(*sandbox, launch, {in.fd(), out.fd(), out.fd(), false, false});
    out_ = out.Text();
    return report;
  }
  SharedFolder host_;
  v1::JobSpec wanted_;
  JobOptions options_;
  std::string out_;
};

TEST_F(CopyInTest, FilesTextsAndLinksAreThereWithTheirModesAsTheJobsOwn) {
  std::ofstream(Host("data")) << "from the host";
  Add("/work/a/b/data")->set_file(Host("data"));
  v1::CopyIn* text = Add("/work/text");
  text->set_text("typed\n");
  text->set_mode("0500");
  Add("/work/link")->set_link("a/b/data");
  Add("/work/empty")->set_text("");
  const std::pair<const char*, const char*> shown[] = {
      {"/work/a/b/data", "644 1000 1000 from the host"},
      {"/work/text", "500 1000 1000 typed\n"},
      {"/work/link", "777 1000 1000 a/b/data"},
      {"/work/empty", "644 1000 1000 "}};
  for (const auto& [path, expected] : shown) {
    const auto report = Run({"show_file", path});
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->exit_code(), 0) << path;
    EXPECT_EQ(out_, expected);
  }
}

TEST_F(CopyInTest, TheJobMayChangeThemAndTheHostsStayAsTheyAre) {
  std::ofstream(Host("data")) << "from the host";
  Add("/work/data")->set_file(Host("data"));
  const auto report = Run({"write_file", "/work/data", "changed"});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->exit_code(), 0);
  EXPECT_EQ(FileText(Host("data")), "from the host");
}

// A job's limit of file sizes is about what it writes itself.
TEST_F(CopyInTest, LargeOnesAreChargedToTheJobAndNotToItsFileSize) {
  options_.file_size = "4KiB";
  std::ofstream(Host("data")) << std::string(5 << 20, 'x');
  Add("/work/data")->set_file(Host("data"));
  const auto report = Run({"exit", "0"});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->exit_code(), 0);
  CORDON_NEEDS("control groups", HaveCgroup());
  EXPECT_GT(report->usage().memory_peak_bytes(), uint64_t{5} << 20);
}

TEST_F(CopyInTest, ThePayloadHasNoDescriptorOfThem) {
  Add("/work/text")->set_text("typed");
  const auto with = Run({"descriptors"});
  ASSERT_THAT(with, IsOk());
  const std::string seen = out_;
  wanted_.clear_copy_in();
  const auto without = Run({"descriptors"});
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(seen, out_);
}

TEST_F(CopyInTest, SourcesThatAreNoFilesOrAreNotThereAreNamed) {
  std::filesystem::create_directory(Host("folder"));
  ASSERT_EQ(::mkfifo(Host("fifo").c_str(), 0600), 0);
  const std::pair<std::string, const char*> wrong[] = {
      {Host("missing"), "ENOENT"},           {Host("folder"), "is a folder, not a regular file"},
      {Host("fifo"), "is a FIFO, not"},      {"/dev/zero", "is a device, not"},
      {"/proc/self/environ", "/proc shows"}, {"relative", "EINVAL"}};
  for (const auto& [path, part] : wrong) {
    wanted_.clear_copy_in();
    Add("/work/x")->set_text("first");
    Add("/work/y")->set_file(path);
    EXPECT_THAT(Gather(), HasErrorWith(part)) << path;
    EXPECT_THAT(Gather(), HasErrorWith("copy_in[1]")) << path;
  }
}

TEST_F(CopyInTest, AStrangersLinkLeadsNowhere) {
  std::ofstream(Host("secret")) << "s";
  std::filesystem::create_symlink("secret", Host("link"));
  if (IsRoot()) {
    ASSERT_EQ(::lchown(Host("link").c_str(), 65534, 65534), 0);
  }
  Add("/work/x")->set_file(Host("link"));
  EXPECT_THAT(Gather(), HasErrorWith("symbolic link of uid"));
}

TEST_F(CopyInTest, WhatDoesNotFitIsSaidBeforeAnythingStarts) {
  std::ofstream(Host("sparse")) << "";
  ASSERT_EQ(::truncate(Host("sparse").c_str(), off_t{1} << 40), 0);
  Add("/work/x")->set_file(Host("sparse"));
  EXPECT_THAT(Gather(), HasErrorWith("is 1099511627776 bytes long; at most 8388608 are left"));
  ASSERT_EQ(::truncate(Host("sparse").c_str(), off_t{5} << 20), 0);
  EXPECT_THAT(Gather(), IsOk());
  Add("/work/y")->set_file(Host("sparse"));
  EXPECT_THAT(Gather(), HasErrorWith("copy_in[1]"));
  wanted_.mutable_copy_in()->RemoveLast();
  options_.memory = "4MiB";
  if (HaveCgroup()) {
    EXPECT_THAT(Gather(), HasErrorWith("at most 4194304 are left"));
  }
}

TEST_F(CopyInTest, ArtifactsNeedABatch) {
  Add("/work/x")->set_artifact("a:b");
  EXPECT_THAT(Gather(), HasErrorWith("in a batch only"));
  wanted_.mutable_copy_in(0)->set_stored(std::string(64, 'a'));
  EXPECT_THAT(Gather(), HasErrorWith("no store"));
}

// What the check at the gate would find, had somebody been at the files.
TEST_F(CopyInTest, ReadingBackFindsEveryDifference) {
  v1::Plan plan;
  v1::MountEntry* tmpfs = plan.mutable_mount()->add_entry();
  tmpfs->set_kind(v1::MountEntry::TMPFS);
  tmpfs->set_target(host_.path());
  tmpfs->set_size_bytes(1 << 20);
  v1::CopyIn* file = Add(Host("file"));
  file->set_text("content");
  file->set_mode("0640");
  Add(Host("link"))->set_link("where");
  const auto files = CopyInFiles::Gather(wanted_.copy_in(), plan, nullptr);
  ASSERT_THAT(files, IsOk());
  const auto places = HoldFolder(host_.path());
  ASSERT_THAT(places, IsOk());
  const HostIds me = {::geteuid(), ::getegid()};
  const auto make = [&] {
    std::filesystem::remove(Host("file"));
    std::filesystem::remove(Host("link"));
    std::ofstream(Host("file")) << "content";
    ASSERT_EQ(::chmod(Host("file").c_str(), 0640), 0);
    std::filesystem::create_symlink("where", Host("link"));
  };
  EXPECT_FALSE(VerifyCopyIn(*files, *places, me).ok());
  make();
  EXPECT_THAT(VerifyCopyIn(*files, *places, me), IsOk());
  EXPECT_THAT(VerifyCopyIn(*files, *places, {me.uid + 1, me.gid}), HasErrorWith("owner"));
  ASSERT_EQ(::chmod(Host("file").c_str(), 0600), 0);
  EXPECT_THAT(VerifyCopyIn(*files, *places, me), HasErrorWith("mode"));
  make();
  std::ofstream(Host("file")) << "c0ntent";
  EXPECT_THAT(VerifyCopyIn(*files, *places, me), HasErrorWith("SHA-256"));
  std::ofstream(Host("file")) << "content and more";
  EXPECT_FALSE(VerifyCopyIn(*files, *places, me).ok());
  make();
  std::filesystem::remove(Host("link"));
  std::filesystem::create_symlink("elsewhere", Host("link"));
  EXPECT_THAT(VerifyCopyIn(*files, *places, me), HasErrorWith("link"));
  make();
  std::filesystem::remove(Host("file"));
  std::filesystem::create_symlink("link", Host("file"));
  EXPECT_FALSE(VerifyCopyIn(*files, *places, me).ok());
}

TEST_F(CopyInTest, TheContentsAreSealed) {
  Add("/work/text")->set_text("typed");
  const auto files = Gather();
  ASSERT_THAT(files, IsOk());
  ASSERT_GE(files->contents(), 0);
  EXPECT_EQ(files->files()[0].sha256, Sha256Hex("typed"));
  EXPECT_LT(::pwrite(files->contents(), "x", 1, 0), 0);
  wanted_.clear_copy_in();
  Add("/work/link")->set_link("x");
  EXPECT_EQ(Gather()->contents(), -1);  // a link has no content
}

}  // namespace
}  // namespace cordon
