// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/mount_table.h"

#include <linux/mount.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/program/program.h"

namespace cordon {
namespace {

using Rows = std::vector<const MountInfo*>;

absl::Status Differs(absl::string_view place, absl::string_view what, absl::string_view expected,
                     absl::string_view found) {
  return Mismatch("mount", what.empty() ? std::string(place) : absl::StrCat(place, " ", what),
                  expected, found);
}

std::string Octal(uint32_t mode) { return absl::StrFormat("%04o", mode); }

// What mount_setattr(2) makes of the options: it only adds.
std::set<std::string> With(std::set<std::string> options, uint64_t attributes) {
  if ((attributes & MOUNT_ATTR_RDONLY) != 0) {
    options.erase("rw");
    options.insert("ro");
  }
  if ((attributes & MOUNT_ATTR_NOSUID) != 0) options.insert("nosuid");
  if ((attributes & MOUNT_ATTR_NODEV) != 0) options.insert("nodev");
  if ((attributes & MOUNT_ATTR_NOEXEC) != 0) options.insert("noexec");
  return options;
}

std::set<std::string> OptionsOf(const MountInfo& mount) {
  return {mount.options.begin(), mount.options.end()};
}

ExpectedMount Cloned(const MountInfo& from, const std::string& place, uint64_t attributes) {
  ExpectedMount mount;
  mount.place = place;
  mount.type = from.type;
  mount.device = from.device;
  mount.root = from.root;
  mount.options = With(OptionsOf(from), attributes);
  return mount;
}

// Flags of the host's mounts stay: what is stricter there than asked for is so in the clone.
void AddCloned(const v1::MountEntry& entry, const ResolvedSource& source,
               std::vector<ExpectedMount>* table) {
  const uint64_t attributes = MountAttributes(entry);
  ExpectedMount mount = Cloned(source.mount, entry.target(), attributes);
  mount.source = &source;
  mount.device_node = entry.kind() == v1::MountEntry::DEVICE;
  table->push_back(std::move(mount));
  for (const MountInfo& below : source.below) {
    table->push_back(Cloned(below, absl::StrCat(entry.target(), below.mount_point), attributes));
    table->back().planned = false;
  }
}

ExpectedMount Own(const std::string& place, absl::string_view type, uint64_t attributes) {
  ExpectedMount mount;
  mount.place = place;
  mount.type = std::string(type);
  mount.root = std::string("/");  // gcc 12 at -O3 takes a literal for an overlap
  mount.options = With({"rw", "relatime"}, attributes);
  return mount;
}

ExpectedMount OwnMount(const v1::MountEntry& entry) {
  if (entry.kind() == v1::MountEntry::PROC) {
    ExpectedMount proc = Own(entry.target(), "proc", MountAttributes(entry));
    proc.process_only = entry.process_only();
    return proc;
  }
  ExpectedMount mount = Own(entry.target(), "tmpfs", MountAttributes(entry));
  mount.mask = entry.kind() == v1::MountEntry::MASK;
  if (mount.mask) mount.root.clear();
  mount.bytes = mount.mask ? child::kMaskBytes : entry.size_bytes();
  mount.inodes = mount.mask ? child::kMaskInodes : entry.inodes();
  mount.mode = entry.mode();
  return mount;
}

// A number that mountinfo shows as `name`=N or `name`=Nk, in the unit before the k. tmpfs says
// nothing of a number that equals its default (mm/shmem.c, shmem_show_options).
uint64_t OptionOr(const MountInfo& mount, absl::string_view name, uint64_t preset) {
  for (absl::string_view option : mount.super_options) {
    uint64_t value = 0;
    if (!absl::ConsumePrefix(&option, name) || !absl::ConsumePrefix(&option, "=")) continue;
    absl::ConsumeSuffix(&option, "k");
    if (absl::SimpleAtoi(option, &value)) return value;
  }
  return preset;
}

// The quota of a tmpfs; the plan's size is a whole number of pages.
absl::Status CheckQuota(const MountInfo& mount, const ExpectedMount& wanted) {
  const uint64_t preset_pages = HostMemoryBytes() / PageSize() / 2;
  const uint64_t kib = OptionOr(mount, "size", preset_pages * (PageSize() / 1024));
  if (kib != wanted.bytes / 1024) {
    return Differs(wanted.place, "size", absl::StrCat(wanted.bytes / 1024, "k"),
                   absl::StrCat(kib, "k"));
  }
  const uint64_t found = OptionOr(mount, "nr_inodes", preset_pages);
  if (found == wanted.inodes) return absl::OkStatus();
  return Differs(wanted.place, "inodes", absl::StrCat(wanted.inodes), absl::StrCat(found));
}

// Who may write to a bound tree can move what is mounted in it while it is set up (rename(2)).
absl::Status Blame(const absl::Status& status, const ExpectedMount& mount) {
  if (status.ok()) return status;
  v1::ErrorDetail detail = DetailsOf(status)[0];
  detail.set_policy_field(mount.field);
  if (!mount.inside.empty()) {
    detail.set_hint(absl::StrCat(mount.inside,
                                 ", in which it is mounted, must not be changed while "
                                 "the sandbox is set up; the job was not started"));
  }
  return ErrorFromDetails(status.code(), {detail});
}

class Comparison {
 public:
  Comparison(const std::vector<ExpectedMount>& table, const ResolvedSources& sources,
             const ReadBack& back)
      : sources_(sources), back_(back) {
    for (const MountInfo& mount : back.mounts) {
      rows_[mount.mount_point].push_back(&mount);
      ++uses_[mount.device];
    }
    for (const ExpectedMount& wanted : table) wanted_[wanted.place].push_back(&wanted);
  }

  absl::Status Run() {
    for (auto& [place, wanted] : wanted_) {
      CORDON_RETURN_IF_ERROR(Blame(CheckPlace(place, wanted), *wanted.back()));
    }
    for (const auto& [place, rows] : rows_) {
      if (wanted_.count(place) == 0) return Differs(place, "", "no mount", rows.front()->type);
    }
    return absl::OkStatus();
  }

 private:
  using Wanted = std::vector<const ExpectedMount*>;

  absl::Status CheckPlace(const std::string& place, Wanted wanted);
  absl::Status TakeVisible(const ExpectedMount& top, Rows* rows);
  absl::Status CheckRow(const MountInfo& row, const ExpectedMount& wanted);
  absl::Status CheckFileSystem(const MountInfo& row, const ExpectedMount& wanted);
  absl::Status CheckObject(const ExpectedMount& wanted) const;
  // Below something that is masked, where no path leads any more.
  bool IsMasked(const std::string& place) const;
  const FileInfo* PlaceOf(const std::string& place) const {
    const auto found = back_.places.find(place);
    return found == back_.places.end() ? nullptr : &found->second;
  }

  const ResolvedSources& sources_;
  const ReadBack& back_;
  std::map<std::string, Rows> rows_;
  std::map<std::string, int> uses_;  // of each device
  std::map<std::string, Wanted> wanted_;
};

bool Comparison::IsMasked(const std::string& place) const {
  for (const auto& [other, wanted] : wanted_) {
    if (wanted.back()->mask && other != place && PathIsBelow(place, other)) return true;
  }
  return false;
}

// As many mounts as planned, no stack on top of them; then each for itself.
absl::Status Comparison::CheckPlace(const std::string& place, Wanted wanted) {
  const auto found = rows_.find(place);
  Rows rows = found == rows_.end() ? Rows() : found->second;
  if (wanted.back()->mask && rows.size() + 1 == wanted.size() && PlaceOf(place) == nullptr) {
    wanted.pop_back();  // there is nothing to hide
  }
  if (rows.size() != wanted.size()) {
    if (rows.empty()) return Differs(place, "", "mounted", "not in mountinfo");
    return Differs(place, "", absl::StrCat(wanted.size(), " mounted there"),
                   absl::StrCat(rows.size()));
  }
  if (!wanted.empty() && wanted.back()->planned) {
    CORDON_RETURN_IF_ERROR(TakeVisible(*wanted.back(), &rows));
    wanted.pop_back();
  }
  // What is covered: each is one of those that are left.
  for (const ExpectedMount* each : wanted) {
    absl::Status why;
    auto row = std::find_if(rows.begin(), rows.end(), [&](const MountInfo* candidate) {
      const absl::Status checked = CheckRow(*candidate, *each);
      if (why.ok()) why = checked;
      return checked.ok();
    });
    if (row == rows.end()) return why;
    rows.erase(row);
  }
  return absl::OkStatus();
}

// The row that the path leads to must be the planned one, and it is taken out of `rows`.
absl::Status Comparison::TakeVisible(const ExpectedMount& top, Rows* rows) {
  const FileInfo* const there = PlaceOf(top.place);
  auto row = rows->end() - 1;
  if (there != nullptr) {
    row = std::find_if(rows->begin(), rows->end(),
                       [&](const MountInfo* each) { return each->id == there->mount; });
    if (row == rows->end()) {
      return Differs(top.place, "seen from inside", absl::StrCat("mount ", rows->back()->id),
                     absl::StrCat("mount ", there->mount));
    }
  } else if (!IsMasked(top.place)) {
    return Differs(top.place, "seen from inside", "there", "nothing");
  }
  CORDON_RETURN_IF_ERROR(CheckRow(**row, top));
  if (there != nullptr) CORDON_RETURN_IF_ERROR(CheckObject(top));
  rows->erase(row);
  return absl::OkStatus();
}

absl::Status Comparison::CheckRow(const MountInfo& row, const ExpectedMount& wanted) {
  CORDON_RETURN_IF_ERROR(CheckFileSystem(row, wanted));
  const std::set<std::string> options = OptionsOf(row);
  if (options != wanted.options) {
    return Differs(wanted.place, "options", absl::StrJoin(wanted.options, ","),
                   absl::StrJoin(options, ","));
  }
  if (!row.propagation.empty()) {
    return Differs(wanted.place, "propagation", "private", absl::StrJoin(row.propagation, " "));
  }
  if (wanted.process_only && std::find(row.super_options.begin(), row.super_options.end(),
                                       "subset=pid") == row.super_options.end()) {
    return Differs(wanted.place, "subset", "pid", "everything");
  }
  return wanted.bytes == 0 ? absl::OkStatus() : CheckQuota(row, wanted);
}

// A flag says nothing about what is behind it.
absl::Status Comparison::CheckFileSystem(const MountInfo& row, const ExpectedMount& wanted) {
  if (row.type != wanted.type) return Differs(wanted.place, "type", wanted.type, row.type);
  // A mask is an empty directory or an empty file, as what it hides.
  const FileInfo* const there = PlaceOf(wanted.place);
  const bool file = there != nullptr && !there->IsDirectory();
  const std::string root =
      wanted.root.empty() ? std::string(file ? "/empty" : "/") : std::string(wanted.root);
  if (row.root != root) return Differs(wanted.place, "root", root, row.root);
  if (!wanted.device.empty()) {
    if (row.device == wanted.device) return absl::OkStatus();
    return Differs(wanted.place, "device", wanted.device, row.device);
  }
  if (uses_[row.device] > 1) {
    return Differs(wanted.place, "device", "a file system of its own",
                   absl::StrCat(row.device, ", mounted twice"));
  }
  if (sources_.file_systems.count(FileSystemOf(row)) == 0) return absl::OkStatus();
  // Numbers are given again: one that the caller has unmounted meanwhile may be ours.
  CORDON_ASSIGN_OR_RETURN(const std::vector<MountInfo> now, OwnMounts());
  const bool mounted = std::any_of(now.begin(), now.end(), [&](const MountInfo& each) {
    return FileSystemOf(each) == FileSystemOf(row);
  });
  if (!mounted) return absl::OkStatus();
  return Differs(wanted.place, "device", "a file system of its own",
                 absl::StrCat(row.device, ", the caller's"));
}

// What is seen at the place is the object that was resolved, whatever happened to its path since.
absl::Status Comparison::CheckObject(const ExpectedMount& wanted) const {
  const FileInfo& found = *PlaceOf(wanted.place);
  const uint32_t mode = found.mode & 07777;
  if (wanted.mode != 0 && mode != wanted.mode) {
    return Differs(wanted.place, "mode", Octal(wanted.mode), Octal(mode));
  }
  if (wanted.source == nullptr) return absl::OkStatus();
  const FileInfo& planned = wanted.source->info;
  const auto number = [](uint64_t device) {
    return absl::StrCat(device >> 32, ":", device & 0xffffffffu);
  };
  if (wanted.device_node) {
    if (found.IsCharDevice() && found.rdev == planned.rdev) return absl::OkStatus();
    return Differs(wanted.place, "node", absl::StrCat("character device ", number(planned.rdev)),
                   found.IsCharDevice() ? number(found.rdev) : "another kind of file");
  }
  if (found.device == planned.device && found.inode == planned.inode) return absl::OkStatus();
  return Differs(wanted.place, "object",
                 absl::StrCat("inode ", planned.inode, " of ", number(planned.device)),
                 absl::StrCat("inode ", found.inode, " of ", number(found.device)));
}

}  // namespace

uint64_t MountAttributes(const v1::MountEntry& entry) {
  uint64_t attributes = MOUNT_ATTR_NOSUID;
  if (entry.kind() != v1::MountEntry::DEVICE) attributes |= MOUNT_ATTR_NODEV;
  if (entry.read_only()) attributes |= MOUNT_ATTR_RDONLY;
  if (entry.no_exec()) attributes |= MOUNT_ATTR_NOEXEC;
  return attributes;
}

bool IsMounted(const v1::MountEntry& entry, const ResolvedSource& source) {
  switch (entry.kind()) {
    case v1::MountEntry::BIND:
    case v1::MountEntry::DEVICE:
      return source.present;
    case v1::MountEntry::TMPFS:
    case v1::MountEntry::PROC:
    case v1::MountEntry::MASK:
      return true;
    default:
      return false;
  }
}

const v1::MountEntry* EnclosingBind(const v1::MountPlan& plan, const ResolvedSources& sources,
                                    int index) {
  const std::string& target = plan.entry(index).target();
  const v1::MountEntry* deepest = nullptr;
  for (int i = 0; i < index; ++i) {
    const v1::MountEntry& other = plan.entry(i);
    const bool covers =
        other.kind() == v1::MountEntry::TMPFS ||
        (other.kind() == v1::MountEntry::BIND && sources.entry[static_cast<size_t>(i)].present);
    if (!covers || !PathIsBelow(target, other.target()) || target == other.target()) continue;
    if (deepest == nullptr || other.target().size() >= deepest->target().size()) deepest = &other;
  }
  return deepest != nullptr && deepest->kind() == v1::MountEntry::BIND ? deepest : nullptr;
}

std::vector<ExpectedMount> ExpectedTable(const v1::MountPlan& plan,
                                         const ResolvedSources& sources) {
  std::vector<ExpectedMount> table;
  table.push_back(Own("/", "tmpfs", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  table.back().bytes = plan.root_size_bytes();
  table.back().inodes = plan.root_inodes();
  table.back().mode = child::kRootMode;
  for (int i = 0; i < plan.entry_size(); ++i) {
    const v1::MountEntry& entry = plan.entry(i);
    const ResolvedSource& source = sources.entry[static_cast<size_t>(i)];
    if (!IsMounted(entry, source)) continue;
    const size_t first = table.size();
    if (source.present) {
      AddCloned(entry, source, &table);
    } else {
      table.push_back(OwnMount(entry));
    }
    const v1::MountEntry* const bind = EnclosingBind(plan, sources, i);
    for (size_t row = first; row < table.size(); ++row) {
      table[row].field = entry.field();
      if (bind != nullptr) table[row].inside = bind->source();
    }
  }
  return table;
}

std::vector<std::string> PlacesOf(const v1::MountPlan& plan) {
  std::vector<std::string> places = {"/"};
  const ResolvedSource any{true, "", {}, {}, {}};
  for (const v1::MountEntry& entry : plan.entry()) {
    if (IsMounted(entry, any)) places.push_back(entry.target());
  }
  return places;
}

absl::Status CompareTable(const std::vector<ExpectedMount>& table, const ResolvedSources& sources,
                          const ReadBack& back) {
  return Comparison(table, sources, back).Run();
}

}  // namespace cordon
