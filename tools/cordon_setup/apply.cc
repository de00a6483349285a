// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_setup/apply.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon::setup {
namespace {

constexpr char kParser[] = "/usr/sbin/apparmor_parser";
// In place of a hash: the file is new, and what depends on it is not done yet.
constexpr char kBegun[] = "begun";

class Work {
 public:
  explicit Work(const Means& means) : tree_(means) {}

  absl::Status Load() { return tree_.Load(); }
  absl::Status Check(const Action& action) const;
  // The folder of the record. It is ours, also where a run that was cut off has made it.
  absl::Status Prepare();
  absl::Status Do(const Action& action);
  // All is done: of replaced files, the old content is no longer ours.
  absl::Status Settle();

 private:
  bool DryRun() const { return tree_.means().dry_run; }
  absl::Status MakeFolders(const std::string& path);
  absl::Status WriteFile(const Action& action);
  absl::Status LoadProfile(const Action& action);

  Tree tree_;
  std::vector<std::string> changed_;  // files that this run, or one that was cut off, has put there
  std::vector<std::string> folders_;  // that this run made, or would have made
};

absl::Status Work::Check(const Action& action) const {
  if (action.kind != Action::Kind::kFile && action.kind != Action::Kind::kProfile) {
    return absl::OkStatus();
  }
  CORDON_ASSIGN_OR_RETURN(const bool there, tree_.Has(action.path));
  if (!there) return absl::OkStatus();
  const Done* record = Find(tree_.done(), Done::Kind::kFile, action.path);
  if (record != nullptr && tree_.IsOurs(*record)) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists,
               absl::StrCat(action.path, record == nullptr
                                             ? " is there and was not made by cordon-setup"
                                             : " was changed since cordon-setup made it"))
      .Hint("move it away, then run this again");
}

absl::Status Work::Prepare() {
  tree_.Tidy();
  const std::string folder(ParentPath(kStateFile));
  CORDON_RETURN_IF_ERROR(MakeFolders(folder));
  const Done done = {Done::Kind::kDirectory, folder, {}};
  if (Find(tree_.done(), done.kind, folder) == nullptr) tree_.done().push_back(done);
  return absl::OkStatus();
}

absl::Status Work::MakeFolders(const std::string& path) {
  const bool made = std::find(folders_.begin(), folders_.end(), path) != folders_.end();
  if (path == "/" || made || tree_.Exists(path)) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(MakeFolders(std::string(ParentPath(path))));
  tree_.Say(absl::StrCat("mkdir 0755 ", path));
  folders_.push_back(path);
  // The folder of the record itself cannot be recorded before it is there.
  const bool own = PathIsBelow(kStateFile, path);
  const Done done = {Done::Kind::kDirectory, path, {}};
  if (!own) CORDON_RETURN_IF_ERROR(tree_.Note(done));
  if (!DryRun()) CORDON_RETURN_IF_ERROR(MakeDirectoryAt(kCwd, tree_.Real(path), 0755));
  if (own) tree_.done().push_back(done);
  return absl::OkStatus();
}

absl::Status Work::WriteFile(const Action& action) {
  const Done* record = Find(tree_.done(), Done::Kind::kFile, action.path);
  if (tree_.Exists(action.path) && tree_.Text(action.path) == action.content) {
    tree_.Say(absl::StrCat("keep ", action.path));
    if (record != nullptr && record->hashes.size() > 1) changed_.push_back(action.path);
    return absl::OkStatus();
  }
  Done done = {Done::Kind::kFile, action.path, {Sha256Hex(action.content)}};
  if (record == nullptr) {
    done.hashes.emplace_back(kBegun);
  } else {
    done.hashes.insert(done.hashes.end(), record->hashes.begin(), record->hashes.end());
  }
  CORDON_RETURN_IF_ERROR(MakeFolders(std::string(ParentPath(action.path))));
  tree_.Say(absl::StrCat("write 0644 ", action.path));
  for (const absl::string_view line : absl::StrSplit(action.content, '\n')) {
    if (!line.empty()) tree_.Say(absl::StrCat("    ", line));
  }
  changed_.push_back(action.path);
  CORDON_RETURN_IF_ERROR(tree_.Note(done));
  // With its file, since the next boot loads it.
  if (action.kind == Action::Kind::kProfile) {
    CORDON_RETURN_IF_ERROR(tree_.Note({Done::Kind::kProfile, action.path, {}}));
  }
  return DryRun() ? absl::OkStatus() : tree_.Put(action.path, action.content);
}

// The hash is recorded when it is that of the new one. Until then a job that starts meanwhile has
// nothing to compare with, and says so.
absl::Status Work::LoadProfile(const Action& action) {
  CORDON_RETURN_IF_ERROR(tree_.Note({Done::Kind::kProfile, action.path, {}}));
  CORDON_RETURN_IF_ERROR(tree_.Run({kParser, "-r", action.path}));
  if (DryRun()) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const LoadedProfile loaded, tree_.Profile(LastComponent(action.path)));
  if (loaded.hash.empty()) return absl::OkStatus();
  return tree_.Note({Done::Kind::kProfile, action.path, {loaded.hash}});
}

absl::Status Work::Do(const Action& action) {
  switch (action.kind) {
    case Action::Kind::kNote:
      tree_.Say(absl::StrCat("note: ", action.content));
      return absl::OkStatus();
    case Action::Kind::kCommand:
      if (std::none_of(changed_.begin(), changed_.end(), [&action](const std::string& path) {
            return PathIsBelow(path, action.when);
          })) {
        return absl::OkStatus();
      }
      return tree_.Run(action.argv);
    case Action::Kind::kNamespace:
      if (tree_.Exists(action.path)) {
        tree_.Say(absl::StrCat("keep ", action.path));
        return absl::OkStatus();
      }
      tree_.Say(absl::StrCat("mkdir 0755 ", action.path));
      CORDON_RETURN_IF_ERROR(tree_.Note({Done::Kind::kNamespace, action.path, {}}));
      return DryRun() ? absl::OkStatus() : MakeDirectoryAt(kCwd, tree_.Real(action.path), 0755);
    case Action::Kind::kFile:
      return WriteFile(action);
    case Action::Kind::kProfile:
      CORDON_RETURN_IF_ERROR(WriteFile(action));
      return LoadProfile(action);
  }
  return absl::OkStatus();
}

absl::Status Work::Settle() {
  for (const std::string& path : changed_) {
    const Done* record = Find(tree_.done(), Done::Kind::kFile, path);
    CORDON_RETURN_IF_ERROR(tree_.Note(
        {Done::Kind::kFile, path, {record->hashes.begin(), record->hashes.begin() + 1}}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Apply(const std::vector<Action>& actions, const Means& means) {
  Work work(means);
  CORDON_RETURN_IF_ERROR(work.Load());
  for (const Action& action : actions) CORDON_RETURN_IF_ERROR(work.Check(action));
  const bool changes = std::any_of(actions.begin(), actions.end(), [](const Action& action) {
    return action.kind != Action::Kind::kNote;
  });
  if (changes) CORDON_RETURN_IF_ERROR(work.Prepare());
  for (const Action& action : actions) CORDON_RETURN_IF_ERROR(work.Do(action));
  return work.Settle();
}

}  // namespace cordon::setup
