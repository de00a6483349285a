// SPDX-License-Identifier: Apache-2.0
// The plan of layer mount: one builder that lists, sorts and measures the entries.
#include "policy/layers/mount.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/path.h"
#include "policy/base/units.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;

constexpr uint32_t kTmpfsInodes = 4096;
constexpr uint32_t kTmpfsMode = 01777;
constexpr uint64_t kPage = 4096;  // when the facts do not say

// /dev holds mount points and links only.
constexpr uint64_t kDevBytes = uint64_t{64} * 1024;
constexpr uint32_t kDevInodes = 32;
constexpr uint32_t kDevMode = 0755;

// The root tmpfs: room for what the set-up itself makes, such as sources of masks.
constexpr uint64_t kSpareRootBytes = uint64_t{256} * 1024;
constexpr uint32_t kSpareRootInodes = 64;

struct Device {
  absl::string_view name;
  uint32_t major;
  uint32_t minor;
};
constexpr Device kDevices[] = {
    {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}};

struct Link {
  absl::string_view path;
  absl::string_view target;
};
constexpr Link kDevLinks[] = {{"/dev/fd", "/proc/self/fd"},
                              {"/dev/stdin", "/proc/self/fd/0"},
                              {"/dev/stdout", "/proc/self/fd/1"},
                              {"/dev/stderr", "/proc/self/fd/2"}};

class MountCompiler {
 public:
  MountCompiler(const NormalPolicy& policy, const v1::HostFacts& facts, v1::MountPlan* plan)
      : policy_(policy), page_(facts.page_size() == 0 ? kPage : facts.page_size()), plan_(*plan) {}

  absl::Status Compile();

 private:
  v1::MountEntry& Add(v1::MountEntry::Kind kind, absl::string_view target, absl::string_view field);
  void AddBinds();
  void AddTmpfs();
  void AddProc();
  void AddDev();
  void AddDevices();
  void AddLinksAndFiles();
  void AddWorkingDirectory();
  void AddMasks();
  void CheckParents();
  void MeasureRoot();
  uint64_t Size(const std::string& field, absl::string_view text);
  void Fail(absl::string_view field, absl::string_view message);

  const v1::Mounts& mounts() const { return policy_.proto().mounts(); }

  const NormalPolicy& policy_;
  const uint64_t page_;
  v1::MountPlan& plan_;
  std::vector<v1::MountEntry> entries_;
  std::vector<v1::ErrorDetail> errors_;
};

void MountCompiler::Fail(absl::string_view field, absl::string_view message) {
  const absl::Status status =
      FieldError(policy_, absl::StatusCode::kInvalidArgument, field, message);
  errors_.push_back(DetailsOf(status).front());
}

uint64_t MountCompiler::Size(const std::string& field, absl::string_view text) {
  const absl::StatusOr<uint64_t> value = ParseSize(text);
  if (value.ok()) return *value;
  Fail(field, value.status().message());
  return 0;
}

v1::MountEntry& MountCompiler::Add(v1::MountEntry::Kind kind, absl::string_view target,
                                   absl::string_view field) {
  v1::MountEntry& entry = entries_.emplace_back();
  entry.set_kind(kind);
  entry.set_target(std::string(target));
  entry.set_field(std::string(field));
  return entry;
}

void MountCompiler::AddBinds() {
  for (int i = 0; i < mounts().bind_size(); ++i) {
    const v1::Bind& bind = mounts().bind(i);
    v1::MountEntry& entry = Add(Kind::BIND, bind.target().empty() ? bind.source() : bind.target(),
                                absl::StrCat("mounts.bind[", i, "]"));
    entry.set_source(bind.source());
    entry.set_read_only(!bind.has_read_only() || bind.read_only());
    entry.set_no_exec(bind.has_executable() && !bind.executable());
    entry.set_optional(bind.optional());
  }
}

void MountCompiler::AddTmpfs() {
  for (int i = 0; i < mounts().tmpfs_size(); ++i) {
    const v1::Tmpfs& tmpfs = mounts().tmpfs(i);
    const std::string field = absl::StrCat("mounts.tmpfs[", i, "]");
    const uint64_t size = Size(field + ".size", tmpfs.size());
    v1::MountEntry& entry = Add(Kind::TMPFS, tmpfs.target(), field);
    entry.set_size_bytes(size);
    entry.set_inodes(tmpfs.has_inodes() ? tmpfs.inodes() : kTmpfsInodes);
    entry.set_mode(tmpfs.has_mode() ? tmpfs.mode() : kTmpfsMode);
    entry.set_no_exec(!tmpfs.executable());
  }
}

void MountCompiler::AddProc() {
  if (!mounts().has_proc()) return;
  v1::MountEntry& entry = Add(Kind::PROC, "/proc", "mounts.proc");
  entry.set_process_only(!mounts().proc().has_process_only() || mounts().proc().process_only());
  entry.set_no_exec(true);
}

void MountCompiler::AddDevices() {
  const auto& wanted = mounts().dev().device();
  for (const Device& device : kDevices) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), device.name) == wanted.end()) {
      continue;
    }
    const std::string path = absl::StrCat("/dev/", device.name);
    v1::MountEntry& entry = Add(Kind::DEVICE, path, "mounts.dev");
    entry.set_source(path);
    entry.set_device_major(device.major);
    entry.set_device_minor(device.minor);
    entry.set_no_exec(true);
  }
}

void MountCompiler::AddDev() {
  if (!mounts().has_dev()) return;
  v1::MountEntry& dev = Add(Kind::TMPFS, "/dev", "mounts.dev");
  dev.set_size_bytes(kDevBytes);
  dev.set_inodes(kDevInodes);
  dev.set_mode(kDevMode);
  dev.set_no_exec(true);
  dev.set_read_only(true);
  AddDevices();
  if (mounts().has_proc()) {
    for (const Link& link : kDevLinks) {
      Add(Kind::SYMLINK, link.path, "mounts.dev").set_source(std::string(link.target));
    }
  }
  if (mounts().dev().has_shm_size()) {
    const uint64_t size = Size("mounts.dev.shm_size", mounts().dev().shm_size());
    v1::MountEntry& shm = Add(Kind::TMPFS, "/dev/shm", "mounts.dev.shm_size");
    shm.set_size_bytes(size);
    shm.set_inodes(kTmpfsInodes);
    shm.set_mode(kTmpfsMode);
    shm.set_no_exec(true);
  }
}

void MountCompiler::AddLinksAndFiles() {
  for (int i = 0; i < mounts().symlink_size(); ++i) {
    const v1::Symlink& link = mounts().symlink(i);
    Add(Kind::SYMLINK, link.path(), absl::StrCat("mounts.symlink[", i, "]"))
        .set_source(link.target());
  }
  for (int i = 0; i < mounts().file_size(); ++i) {
    const v1::File& file = mounts().file(i);
    v1::MountEntry& entry = Add(Kind::FILE, file.path(), absl::StrCat("mounts.file[", i, "]"));
    entry.set_content(file.content());
    entry.set_mode(file.executable() ? 0555 : 0444);
  }
}

void MountCompiler::AddWorkingDirectory() {
  const std::string& directory = policy_.proto().working_directory();
  if (directory.empty() || directory == "/") return;
  for (const v1::MountEntry& entry : entries_) {
    if (!PathIsBelow(directory, entry.target())) continue;
    if (entry.kind() == Kind::FILE || entry.kind() == Kind::DEVICE) {
      Fail("working_directory", absl::StrCat("\"", EscapeForPeople(directory),
                                             "\" is not a "
                                             "directory: ",
                                             entry.field(), " is a file"));
    }
    return;
  }
  Add(Kind::DIRECTORY, directory, "working_directory").set_mode(0755);
}

void MountCompiler::AddMasks() {
  for (int i = 0; i < mounts().masked_size(); ++i) {
    v1::MountEntry& entry =
        Add(Kind::MASK, mounts().masked(i), absl::StrCat("mounts.masked[", i, "]"));
    entry.set_read_only(true);
    entry.set_no_exec(true);
  }
}

// Nothing can be below an entry that is no directory, and a mount below a link would land where
// the link points.
void MountCompiler::CheckParents() {
  for (const v1::MountEntry& parent : entries_) {
    const bool leaf = parent.kind() == Kind::FILE || parent.kind() == Kind::SYMLINK ||
                      parent.kind() == Kind::DEVICE;
    if (!leaf) continue;
    for (const v1::MountEntry& child : entries_) {
      if (&child == &parent || child.kind() == Kind::MASK) continue;
      if (!PathIsBelow(child.target(), parent.target())) continue;
      Fail(child.field(), absl::StrCat("\"", EscapeForPeople(child.target()), "\" is inside \"",
                                       EscapeForPeople(parent.target()), "\" (", parent.field(),
                                       "), which is no directory"));
    }
  }
}

void MountCompiler::MeasureRoot() {
  std::set<std::string> paths;
  uint64_t bytes = kSpareRootBytes;
  for (const v1::MountEntry& entry : entries_) {
    for (absl::string_view path = entry.target(); path.size() > 1; path = ParentPath(path)) {
      if (!paths.insert(std::string(path)).second) break;
    }
    bytes += (entry.content().size() + page_ - 1) / page_ * page_;
  }
  plan_.set_root_size_bytes((bytes + page_ - 1) / page_ * page_);
  plan_.set_root_inodes(static_cast<uint32_t>(paths.size()) + kSpareRootInodes);
}

absl::Status MountCompiler::Compile() {
  AddBinds();
  AddTmpfs();
  AddProc();
  AddDev();
  AddLinksAndFiles();
  AddWorkingDirectory();
  // A parent's path is a prefix of its children's, so the order of text puts it first.
  std::stable_sort(
      entries_.begin(), entries_.end(),
      [](const v1::MountEntry& a, const v1::MountEntry& b) { return a.target() < b.target(); });
  AddMasks();
  CheckParents();
  MeasureRoot();
  if (!errors_.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors_);
  for (v1::MountEntry& entry : entries_) *plan_.add_entry() = std::move(entry);
  return absl::OkStatus();
}

}  // namespace

absl::Status CompileMount(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan) {
  return MountCompiler(policy, facts, plan->mutable_mount()).Compile();
}

}  // namespace cordon
