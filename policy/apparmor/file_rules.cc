// SPDX-License-Identifier: Apache-2.0
// Walks the entries of a mount plan: drops what a later entry hides, allows what each one has,
// denies what it must not inherit.
#include "policy/apparmor/file_rules.h"

#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/apparmor/pattern.h"
#include "policy/base/path.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;

// Rights that are given or denied together.
enum Right : unsigned {
  kRead = 1,
  kWrite = 2,
  kTree = 4,  // linking and locking: a lock on a read-only bind would reach the host's file
  kExecute = 8,
};
constexpr unsigned kAll = kRead | kWrite | kTree | kExecute;

std::string Modes(unsigned rights, bool deny) {
  std::string out;
  if ((rights & kRead) != 0) out += 'r';
  if ((rights & kWrite) != 0) out += 'w';
  if ((rights & kTree) != 0) out += "kl";
  // A program inherits the profile; a denial covers every way to execute.
  if ((rights & kExecute) != 0) out += deny ? "mx" : "mix";
  return out;
}

// A region governs everything below its target.
bool IsRegion(const v1::MountEntry& entry) {
  return entry.kind() == Kind::BIND || entry.kind() == Kind::TMPFS || entry.kind() == Kind::PROC ||
         entry.kind() == Kind::MASK;
}

bool IsSealed(const v1::MountEntry& entry) {
  return entry.kind() == Kind::TMPFS && entry.read_only();
}

// The rights that the rules of the entry give, somewhere in it, before any denial.
unsigned RightsOf(const v1::MountEntry& entry) {
  const unsigned execute = entry.no_exec() ? 0U : kExecute;
  switch (entry.kind()) {
    case Kind::BIND:
      return kRead | execute | (entry.read_only() ? 0U : kWrite | kTree);
    case Kind::TMPFS:
      return IsSealed(entry) ? 0U : kRead | execute | kWrite | kTree;
    case Kind::PROC:
    case Kind::DEVICE:
      return kRead | kWrite;
    case Kind::FILE:
      return kRead | ((entry.mode() & 0111U) != 0 ? kExecute : 0U);
    default:
      return 0;
  }
}

class RuleMaker {
 public:
  explicit RuleMaker(const v1::MountPlan& plan) : plan_(plan) {}

  absl::StatusOr<std::vector<AppArmorFileRule>> Make();

 private:
  void CheckAndDropHidden();
  void CheckGround(size_t index);
  void AddDirectories();
  void AddEntry(const v1::MountEntry& entry);
  void AddProc(const v1::MountEntry& entry);
  void AddDenials(size_t index);
  std::vector<std::string> HolesOf(size_t index, unsigned right) const;
  bool IsReadable(absl::string_view path) const;
  void Allow(std::string pattern, unsigned rights);
  void Fail(const v1::MountEntry& entry, absl::string_view message);
  absl::Status Failed() const;

  const v1::MountPlan& plan_;
  std::vector<const v1::MountEntry*> entries_;  // those that can be seen, parents first
  std::vector<AppArmorFileRule> rules_;
  std::vector<v1::ErrorDetail> errors_;
};

void RuleMaker::Fail(const v1::MountEntry& entry, absl::string_view message) {
  const absl::Status status =
      Error(absl::StatusCode::kInvalidArgument, message).Field(entry.field());
  errors_.push_back(DetailsOf(status).front());
}

absl::Status RuleMaker::Failed() const {
  if (errors_.empty()) return absl::OkStatus();
  return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors_);
}

void RuleMaker::Allow(std::string pattern, unsigned rights) {
  rules_.push_back({false, std::move(pattern), Modes(rights, false)});
}

// A mount covers what an earlier entry put at or below its target. Only masks do so in compiled
// plans: they come last.
void RuleMaker::CheckAndDropHidden() {
  for (int i = 0; i < plan_.entry_size(); ++i) {
    const v1::MountEntry& entry = plan_.entry(i);
    if (!IsRulePath(entry.target())) {
      Fail(entry, absl::StrCat("\"", EscapeForPeople(entry.target()),
                               "\" cannot stand in a rule of AppArmor"));
      continue;
    }
    bool hidden = false;
    for (int j = i + 1; j < plan_.entry_size() && !hidden; ++j) {
      const v1::MountEntry& later = plan_.entry(j);
      hidden = IsRegion(later) && PathIsBelow(entry.target(), later.target());
    }
    if (!hidden) entries_.push_back(&entry);
  }
}

// What has rules of its own shape must not lie where wider ones match.
void RuleMaker::CheckGround(size_t index) {
  const v1::MountEntry& entry = *entries_[index];
  const bool own_shape = IsSealed(entry) || entry.kind() == Kind::PROC ||
                         entry.kind() == Kind::FILE || entry.kind() == Kind::DEVICE;
  if (!own_shape) return;
  for (size_t i = 0; i < index; ++i) {
    const v1::MountEntry& above = *entries_[i];
    if (!IsRegion(above) || RightsOf(above) == 0) continue;
    if (!PathIsBelow(entry.target(), above.target())) continue;
    Fail(entry,
         absl::StrCat("\"", EscapeForPeople(entry.target()), "\" lies inside \"",
                      EscapeForPeople(above.target()), "\" (", EscapeForPeople(above.field()),
                      "); AppArmor cannot tell the two apart"));
    return;
  }
}

// True when the deepest region around `path` lets everything in it be read.
bool RuleMaker::IsReadable(absl::string_view path) const {
  bool readable = false;
  for (const v1::MountEntry* entry : entries_) {
    if (!IsRegion(*entry) || !PathIsBelow(path, entry->target())) continue;
    readable = (RightsOf(*entry) & kRead) != 0;
  }
  return readable;
}

// The root, what the set-up makes on the way to a target, and directories of the plan. They hold
// nothing but names that the policy gave.
void RuleMaker::AddDirectories() {
  std::set<std::string> directories;
  for (const v1::MountEntry* entry : entries_) {
    if (entry->kind() == Kind::MASK) continue;  // a mask makes nothing
    absl::string_view path = entry->target();
    if (entry->kind() != Kind::DIRECTORY && !IsSealed(*entry)) path = ParentPath(path);
    for (; path.size() > 1; path = ParentPath(path)) {
      if (!IsReadable(path)) directories.insert(std::string(path));
    }
  }
  Allow("/", kRead);
  for (const std::string& path : directories) Allow(absl::StrCat(EscapedPath(path), "/"), kRead);
}

// The kernel's own data of a process are read; of what it can change, only what concerns nobody
// else. Facts about the machine are what the policy asked for, but not the kernel's insides, which
// no honest program needs and which undo the randomisation of its addresses.
void RuleMaker::AddProc(const v1::MountEntry& entry) {
  const std::string proc = EscapedPath(entry.target());
  if (entry.process_only()) {
    Allow(absl::StrCat(proc, "/{,[0-9]*{,/,/**}}"), kRead);
  } else {
    Allow(absl::StrCat(proc, "/{,**}"), kRead);
    rules_.push_back({true,
                      absl::StrCat(proc,
                                   "/{iomem,ioports,kallsyms,kcore,key-users,keys,kmsg,kpage*,"
                                   "sched_debug,slabinfo,timer_list,vmallocinfo}"),
                      Modes(kAll, true)});
  }
  Allow(absl::StrCat(proc, "/[0-9]*/{comm,coredump_filter,oom_score_adj,task/[0-9]*/comm}"),
        kWrite);
}

void RuleMaker::AddEntry(const v1::MountEntry& entry) {
  const unsigned rights = RightsOf(entry);
  if (entry.kind() == Kind::PROC) {
    AddProc(entry);
  } else if (rights != 0) {
    // A bind may turn out to be a file or a directory.
    Allow(absl::StrCat(EscapedPath(entry.target()), IsRegion(entry) ? "{,/,/**}" : ""), rights);
  }
}

// The outermost entries inside entry `index` that have the right.
std::vector<std::string> RuleMaker::HolesOf(size_t index, unsigned right) const {
  std::vector<std::string> holes;
  for (size_t i = index + 1; i < entries_.size(); ++i) {
    const v1::MountEntry& entry = *entries_[i];
    if (!IsRegion(entry) || (RightsOf(entry) & right) == 0) continue;
    if (!PathIsBelow(entry.target(), entries_[index]->target())) continue;
    bool inside = false;
    for (const std::string& hole : holes) inside |= PathIsBelow(entry.target(), hole);
    if (!inside) holes.push_back(entry.target());
  }
  return holes;
}

void RuleMaker::AddDenials(size_t index) {
  const v1::MountEntry& entry = *entries_[index];
  if (!IsRegion(entry)) return;
  const bool mask = entry.kind() == Kind::MASK;
  // The deepest entry around it: what that one lacks, it denies here already.
  unsigned inherited = mask ? kAll : 0U;
  for (size_t i = 0; i < index && !mask; ++i) {
    if (!IsRegion(*entries_[i]) || !PathIsBelow(entry.target(), entries_[i]->target())) continue;
    inherited = RightsOf(*entries_[i]);
  }
  std::map<std::vector<std::string>, unsigned> denied;  // holes -> rights that have just these
  for (const unsigned right : {kRead, kWrite, kTree, kExecute}) {
    if ((inherited & right & ~RightsOf(entry)) == 0) continue;
    denied[mask ? std::vector<std::string>() : HolesOf(index, right)] |= right;
  }
  for (const auto& [holes, rights] : denied) {
    absl::StatusOr<std::vector<std::string>> patterns = SubtreeWithout(entry.target(), holes);
    if (!patterns.ok()) {
      Fail(entry, patterns.status().message());
      return;
    }
    for (std::string& pattern : *patterns) {
      rules_.push_back({true, std::move(pattern), Modes(rights, true)});
    }
  }
}

absl::StatusOr<std::vector<AppArmorFileRule>> RuleMaker::Make() {
  CheckAndDropHidden();
  for (size_t i = 0; i < entries_.size(); ++i) CheckGround(i);
  CORDON_RETURN_IF_ERROR(Failed());
  AddDirectories();
  for (size_t i = 0; i < entries_.size(); ++i) {
    AddEntry(*entries_[i]);
    AddDenials(i);
  }
  CORDON_RETURN_IF_ERROR(Failed());
  return std::move(rules_);
}

}  // namespace

absl::StatusOr<std::vector<AppArmorFileRule>> AppArmorFileRules(const v1::MountPlan& plan) {
  return RuleMaker(plan).Make();
}

}  // namespace cordon
