// SPDX-License-Identifier: Apache-2.0
#include "policy/compare_mounts.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;

std::string Shown(absl::string_view path) { return EscapeForPeople(path); }

// `path`, which is `from` or below it, moved to `to`.
std::string Moved(absl::string_view path, absl::string_view from, absl::string_view to) {
  absl::string_view rest = path.substr(from == "/" ? 0 : from.size());
  if (rest == "/") rest = "";
  if (to == "/") return rest.empty() ? "/" : std::string(rest);
  return absl::StrCat(to, rest);
}

// Whether something of the policy covers the place, so that what lies below is not seen.
bool Covers(const v1::MountEntry& entry) {
  switch (entry.kind()) {
    case Kind::SYMLINK:
    case Kind::FILE:
    case Kind::DIRECTORY:
      return false;
    default:
      return !entry.optional();
  }
}

class Comparer {
 public:
  Comparer(const v1::MountPlan& before, const v1::MountPlan& after)
      : before_(before), after_(after) {}

  std::vector<Widening> Compare();

 private:
  // How much `before` lets a job do with the files of one bind of `after`.
  struct Rights {
    bool seen = false;
    bool write = false;
    bool execute = false;
    bool write_and_execute = false;
  };

  void Say(const v1::MountEntry& entry, std::string what);
  void CompareBind(const v1::MountEntry& entry);
  void CompareTmpfs(const v1::MountEntry& entry);
  void CompareProc(const v1::MountEntry& entry);
  void CompareDevice(const v1::MountEntry& entry);
  // Adds the rights that `old`, a bind of `before`, gives on the files of `entry`.
  void AddRights(const v1::MountEntry& old, const v1::MountEntry& entry, Rights* rights) const;
  // The first place below `place` (in `before`) that is covered there, and that `after` does not
  // cover where it shows the same files; "" when there is none.
  std::string Uncovered(absl::string_view place, absl::string_view place_after) const;
  const v1::MountEntry* Find(v1::MountEntry::Kind kind, absl::string_view target) const;

  const v1::MountPlan& before_;
  const v1::MountPlan& after_;
  std::vector<Widening> found_;
};

void Comparer::Say(const v1::MountEntry& entry, std::string what) {
  found_.push_back({"mount", std::move(what), entry.field()});
}

const v1::MountEntry* Comparer::Find(v1::MountEntry::Kind kind, absl::string_view target) const {
  for (const v1::MountEntry& entry : before_.entry()) {
    if (entry.kind() == kind && entry.target() == target) return &entry;
  }
  return nullptr;
}

std::string Comparer::Uncovered(absl::string_view place, absl::string_view place_after) const {
  for (const v1::MountEntry& cover : before_.entry()) {
    if (!Covers(cover) || cover.target() == place || !PathIsBelow(cover.target(), place)) continue;
    const std::string same = Moved(cover.target(), place, place_after);
    const bool covered =
        std::any_of(after_.entry().begin(), after_.entry().end(), [&](const v1::MountEntry& each) {
          return Covers(each) && each.target() != place_after && PathIsBelow(same, each.target()) &&
                 PathIsBelow(each.target(), place_after);
        });
    if (!covered) return cover.target();
  }
  return "";
}

void Comparer::AddRights(const v1::MountEntry& old, const v1::MountEntry& entry,
                         Rights* rights) const {
  if (old.kind() != Kind::BIND || !PathIsBelow(entry.source(), old.source())) return;
  const std::string place = Moved(entry.source(), old.source(), old.target());
  for (const v1::MountEntry& cover : before_.entry()) {
    const bool between = PathIsBelow(cover.target(), old.target()) &&
                         cover.target() != old.target() && PathIsBelow(place, cover.target());
    // Optional or not: a cover that may be there counts as one that is.
    if (between && (Covers(cover) || cover.optional())) return;
  }
  if (!Uncovered(place, entry.target()).empty()) return;
  rights->seen = true;
  rights->write |= !old.read_only();
  rights->execute |= !old.no_exec();
  rights->write_and_execute |= !old.read_only() && !old.no_exec();
}

void Comparer::CompareBind(const v1::MountEntry& entry) {
  Rights rights;
  for (const v1::MountEntry& old : before_.entry()) AddRights(old, entry, &rights);
  const std::string where =
      entry.source() == entry.target()
          ? absl::StrCat("the host's ", Shown(entry.source()))
          : absl::StrCat(Shown(entry.target()), ", the host's ", Shown(entry.source()));
  const bool write = !entry.read_only();
  const bool execute = !entry.no_exec();
  if (!rights.seen) {
    return Say(entry, absl::StrCat("may read ", write ? "and write " : "", where,
                                   execute ? "" : ", without executing it"));
  }
  if (write && !rights.write) return Say(entry, absl::StrCat("may write to ", where));
  if (execute && !rights.execute) return Say(entry, absl::StrCat("may execute ", where));
  if (write && execute && !rights.write_and_execute) {
    Say(entry, absl::StrCat("may both write to and execute ", where));
  }
}

void Comparer::CompareTmpfs(const v1::MountEntry& entry) {
  if (entry.read_only()) return;
  const v1::MountEntry* old = Find(Kind::TMPFS, entry.target());
  const std::string where = Shown(entry.target());
  if (old == nullptr || old->read_only()) {
    return Say(entry, absl::StrCat("may keep ", FormatSize(entry.size_bytes()), " in ",
                                   entry.inodes(), " files in memory at ", where,
                                   entry.no_exec() ? "" : ", and execute them"));
  }
  if (entry.size_bytes() > old->size_bytes()) {
    Say(entry, absl::StrCat("may keep ", FormatSize(entry.size_bytes()), " in memory at ", where,
                            ", was ", FormatSize(old->size_bytes())));
  }
  if (entry.inodes() > old->inodes()) {
    Say(entry,
        absl::StrCat("may make ", entry.inodes(), " files at ", where, ", was ", old->inodes()));
  }
  if (!entry.no_exec() && old->no_exec()) {
    Say(entry, absl::StrCat("may execute what it writes to ", where));
  }
}

void Comparer::CompareProc(const v1::MountEntry& entry) {
  const v1::MountEntry* old = Find(Kind::PROC, entry.target());
  if (old == nullptr) {
    Say(entry, entry.process_only() ? "may look at its own processes in /proc"
                                    : "may look at its own processes and at the machine in /proc");
    return;
  }
  if (old->process_only() && !entry.process_only()) {
    Say(entry, "may look at the machine in /proc, not only at its own processes");
  }
  const std::string shown = Uncovered(old->target(), entry.target());
  if (!shown.empty()) Say(entry, absl::StrCat("sees ", Shown(shown), ", which was hidden"));
}

void Comparer::CompareDevice(const v1::MountEntry& entry) {
  const auto& all = before_.entry();
  const bool known = std::any_of(all.begin(), all.end(), [&](const v1::MountEntry& old) {
    return old.kind() == Kind::DEVICE && old.device_major() == entry.device_major() &&
           old.device_minor() == entry.device_minor();
  });
  if (!known) Say(entry, absl::StrCat("may use the device ", Shown(entry.target())));
}

std::vector<Widening> Comparer::Compare() {
  for (const v1::MountEntry& entry : after_.entry()) {
    switch (entry.kind()) {
      case Kind::BIND:
        CompareBind(entry);
        break;
      case Kind::TMPFS:
        CompareTmpfs(entry);
        break;
      case Kind::PROC:
        CompareProc(entry);
        break;
      case Kind::DEVICE:
        CompareDevice(entry);
        break;
      default:
        break;
    }
  }
  return std::move(found_);
}

}  // namespace

std::vector<Widening> MountsWidened(const v1::MountPlan& before, const v1::MountPlan& after) {
  return Comparer(before, after).Compare();
}

}  // namespace cordon
