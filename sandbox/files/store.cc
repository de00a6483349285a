// SPDX-License-Identifier: Apache-2.0
#include "sandbox/files/store.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/beneath.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/trusted_path.h"

namespace cordon {
namespace {

constexpr uint64_t kLargestObject = uint64_t{16} << 30;  // of what copy-out takes
constexpr unsigned kObjectMode = 0555;
constexpr uint32_t kWritableByOthers = 022;

absl::Status Refused(const std::string& path, absl::string_view why) {
  return Error(absl::StatusCode::kPermissionDenied,
               absl::StrCat("the store ", EscapeForPeople(path), " ", why))
      .Stage("store")
      .Hint("name a folder of your own for --store, or one that does not exist yet");
}

absl::StatusOr<UniqueFd> OpenObject(int folder, const std::string& sha256) {
  // Nothing is opened that could wait or act: the store is the caller's, but who knows.
  absl::StatusOr<UniqueFd> fd =
      OpenBeneath(folder, sha256, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd.ok()) return fd;
  return WithStage(fd.status(), "store");
}

}  // namespace

absl::StatusOr<FileStore> FileStore::Open(const std::string& path) {
  FileStore store;
  CORDON_ASSIGN_OR_RETURN(const TrustedPath parent, ResolveTrusted(std::string(ParentPath(path))));
  const std::string name(LastComponent(path));
  const absl::Status made = MakeDirectoryAt(kCwd, LexicalJoin(parent.path, name), 0700);
  if (!made.ok() && DetailsOf(made)[0].errno_value() != EEXIST) return WithStage(made, "store");
  CORDON_ASSIGN_OR_RETURN(const TrustedPath found, ResolveTrusted(LexicalJoin(parent.path, name)));
  store.path_ = found.path;
  CORDON_ASSIGN_OR_RETURN(store.folder_,
                          OpenAt(kCwd, found.path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(store.folder_.get()));
  if (info.inode != found.info.inode || info.device != found.info.device) {
    return Refused(path, "was replaced while it was opened");
  }
  if (info.uid != EffectiveUid()) {
    return Refused(path, absl::StrCat("belongs to uid ", info.uid));
  }
  if ((info.mode & kWritableByOthers) != 0) return Refused(path, "can be written by others");
  RemoveLeftStages(store.folder_.get());
  return store;
}

absl::Status FileStore::Add(StagedFile file, const Content& content) const {
  CORDON_RETURN_IF_ERROR(file.Settle(kObjectMode));
  CORDON_ASSIGN_OR_RETURN(const bool added, file.Add(content.sha256));
  if (added) return absl::OkStatus();
  return Get(content.sha256, nullptr).status();
}

absl::StatusOr<UniqueFd> FileStore::Get(const std::string& sha256, uint64_t* bytes) const {
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd, OpenObject(folder_.get(), sha256));
  CORDON_ASSIGN_OR_RETURN(const Content content, HashContent(fd.get(), sha256, kLargestObject));
  if (content.sha256 != sha256) {
    return Error(absl::StatusCode::kDataLoss,
                 absl::StrCat("the object ", PathOf(sha256),
                              " of the store is broken: its SHA-256 is ", content.sha256))
        .Stage("store")
        .Hint("remove it, and the job that makes it runs again");
  }
  if (bytes != nullptr) *bytes = content.bytes;
  return fd;
}

bool FileStore::Has(const std::string& sha256, uint64_t bytes) const {
  const absl::StatusOr<UniqueFd> fd = OpenObject(folder_.get(), sha256);
  if (!fd.ok()) return false;
  const absl::StatusOr<FileInfo> info = StatFd(fd->get());
  return info.ok() && info->IsRegular() && info->size == bytes;
}

}  // namespace cordon
