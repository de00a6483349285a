// SPDX-License-Identifier: Apache-2.0
#include "sandbox/files/copy_in.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "policy/job_files.h"
#include "policy/validate_mounts.h"
#include "sandbox/os/beneath.h"
#include "sandbox/os/content.h"
#include "sandbox/os/file.h"
#include "sandbox/os/trusted_path.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

// Memory of a tmpfs is taken in pages.
constexpr uint64_t kPage = 4096;

absl::Status AtField(const absl::Status& status, const std::string& field,
                     absl::string_view object) {
  std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (v1::ErrorDetail& detail : details) {
    detail.set_policy_field(field);
    if (detail.object().empty()) {
      detail.set_message(absl::StrCat(EscapeForPeople(object), ": ", detail.message()));
    }
  }
  return WithLayer(ErrorFromDetails(status.code(), details), "mount");
}

// As the caller means it, also where strangers may write; and nothing that no job may be given.
absl::StatusOr<UniqueFd> OpenSource(const std::string& path) {
  CORDON_ASSIGN_OR_RETURN(const TrustedPath found, ResolveTrusted(path));
  CORDON_RETURN_IF_ERROR(CheckBindSource(found.path));
  // Looked at before it is opened: to open a FIFO or a device can be an act.
  if (!found.info.IsRegular()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("is ", KindOfFile(found.info), ", not a regular file"));
  }
  return OpenTrusted(found, O_RDONLY);
}

// How much more may be put into each tmpfs.
class Room {
 public:
  explicit Room(const v1::Plan& plan) : memory_(plan.cgroup().memory_max_bytes()) {
    if (!plan.cgroup().enabled() || memory_ == 0) memory_ = UINT64_MAX;
    for (const v1::MountEntry& entry : plan.mount().entry()) {
      if (entry.kind() == v1::MountEntry::TMPFS) left_[entry.target()] = entry.size_bytes();
    }
  }

  uint64_t LeftFor(const std::string& target) { return std::min(memory_, LeftAt(target)); }
  void Take(const std::string& target, uint64_t bytes) {
    const uint64_t pages = (bytes + kPage - 1) / kPage * kPage;
    uint64_t& left = LeftAt(target);
    left -= std::min(left, pages);
    if (memory_ != UINT64_MAX) memory_ -= std::min(memory_, pages);
  }

 private:
  uint64_t& LeftAt(const std::string& target) {
    for (absl::string_view up = target; up != "/"; up = ParentPath(up)) {
      const auto found = left_.find(std::string(up));
      if (found != left_.end()) return found->second;
    }
    return nowhere_;  // validated: this is not reached
  }

  uint64_t memory_;
  uint64_t nowhere_ = 0;
  std::map<std::string, uint64_t> left_;
};

absl::StatusOr<Content> TextContent(const std::string& text, uint64_t limit, int to, uint64_t at) {
  if (text.size() > limit) {
    return Error(
        absl::StatusCode::kResourceExhausted,
        absl::StrCat("is ", text.size(), " bytes long; at most ", limit, " are left for it"));
  }
  CORDON_RETURN_IF_ERROR(WriteContent(to, "text", text, at));
  return Content{text.size(), Sha256Hex(text)};
}

// The content of one entry, put behind those before it.
absl::StatusOr<Content> ContentOf(const v1::CopyIn& entry, const FileStore* store, uint64_t limit,
                                  int to, uint64_t at) {
  switch (entry.source_case()) {
    case v1::CopyIn::kText:
      return TextContent(entry.text(), limit, to, at);
    case v1::CopyIn::kFile: {
      CORDON_ASSIGN_OR_RETURN(const UniqueFd fd, OpenSource(entry.file()));
      return CopyContent(fd.get(), entry.file(), limit, to, at);
    }
    case v1::CopyIn::kStored: {
      if (store == nullptr) {
        return Error(absl::StatusCode::kInvalidArgument, "there is no store to take it from");
      }
      CORDON_ASSIGN_OR_RETURN(const UniqueFd fd, store->Get(entry.stored(), nullptr));
      CORDON_ASSIGN_OR_RETURN(Content content,
                              CopyContent(fd.get(), entry.stored(), limit, to, at));
      if (content.sha256 == entry.stored()) return content;
      return Error(absl::StatusCode::kDataLoss, "the object changed while it was copied");
    }
    default:
      return Error(absl::StatusCode::kInvalidArgument,
                   "an artifact can be named in a batch only, where jobs make them");
  }
}

}  // namespace

absl::StatusOr<CopyInFiles> CopyInFiles::Gather(
    const google::protobuf::RepeatedPtrField<v1::CopyIn>& entries, const v1::Plan& plan,
    const FileStore* store) {
  CopyInFiles gathered;
  Room room(plan);
  uint64_t end = 0;
  for (int i = 0; i < entries.size(); ++i) {
    const v1::CopyIn& entry = entries[i];
    File file;
    file.field = absl::StrCat("copy_in[", i, "]");
    CORDON_ASSIGN_OR_RETURN(file.target, CanonicalAbsolutePath(entry.target()));
    file.link = entry.link();
    if (file.link.empty()) {
      if (!gathered.contents_.valid()) {
        CORDON_ASSIGN_OR_RETURN(gathered.contents_, MakeMemoryFile("cordon-copy-in"));
      }
      const absl::StatusOr<Content> content =
          ContentOf(entry, store, room.LeftFor(file.target), gathered.contents_.get(), end);
      if (!content.ok()) return AtField(content.status(), file.field, entry.file());
      file.at = end;
      file.bytes = content->bytes;
      file.sha256 = content->sha256;
      file.mode = ModeOf(entry);
      end += file.bytes;
    }
    room.Take(file.target, file.link.empty() ? file.bytes : file.link.size());
    gathered.files_.push_back(std::move(file));
  }
  if (gathered.contents_.valid()) {
    CORDON_RETURN_IF_ERROR(SealMemoryFile(gathered.contents_.get()));
  }
  return gathered;
}

void LowerCopyIn(const CopyInFiles& files, SetupBuilder* builder) {
  for (const CopyInFiles::File& file : files.files()) {
    const bool link = !file.link.empty();
    const uint32_t target = builder->Text(file.target);
    const uint32_t text = link ? builder->Text(file.link) : child::kNoData;
    Op& op = builder->Add(link ? Opcode::kCopyLink : Opcode::kCopyFile,
                          {"mount", file.field, file.target});
    op.data = target;
    if (link) {
      op.data2 = text;
    } else {
      op.a = file.mode;
      op.b = file.at;
      op.c = file.bytes;
    }
  }
  if (files.contents() >= 0) builder->Add(Opcode::kCloseContents, {"mount", "copy_in", ""});
}

absl::Status VerifyCopyIn(const CopyInFiles& files, const WritablePlaces& places,
                          const HostIds& owner) {
  for (const CopyInFiles::File& file : files.files()) {
    CORDON_ASSIGN_OR_RETURN(const WritablePlaces::Found found, places.Find(file.target));
    const bool link = !file.link.empty();
    const int flags = link ? O_PATH | O_NOFOLLOW : O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    CORDON_ASSIGN_OR_RETURN(const UniqueFd fd, OpenBeneath(found.root, found.below, flags));
    const auto differs = [&](absl::string_view what, absl::string_view wanted,
                             absl::string_view seen) {
      return Mismatch("mount", absl::StrCat(what, " of ", EscapeForPeople(file.target)), wanted,
                      seen);
    };
    CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
    if (info.uid != owner.uid || info.gid != owner.gid) {
      return differs("owner", absl::StrCat(owner.uid, ":", owner.gid),
                     absl::StrCat(info.uid, ":", info.gid));
    }
    if (link) {
      CORDON_ASSIGN_OR_RETURN(const std::string text, ReadLinkAt(fd.get(), ""));
      if (text != file.link) return differs("link", file.link, text);
      continue;
    }
    if (!info.IsRegular() || (info.mode & 07777) != file.mode) {
      return differs("kind and mode", absl::StrCat("a regular file, ", file.mode),
                     absl::StrCat(KindOfFile(info), ", ", info.mode & 07777));
    }
    CORDON_ASSIGN_OR_RETURN(const Content content, HashContent(fd.get(), file.target, file.bytes));
    if (content.sha256 != file.sha256) return differs("SHA-256", file.sha256, content.sha256);
  }
  return absl::OkStatus();
}

}  // namespace cordon
