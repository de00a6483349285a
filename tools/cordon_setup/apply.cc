// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_setup/apply.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon::setup {
namespace {

constexpr char kParser[] = "/usr/sbin/apparmor_parser";
constexpr char kUnits[] = "/etc/systemd/system/";

// One run of the program: the record of what was done and the means to do more.
class Work {
 public:
  explicit Work(const Means& means) : means_(means) {}

  absl::Status Load();
  absl::Status Check(const Action& action) const;
  // The folder of the record.
  absl::Status Prepare() { return MakeFolders(std::string(ParentPath(kStateFile))); }
  absl::Status Do(const Action& action);
  absl::Status UndoAll();

 private:
  std::string Real(const std::string& path) const { return means_.root + path; }
  bool Exists(const std::string& path) const { return StatPath(Real(path)).ok(); }
  std::string Text(const std::string& path) const {
    const absl::StatusOr<std::string> text = ReadAt(kCwd, Real(path));
    return text.ok() ? *text : "";
  }
  absl::Status Note(Done done);
  absl::Status Save() const;
  absl::Status PutFile(const std::string& path, const std::string& content) const;
  absl::Status MakeFolders(const std::string& path);
  absl::Status WriteFile(const Action& action);
  absl::Status RunProgram(const std::vector<std::string>& argv) const;
  absl::Status UndoOne(const Done& done);

  const Means& means_;
  std::vector<Done> done_;
  std::vector<std::string> changed_;  // files that this run wrote or removed
  std::vector<std::string> folders_;  // that this run made, or would have made
};

absl::Status Work::Load() {
  if (!Exists(kStateFile)) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const std::string text, ReadAt(kCwd, Real(kStateFile)));
  CORDON_ASSIGN_OR_RETURN(done_, ParseState(text));
  return absl::OkStatus();
}

absl::Status Work::Check(const Action& action) const {
  if (action.kind != Action::Kind::kFile && action.kind != Action::Kind::kProfile) {
    return absl::OkStatus();
  }
  if (!Exists(action.path)) return absl::OkStatus();
  const Done* record = Find(done_, Done::Kind::kFile, action.path);
  const bool ours = record != nullptr && record->sha256 == Sha256Hex(Text(action.path));
  if (ours) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists,
               absl::StrCat(action.path, record == nullptr
                                             ? " is there and was not made by cordon-setup"
                                             : " was changed since cordon-setup made it"))
      .Hint("move it away, then run this again");
}

// Atomic: beside its place, then renamed.
absl::Status Work::PutFile(const std::string& path, const std::string& content) const {
  const std::string fresh = Real(path) + ".cordon-new";
  RemoveFile(fresh);
  {
    constexpr unsigned kMode = 0644;
    CORDON_ASSIGN_OR_RETURN(const UniqueFd file,
                            OpenAt(kCwd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kMode));
    CORDON_RETURN_IF_ERROR(WriteAll(file.get(), fresh, content));
  }
  return RenameFile(fresh, Real(path));
}

absl::Status Work::Save() const { return PutFile(kStateFile, FormatState(done_)); }

// Order: the record first, so that what was begun can be undone.
absl::Status Work::Note(Done done) {
  for (Done& each : done_) {
    if (each.kind == done.kind && each.path == done.path) {
      each = std::move(done);
      return Save();
    }
  }
  done_.push_back(std::move(done));
  return Save();
}

absl::Status Work::MakeFolders(const std::string& path) {
  const bool made = std::find(folders_.begin(), folders_.end(), path) != folders_.end();
  if (path == "/" || made || Exists(path)) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(MakeFolders(std::string(ParentPath(path))));
  means_.say(absl::StrCat("mkdir 0755 ", path));
  folders_.push_back(path);
  if (means_.dry_run) return absl::OkStatus();
  // The folder of the record itself cannot be recorded before it is there.
  const bool own = PathIsBelow(kStateFile, path);
  const Done done = {Done::Kind::kDirectory, path, ""};
  if (!own) CORDON_RETURN_IF_ERROR(Note(done));
  CORDON_RETURN_IF_ERROR(MakeDirectoryAt(kCwd, Real(path), 0755));
  if (own) done_.push_back(done);
  return absl::OkStatus();
}

absl::Status Work::WriteFile(const Action& action) {
  if (Exists(action.path) && Text(action.path) == action.content) {
    means_.say(absl::StrCat("keep ", action.path));
    return absl::OkStatus();
  }
  CORDON_RETURN_IF_ERROR(MakeFolders(std::string(ParentPath(action.path))));
  means_.say(absl::StrCat("write 0644 ", action.path));
  for (const absl::string_view line : absl::StrSplit(action.content, '\n')) {
    if (!line.empty()) means_.say(absl::StrCat("    ", line));
  }
  changed_.push_back(action.path);
  if (means_.dry_run) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(Note({Done::Kind::kFile, action.path, Sha256Hex(action.content)}));
  return PutFile(action.path, action.content);
}

absl::Status Work::RunProgram(const std::vector<std::string>& argv) const {
  const bool elsewhere = !means_.root.empty();
  means_.say(absl::StrCat("run ", absl::StrJoin(argv, " "),
                          elsewhere ? " (not run: --root is not this host)" : ""));
  if (means_.dry_run || elsewhere) return absl::OkStatus();
  return means_.run(argv);
}

absl::Status Work::Do(const Action& action) {
  switch (action.kind) {
    case Action::Kind::kNote:
      means_.say(absl::StrCat("note: ", action.content));
      return absl::OkStatus();
    case Action::Kind::kCommand:
      if (std::find(changed_.begin(), changed_.end(), action.when) == changed_.end()) {
        return absl::OkStatus();
      }
      return RunProgram(action.argv);
    case Action::Kind::kNamespace:
      if (Exists(action.path)) {
        means_.say(absl::StrCat("keep ", action.path));
        return absl::OkStatus();
      }
      means_.say(absl::StrCat("mkdir 0755 ", action.path));
      if (means_.dry_run) return absl::OkStatus();
      CORDON_RETURN_IF_ERROR(Note({Done::Kind::kNamespace, action.path, ""}));
      return MakeDirectoryAt(kCwd, Real(action.path), 0755);
    case Action::Kind::kFile:
      return WriteFile(action);
    case Action::Kind::kProfile:
      CORDON_RETURN_IF_ERROR(WriteFile(action));
      if (!means_.dry_run) {
        CORDON_RETURN_IF_ERROR(Note({Done::Kind::kProfile, action.path, ""}));
      }
      return RunProgram({kParser, "-r", action.path});
  }
  return absl::OkStatus();
}

absl::Status Work::UndoOne(const Done& done) {
  if (!Exists(done.path)) {
    means_.say(absl::StrCat("gone ", done.path));
    return absl::OkStatus();
  }
  switch (done.kind) {
    case Done::Kind::kProfile:
      return RunProgram({kParser, "-R", done.path});
    case Done::Kind::kFile:
      if (Sha256Hex(Text(done.path)) != done.sha256) {
        return Error(absl::StatusCode::kAborted,
                     absl::StrCat(done.path, " was changed since cordon-setup made it, and stays"))
            .Hint("remove it by hand, then run --undo again");
      }
      means_.say(absl::StrCat("remove ", done.path));
      changed_.push_back(done.path);
      if (!means_.dry_run) RemoveFile(Real(done.path));
      return absl::OkStatus();
    case Done::Kind::kDirectory:
    case Done::Kind::kNamespace:
      means_.say(absl::StrCat("rmdir ", done.path));
      if (means_.dry_run) return absl::OkStatus();
      return RemoveDirectoryAt(kCwd, Real(done.path));
  }
  return absl::OkStatus();
}

absl::Status Work::UndoAll() {
  absl::Status first;
  std::vector<Done> left;
  std::vector<Done> own;  // the folders of the record, last of all
  for (auto done = done_.rbegin(); done != done_.rend(); ++done) {
    if (done->kind == Done::Kind::kDirectory && PathIsBelow(kStateFile, done->path)) {
      own.push_back(*done);
      continue;
    }
    absl::Status undone = UndoOne(*done);
    if (undone.ok()) continue;
    // Somebody else's file in a folder that we made: the folder is theirs now.
    const bool in_use =
        done->kind == Done::Kind::kDirectory && DetailsOf(undone)[0].errno_name() == "ENOTEMPTY";
    if (in_use) {
      means_.say(absl::StrCat("note: ", done->path, " is not empty and stays"));
      continue;
    }
    left.insert(left.begin(), *done);
    first.Update(undone);
  }
  const bool units = std::any_of(changed_.begin(), changed_.end(), [](const std::string& path) {
    return absl::StartsWith(path, kUnits);
  });
  if (units) first.Update(RunProgram({"/usr/bin/systemctl", "daemon-reload"}));
  if (!left.empty()) {
    left.insert(left.begin(), own.rbegin(), own.rend());
    done_ = std::move(left);
    if (!means_.dry_run) first.Update(Save());
    return first;
  }
  means_.say(absl::StrCat("remove ", kStateFile));
  if (!means_.dry_run) RemoveFile(Real(kStateFile));
  for (const Done& folder : own) first.Update(UndoOne(folder));
  return first;
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
  return absl::OkStatus();
}

absl::Status Undo(const Means& means) {
  Work work(means);
  if (!StatPath(means.root + kStateFile).ok()) {
    means.say("note: nothing was done here, or all of it was undone");
    return absl::OkStatus();
  }
  CORDON_RETURN_IF_ERROR(work.Load());
  return work.UndoAll();
}

}  // namespace cordon::setup
