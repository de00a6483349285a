// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/shared_file.h"
#include "tools/cordon_setup/apply.h"

namespace cordon::setup {
namespace {

constexpr char kUnits[] = "/etc/systemd/system/";

class Undoing {
 public:
  explicit Undoing(const Means& means) : tree_(means) {}

  absl::Status Load() { return tree_.Load(); }
  absl::Status All();

 private:
  bool DryRun() const { return tree_.means().dry_run; }
  absl::Status One(const Done& done);
  absl::Status File(const Done& done);
  absl::Status Unload(const Done& profile, bool file_is_there);
  absl::Status Namespace(const Done& done);
  absl::Status Folder(const Done& done);
  absl::Status NobodyIn(absl::string_view what,
                        const std::function<bool(const AppArmorLabel::Part&)>& such) const;
  // The profile of a file goes with it, and not before it.
  const Done* ProfileOf(const Done& done) const {
    return done.kind == Done::Kind::kFile ? Find(tree_.done(), Done::Kind::kProfile, done.path)
                                          : nullptr;
  }

  Tree tree_;
  bool units_ = false;  // systemd has to look again
};

// "cordon-job", and what is below it: "cordon-job//child".
bool IsOrBelow(absl::string_view name, absl::string_view top) {
  return name == top || absl::StartsWith(name, absl::StrCat(top, "//"));
}

absl::Status Undoing::NobodyIn(absl::string_view what,
                               const std::function<bool(const AppArmorLabel::Part&)>& such) const {
  CORDON_ASSIGN_OR_RETURN(const std::vector<std::string> pids, tree_.Confined(such));
  if (pids.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat(what,
                            " is in use, and stays: without it these processes would be "
                            "unconfined: ",
                            absl::StrJoin(pids, ", ")))
      .Hint("end them, then run --undo again");
}

// By name, not by the file: that may be gone.
absl::Status Undoing::Unload(const Done& profile, bool file_is_there) {
  const std::string name(LastComponent(profile.path));
  CORDON_ASSIGN_OR_RETURN(const LoadedProfile loaded, tree_.Profile(name));
  if (!loaded.found) return absl::OkStatus();
  if (!file_is_there && !profile.hashes.empty() && loaded.hash != profile.hashes[0]) {
    return Error(absl::StatusCode::kAborted,
                 absl::StrCat("the profile ", name,
                              " that is loaded is another than cordon-setup loaded, and stays"))
        .Hint("unload it by hand, then run --undo again");
  }
  CORDON_RETURN_IF_ERROR(
      NobodyIn(absl::StrCat("the profile ", name), [&name](const AppArmorLabel::Part& part) {
        return part.policy_namespace.empty() && IsOrBelow(part.profile, name);
      }));
  tree_.Say(absl::StrCat("unload the profile ", name));
  return DryRun() ? absl::OkStatus() : WriteAt(kCwd, tree_.Real(kAppArmorRemove), name);
}

// Order: nothing of an administrator's own version is touched, the one that is loaded included.
absl::Status Undoing::File(const Done& done) {
  CORDON_ASSIGN_OR_RETURN(const bool there, tree_.Has(done.path));
  if (there && !tree_.IsOurs(done)) {
    return Error(absl::StatusCode::kAborted,
                 absl::StrCat(done.path, " was changed since cordon-setup made it, and stays"))
        .Hint("remove it by hand, then run --undo again");
  }
  const Done* profile = ProfileOf(done);
  if (profile != nullptr) CORDON_RETURN_IF_ERROR(Unload(*profile, there));
  tree_.Say(absl::StrCat(there ? "remove " : "gone ", done.path));
  if (there && !DryRun()) CORDON_RETURN_IF_ERROR(RemoveFileAt(kCwd, tree_.Real(done.path)));
  units_ = units_ || absl::StartsWith(done.path, kUnits);
  return absl::OkStatus();
}

absl::Status Undoing::Namespace(const Done& done) {
  CORDON_ASSIGN_OR_RETURN(const bool there, tree_.Has(done.path));
  if (!there) {
    tree_.Say(absl::StrCat("gone ", done.path));
    return absl::OkStatus();
  }
  const std::string name(LastComponent(done.path));
  CORDON_RETURN_IF_ERROR(NobodyIn(
      absl::StrCat("the policy namespace ", name), [&name](const AppArmorLabel::Part& part) {
        return IsOrBelow(part.policy_namespace, name) && part.profile != "unconfined";
      }));
  tree_.Say(absl::StrCat("rmdir ", done.path));
  return DryRun() ? absl::OkStatus() : RemoveDirectoryAt(kCwd, tree_.Real(done.path));
}

absl::Status Undoing::Folder(const Done& done) {
  CORDON_ASSIGN_OR_RETURN(const bool there, tree_.Has(done.path));
  tree_.Say(absl::StrCat(there ? "rmdir " : "gone ", done.path));
  if (!there || DryRun()) return absl::OkStatus();
  absl::Status removed = RemoveDirectoryAt(kCwd, tree_.Real(done.path));
  if (removed.ok() || DetailsOf(removed)[0].errno_name() != "ENOTEMPTY") return removed;
  // Somebody else's file in a folder that we made: the folder is theirs now.
  tree_.Say(absl::StrCat("note: ", done.path, " is not empty and stays"));
  return absl::OkStatus();
}

absl::Status Undoing::One(const Done& done) {
  switch (done.kind) {
    case Done::Kind::kFile:
      return File(done);
    case Done::Kind::kProfile:
      return Unload(done, false);
    case Done::Kind::kNamespace:
      return Namespace(done);
    case Done::Kind::kDirectory:
      return Folder(done);
  }
  return absl::OkStatus();
}

absl::Status Undoing::All() {
  tree_.Tidy();
  absl::Status first;
  std::vector<Done> left;
  std::vector<Done> own;  // the folders of the record, last of all
  // Set-up may have been cut off before there was a record.
  if (tree_.done().empty()) {
    const std::string folder(ParentPath(kStateFile));
    if (tree_.Exists(folder)) own.push_back({Done::Kind::kDirectory, folder, {}});
  }
  for (auto done = tree_.done().rbegin(); done != tree_.done().rend(); ++done) {
    if (done->kind == Done::Kind::kDirectory && PathIsBelow(kStateFile, done->path)) {
      own.push_back(*done);
      continue;
    }
    const bool with_its_file = done->kind == Done::Kind::kProfile &&
                               Find(tree_.done(), Done::Kind::kFile, done->path) != nullptr;
    if (with_its_file) continue;
    // With what is left in it, so that the next undo removes both.
    const bool holds_what_is_left =
        done->kind == Done::Kind::kDirectory &&
        std::any_of(left.begin(), left.end(),
                    [&done](const Done& each) { return PathIsBelow(each.path, done->path); });
    if (holds_what_is_left) {
      left.insert(left.begin(), *done);
      continue;
    }
    const absl::Status undone = One(*done);
    if (undone.ok()) continue;
    const Done* profile = ProfileOf(*done);
    if (profile != nullptr) left.insert(left.begin(), *profile);
    left.insert(left.begin(), *done);
    first.Update(undone);
  }
  if (units_) first.Update(tree_.Run({"/usr/bin/systemctl", "daemon-reload"}));
  if (!left.empty()) {
    left.insert(left.begin(), own.rbegin(), own.rend());
    tree_.done() = std::move(left);
    if (!DryRun()) first.Update(tree_.Save());
    return first;
  }
  CORDON_ASSIGN_OR_RETURN(const bool recorded, tree_.Has(kStateFile));
  if (recorded) {
    tree_.Say(absl::StrCat("remove ", kStateFile));
    if (!DryRun()) CORDON_RETURN_IF_ERROR(RemoveFileAt(kCwd, tree_.Real(kStateFile)));
  }
  for (const Done& folder : own) first.Update(Folder(folder));
  return first;
}

}  // namespace

absl::Status Undo(const Means& means) {
  Undoing undoing(means);
  CORDON_RETURN_IF_ERROR(undoing.Load());
  return undoing.All();
}

}  // namespace cordon::setup
