// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_setup/tree.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/path.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/shared_file.h"
#include "sandbox/os/staged_file.h"

namespace cordon::setup {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY;

int ErrnoOf(const absl::Status& status) { return DetailsOf(status)[0].errno_value(); }

// It is not there, or went while we looked.
bool IsGone(const absl::Status& status) {
  const int error = ErrnoOf(status);
  return error == ENOENT || error == ENOTDIR || error == ESRCH;
}

bool IsPid(const std::string& name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

}  // namespace

absl::StatusOr<bool> Tree::Has(const std::string& path) const {
  const absl::Status status = StatPath(Real(path)).status();
  if (status.ok()) return true;
  if (IsGone(status)) return false;
  return status;
}

bool Tree::Exists(const std::string& path) const { return StatPath(Real(path)).ok(); }

std::string Tree::Text(const std::string& path) const {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, Real(path));
  return text.ok() ? *text : "";
}

bool Tree::IsOurs(const Done& file) const {
  const std::string hash = Sha256Hex(Text(file.path));
  return std::find(file.hashes.begin(), file.hashes.end(), hash) != file.hashes.end();
}

absl::Status Tree::Load() {
  const std::string folder(ParentPath(kStateFile));
  CORDON_ASSIGN_OR_RETURN(const bool any, Has(folder));
  if (!any) return absl::OkStatus();
  if (!means_.dry_run) {
    CORDON_ASSIGN_OR_RETURN(lock_, OpenAt(kCwd, Real(folder), kFolder));
    constexpr int kWaitMs = 1000;
    if (!LockFile(lock_.get(), kWaitMs)) {
      return Error(absl::StatusCode::kUnavailable, "another cordon-setup is at work")
          .Hint("wait until it is done, then run this again");
    }
  }
  CORDON_ASSIGN_OR_RETURN(const bool recorded, Has(kStateFile));
  if (!recorded) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const std::string text, ReadAt(kCwd, Real(kStateFile)));
  CORDON_ASSIGN_OR_RETURN(done_, ParseState(text));
  return absl::OkStatus();
}

// Order: the record first, so that what was begun can be undone.
absl::Status Tree::Note(Done done) {
  if (!said_record_) Say(absl::StrCat("record 0644 ", kStateFile));
  said_record_ = true;
  const auto same = std::find_if(done_.begin(), done_.end(), [&done](const Done& each) {
    return each.kind == done.kind && each.path == done.path;
  });
  if (same == done_.end()) {
    done_.push_back(std::move(done));
  } else {
    *same = std::move(done);
  }
  return means_.dry_run ? absl::OkStatus() : Save();
}

absl::Status Tree::Save() const { return Put(kStateFile, FormatState(done_)); }

absl::Status Tree::Put(const std::string& path, const std::string& content) const {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd folder,
                          OpenAt(kCwd, Real(std::string(ParentPath(path))), kFolder));
  CORDON_ASSIGN_OR_RETURN(StagedFile file, StagedFile::Make(folder.get()));
  CORDON_RETURN_IF_ERROR(WriteAll(file.fd(), path, content));
  CORDON_RETURN_IF_ERROR(file.Settle(0644));
  return file.Replace(std::string(LastComponent(path)));
}

void Tree::Tidy() const {
  std::set<std::string> folders = {std::string(ParentPath(kStateFile))};
  for (const Done& done : done_) {
    if (done.kind == Done::Kind::kFile) folders.insert(std::string(ParentPath(done.path)));
  }
  for (const std::string& folder : folders) TidyFolder(folder);
}

void Tree::TidyFolder(const std::string& folder) const {
  const absl::StatusOr<UniqueFd> dir = OpenAt(kCwd, Real(folder), kFolder);
  if (!dir.ok()) return;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(dir->get());
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!StagedFile::IsPassing(name)) continue;
    Say(absl::StrCat("remove ", folder, "/", name));
    // What is left keeps the folder, and that is an error.
    if (!means_.dry_run) RemoveFileAt(dir->get(), name).IgnoreError();
  }
}

absl::StatusOr<LoadedProfile> Tree::Profile(absl::string_view name) const {
  const std::string folder = absl::StrCat(kAppArmorPolicy, "/profiles");
  CORDON_ASSIGN_OR_RETURN(const bool shown, Has(folder));
  if (shown) return FindAppArmorProfileBelow(Real(folder), name);
  // Without AppArmor nothing is loaded; with it, and without its files, that cannot be told.
  const std::string on = Text("/sys/module/apparmor/parameters/enabled");
  if (absl::StripAsciiWhitespace(on) != "Y") return LoadedProfile();
  return Error(absl::StatusCode::kUnavailable,
               absl::StrCat("whether the profile ", name, " is loaded cannot be seen"))
      .Hint("mount -t securityfs securityfs /sys/kernel/security");
}

absl::StatusOr<std::vector<std::string>> Tree::Confined(
    const std::function<bool(const AppArmorLabel::Part&)>& such) const {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd proc, OpenAt(kCwd, Real("/proc"), kFolder));
  CORDON_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(proc.get()));
  std::vector<std::string> pids;
  for (const std::string& name : names) {
    if (!IsPid(name)) continue;
    const absl::StatusOr<std::string> text =
        ReadAt(proc.get(), absl::StrCat(name, "/attr/apparmor/current"));
    if (!text.ok() && IsGone(text.status())) continue;
    CORDON_RETURN_IF_ERROR(text.status());
    CORDON_ASSIGN_OR_RETURN(const AppArmorLabel label, ParseAppArmorLabel(*text));
    if (std::any_of(label.parts.begin(), label.parts.end(), such)) pids.push_back(name);
  }
  return pids;
}

absl::Status Tree::Run(const std::vector<std::string>& argv) const {
  const bool elsewhere = !means_.root.empty();
  Say(absl::StrCat("run ", absl::StrJoin(argv, " "),
                   elsewhere ? " (not run: --root is not this host)" : ""));
  if (means_.dry_run || elsewhere) return absl::OkStatus();
  return means_.run(argv);
}

}  // namespace cordon::setup
