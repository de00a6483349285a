// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/path.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr int kMostLinks = 40;  // as the kernel (MAXSYMLINKS)

class Walker {
 public:
  explicit Walker(const std::string& path) { Push(path); }

  absl::StatusOr<TrustedPath> Run() {
    CORDON_ASSIGN_OR_RETURN(here_, OpenAt(kCwd, "/", O_PATH | O_DIRECTORY));
    while (!ahead_.empty()) {
      const std::string name = std::move(ahead_.back());
      ahead_.pop_back();
      CORDON_RETURN_IF_ERROR(Step(name));
    }
    TrustedPath found;
    found.path = Here();
    CORDON_ASSIGN_OR_RETURN(found.info, StatFd(here_.get()));
    struct statfs system = {};
    if (::fstatfs(here_.get(), &system) != 0) return ErrnoStatus("fstatfs", found.path, errno);
    found.file_system = static_cast<uint64_t>(system.f_type);
    return found;
  }

 private:
  std::string Here() const { return absl::StrCat("/", absl::StrJoin(behind_, "/")); }

  void Push(absl::string_view path) {
    const std::vector<std::string> names = absl::StrSplit(path, '/', absl::SkipEmpty());
    ahead_.insert(ahead_.end(), names.rbegin(), names.rend());
  }

  absl::Status Step(const std::string& name) {
    if (name == ".") return absl::OkStatus();
    const std::string at = absl::StrCat(Here(), behind_.empty() ? "" : "/", name);
    absl::StatusOr<UniqueFd> next = OpenAt(here_.get(), name, O_PATH | O_NOFOLLOW);
    if (!next.ok()) return ErrnoStatus("openat", at, DetailsOf(next.status())[0].errno_value());
    CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(next->get()));
    if (S_ISLNK(info.mode)) return Follow(at, next->get(), info);
    here_ = *std::move(next);
    if (name != "..") {
      behind_.push_back(name);
    } else if (!behind_.empty()) {
      behind_.pop_back();
    }
    return absl::OkStatus();
  }

  // Owner and content are asked of the same descriptor: the link cannot change in between.
  absl::Status Follow(const std::string& at, int link, const FileInfo& info) {
    CORDON_ASSIGN_OR_RETURN(const std::string target, ReadLinkAt(link, ""));
    if (info.uid != 0) {
      return Error(absl::StatusCode::kPermissionDenied,
                   absl::StrCat(at, " is a symbolic link of uid ", info.uid,
                                "; only links of root are followed"))
          .Hint(absl::StrCat("whoever may write there decides where it leads: name ",
                             LexicalJoin(Here(), target), " itself if it is meant"));
    }
    if (++links_ > kMostLinks) return ErrnoStatus("openat", at, ELOOP);
    if (!target.empty() && target[0] == '/') {
      CORDON_ASSIGN_OR_RETURN(here_, OpenAt(kCwd, "/", O_PATH | O_DIRECTORY));
      behind_.clear();
    }
    Push(target);
    return absl::OkStatus();
  }

  UniqueFd here_;
  std::vector<std::string> behind_;  // names that led here, none of them a link
  std::vector<std::string> ahead_;   // the next one last
  int links_ = 0;
};

}  // namespace

absl::StatusOr<TrustedPath> ResolveTrusted(const std::string& path) {
  if (path.empty() || path[0] != '/') return ErrnoStatus("openat", path, EINVAL);
  return Walker(path).Run();
}

bool IsRefusedLink(const absl::Status& status) {
  return absl::IsPermissionDenied(status) && DetailsOf(status)[0].errno_value() == 0;
}

absl::StatusOr<UniqueFd> OpenTrusted(const TrustedPath& found, int flags) {
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd,
                          OpenAt(kCwd, found.path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
  if (info.device != found.info.device || info.inode != found.info.inode) {
    return Error(absl::StatusCode::kAborted, "was replaced while it was opened");
  }
  return fd;
}

}  // namespace cordon
