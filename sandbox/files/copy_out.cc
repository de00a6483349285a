// SPDX-License-Identifier: Apache-2.0
#include "sandbox/files/copy_out.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/utf8.h"
#include "sandbox/os/beneath.h"
#include "sandbox/os/content.h"
#include "sandbox/os/file.h"
#include "sandbox/os/staged_file.h"
#include "sandbox/os/trusted_path.h"

namespace cordon {
namespace {

constexpr int kMostRefusals = 1000;  // that a report names
// Bytes of all rows of a report, about: names are the job's, at up to PATH_MAX each, four times
// that when they are escaped, and a report must pass to whoever reads it (kMostResultBytes in
// worker.cc).
constexpr size_t kMostRowBytes = size_t{24} << 20;
constexpr size_t kRowBytes = 128;  // of what every row has
constexpr int kNowhere = -1;

size_t BytesOf(const v1::Collected& row) {
  return kRowBytes + row.path().size() + row.to().size() + row.artifact().size();
}
size_t BytesOf(const v1::NotCollected& row) {
  return kRowBytes + row.path().size() + row.why().size();
}

bool IsMissing(const absl::Status& status) {
  const int error = DetailsOf(status)[0].errno_value();
  return error == ENOENT || error == ENOTDIR;
}

// A manifest is text, and so are lists of jobs that name what is in it.
bool MayBeArtifact(absl::string_view name) {
  for (size_t i = 0; i < name.size();) {
    const Utf8Char c = DecodeUtf8(name, i);
    if (c.length == 0 || IsControl(c.code) || IsDeceptive(c.code)) return false;
    i += c.length;
  }
  return true;
}

// One entry of the list.
class Taker {
 public:
  Taker(const CopyOutFiles::Entry& entry, const FileStore* store, v1::Report* report)
      : entry_(entry),
        store_(store),
        report_(*report),
        bytes_left_(entry.limits.size),
        files_left_(entry.limits.files) {
    for (const v1::Collected& row : report_.collected()) row_bytes_ += BytesOf(row);
    for (const v1::NotCollected& row : report_.not_collected()) row_bytes_ += BytesOf(row);
  }

  void Run(const WritablePlaces& places) {
    const absl::StatusOr<WritablePlaces::Found> found = places.Find(entry_.path);
    if (!found.ok()) return Refuse(entry_.path, found.status());
    const absl::StatusOr<UniqueFd> there =
        OpenBeneath(found->root, found->below, O_PATH | O_NOFOLLOW);
    if (!there.ok() && IsMissing(there.status())) return Missing();
    if (!there.ok()) return Refuse(entry_.path, there.status());
    const absl::StatusOr<FileInfo> info = StatFd(there->get());
    if (!info.ok()) return Refuse(entry_.path, info.status());
    if (info->IsRegular()) {
      return TakeFile(found->root, found->below, "", entry_.folder.get(), entry_.name);
    }
    if (!info->IsDirectory()) return Refuse(entry_.path, NotTaken(*info));
    TakeSubfolder(there->get(), "", entry_.folder.get(), entry_.name, 0);
  }

 private:
  static std::string NotTaken(const FileInfo& info) {
    return absl::StrCat("is ", KindOfFile(info), "; only regular files are taken");
  }
  std::string Inside(const std::string& below) const {
    return below.empty() ? entry_.path : absl::StrCat(entry_.path, "/", below);
  }

  void Missing() {
    if (entry_.optional) {
      report_.add_skipped(absl::StrCat("copy_out ", EscapeForPeople(entry_.path)));
    } else {
      Refuse(entry_.path, std::string("does not exist"));
    }
  }
  void Refuse(const std::string& path, const absl::Status& status) {
    Refuse(path, RenderError(DetailsOf(status)[0]));
  }
  void Refuse(const std::string& path, const std::string& why) {
    if (!entry_.optional) report_.set_outputs_missing(true);
    v1::NotCollected row;
    row.set_path(EscapeForPeople(path));
    row.set_why(why);
    row.set_optional(entry_.optional);
    if (report_.not_collected_size() >= kMostRefusals || !HasRoom(BytesOf(row))) {
      report_.set_not_collected_more(report_.not_collected_more() + 1);
      return;
    }
    row_bytes_ += BytesOf(row);
    *report_.add_not_collected() = std::move(row);
  }
  bool HasRoom(size_t bytes) const {
    return bytes <= kMostRowBytes - std::min(kMostRowBytes, row_bytes_);
  }

  // `source` is an O_PATH descriptor of a folder; it goes into the folder `name` of `into`, which
  // is made if need be. `below` is its path from the entry's.
  void TakeSubfolder(int source, const std::string& below, int into, const std::string& name,
                     uint32_t depth) {
    if (depth > entry_.limits.depth) {
      return Refuse(Inside(below), absl::StrCat("lies more than ", entry_.limits.depth,
                                                " folders deep (max_depth); not looked at"));
    }
    if (store_ != nullptr) return TakeFolder(source, below, kNowhere, depth);
    const absl::StatusOr<UniqueFd> made = OpenFolderBeneath(into, name);
    if (!made.ok()) return Refuse(Inside(below), made.status());
    TakeFolder(source, below, made->get(), depth);
  }

  void TakeFolder(int source, const std::string& below, int into, uint32_t depth) {
    const absl::StatusOr<Listing> listing = ListAtMost(source, files_left_);
    if (!listing.ok()) return Refuse(Inside(below), listing.status());
    bool cut = listing->more;
    for (const std::string& name : listing->names) {
      if (files_left_ == 0) {  // folders before this one have used them up
        cut = true;
        break;
      }
      --files_left_;
      TakeEntry(source, name, below.empty() ? name : absl::StrCat(below, "/", name), into, depth);
    }
    if (cut) {
      Refuse(Inside(below), absl::StrCat("more than ", entry_.limits.files,
                                         " files and folders (max_files); the rest was not looked "
                                         "at"));
    }
  }

  void TakeEntry(int source, const std::string& name, const std::string& below, int into,
                 uint32_t depth) {
    const absl::StatusOr<UniqueFd> there = OpenBeneath(source, name, O_PATH | O_NOFOLLOW);
    const absl::StatusOr<FileInfo> info =
        there.ok() ? StatFd(there->get()) : absl::StatusOr<FileInfo>(there.status());
    if (!info.ok()) return Refuse(Inside(below), info.status());
    if (info->IsRegular()) return TakeFile(source, name, below, into, name);
    if (info->IsDirectory()) return TakeSubfolder(there->get(), below, into, name, depth + 1);
    Refuse(Inside(below), NotTaken(*info));
  }

  void TakeFile(int source, const std::string& name, const std::string& below, int into,
                const std::string& as) {
    const absl::Status taken = CopyFile(source, name, below, into, as);
    if (!taken.ok()) Refuse(Inside(below), taken);
  }

  // `name` in the folder `source` becomes `as` in the folder `into`, or an object of the store.
  absl::Status CopyFile(int source, const std::string& name, const std::string& below, int into,
                        const std::string& as) {
    const std::string artifact =
        below.empty() ? entry_.artifact : absl::StrCat(entry_.artifact, "/", below);
    if (store_ != nullptr && !MayBeArtifact(artifact)) {
      return Error(absl::StatusCode::kInvalidArgument,
                   "a name with such bytes cannot be that of an artifact");
    }
    v1::Collected row;
    row.set_path(EscapeForPeople(Inside(below)));
    if (store_ != nullptr) {
      row.set_artifact(artifact);
    } else {
      row.set_to(EscapeForPeople(below.empty() ? entry_.to : absl::StrCat(entry_.to, "/", below)));
    }
    if (!HasRoom(BytesOf(row))) {
      return Error(absl::StatusCode::kResourceExhausted,
                   "the names of what was taken fill the report; it was not taken");
    }
    // CopyContent asks again what was really opened. Nobody is left who could have changed it;
    // even so, a FIFO must not be able to stop us.
    CORDON_ASSIGN_OR_RETURN(
        const UniqueFd fd,
        OpenBeneath(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    CORDON_ASSIGN_OR_RETURN(StagedFile staged,
                            store_ != nullptr ? store_->Stage() : StagedFile::Make(into));
    CORDON_ASSIGN_OR_RETURN(const Content content,
                            CopyContent(fd.get(), Inside(below), bytes_left_, staged.fd()));
    if (store_ != nullptr) {
      CORDON_RETURN_IF_ERROR(store_->Add(std::move(staged), content));
    } else {
      CORDON_RETURN_IF_ERROR(staged.Replace(as));
    }
    bytes_left_ -= content.bytes;
    row.set_bytes(content.bytes);
    row.set_sha256(content.sha256);
    row_bytes_ += BytesOf(row);
    *report_.add_collected() = std::move(row);
    return absl::OkStatus();
  }

  const CopyOutFiles::Entry& entry_;
  const FileStore* store_;  // null: a host path
  v1::Report& report_;
  uint64_t bytes_left_;
  uint32_t files_left_;
  size_t row_bytes_ = 0;  // of the whole report, as BytesOf counts
};

absl::Status AtEntry(const absl::Status& status, int index, const std::string& to) {
  std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (v1::ErrorDetail& detail : details) {
    detail.set_policy_field(absl::StrCat("copy_out[", index, "].to"));
    detail.set_message(
        absl::StrCat("nothing can be put at ", EscapeForPeople(to), ": ", detail.message()));
  }
  return ErrorFromDetails(status.code(), details);
}

// Each job looks; a batch may have a folder of very many files.
constexpr size_t kSweptNames = 4096;

// The folder that `to` will be in.
absl::StatusOr<UniqueFd> OpenFolderOf(const std::string& to) {
  CORDON_ASSIGN_OR_RETURN(const TrustedPath found, ResolveTrusted(std::string(ParentPath(to))));
  CORDON_ASSIGN_OR_RETURN(UniqueFd folder,
                          OpenAt(kCwd, found.path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(folder.get()));
  if (info.device != found.info.device || info.inode != found.info.inode) {
    return Error(absl::StatusCode::kAborted, "its folder was replaced while it was opened");
  }
  CORDON_RETURN_IF_ERROR(CheckWritable(folder.get(), "."));
  RemoveLeftStages(folder.get(), kSweptNames);
  return folder;
}

}  // namespace

absl::StatusOr<CopyOutFiles> CopyOutFiles::Open(
    const google::protobuf::RepeatedPtrField<v1::CopyOut>& entries, const FileStore* store) {
  CopyOutFiles files;
  files.store_ = store;
  std::set<std::string> taken;
  for (int i = 0; i < entries.size(); ++i) {
    const v1::CopyOut& wanted = entries[i];
    Entry entry;
    CORDON_ASSIGN_OR_RETURN(entry.path, CanonicalAbsolutePath(wanted.path()));
    entry.limits = LimitsOf(wanted);
    entry.optional = wanted.optional();
    entry.artifact = wanted.artifact();
    entry.to = wanted.to();
    if (!entry.artifact.empty() && store == nullptr) {
      return Error(absl::StatusCode::kInvalidArgument,
                   "an artifact needs a store, which only a batch has")
          .Field(absl::StrCat("copy_out[", i, "].artifact"));
    }
    if (entry.artifact.empty()) {
      entry.name = std::string(LastComponent(entry.to));
      absl::StatusOr<UniqueFd> folder = OpenFolderOf(entry.to);
      if (!folder.ok()) return AtEntry(folder.status(), i, entry.to);
      entry.folder = *std::move(folder);
      if (entry.name.empty() || !taken.insert(entry.to).second) {
        return AtEntry(absl::InvalidArgumentError("another entry is put there, or it is no name"),
                       i, entry.to);
      }
    }
    files.entries_.push_back(std::move(entry));
  }
  return files;
}

void CopyOutFiles::Collect(const WritablePlaces& places, v1::Report* report) const {
  for (const Entry& entry : entries_) {
    Taker(entry, entry.artifact.empty() ? nullptr : store_, report).Run(places);
  }
}

}  // namespace cordon
