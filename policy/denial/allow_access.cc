// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/allow_access.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/protobuf/repeated_field.h"
#include "google/protobuf/text_format.h"
#include "policy/addition_cost.h"
#include "policy/apparmor/narrowed_mounts.h"
#include "policy/apparmor/pattern.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/compile.h"
#include "policy/layers/apparmor.h"
#include "policy/layers/landlock.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;
using FileRules = google::protobuf::RepeatedPtrField<v1::FileRule>;

constexpr uint64_t kReadAndExecute =
    uapi::kLandlockReadFile | uapi::kLandlockReadDir | uapi::kLandlockExecute;

// What AppArmor's letters need of a mount. Creating, deleting, appending, linking and locking are
// ways to write for it (apparmor/file_rules.h).
uint64_t RightsFor(absl::string_view letters) {
  uint64_t rights = 0;
  for (const char letter : letters) {
    if (letter == 'r') {
      rights |= uapi::kLandlockReadFile;
    } else if (letter == 'x' || letter == 'm') {
      rights |= uapi::kLandlockExecute;
    } else {
      rights |= uapi::kLandlockWriteFile;
    }
  }
  return rights;
}

// What Landlock's words need of a mount; 0: no mount gives it.
uint64_t RightOf(absl::string_view blocker) {
  struct Word {
    absl::string_view name;
    uint64_t right;
  };
  static constexpr Word kWords[] = {
      {"fs.execute", uapi::kLandlockExecute},      {"fs.write_file", uapi::kLandlockWriteFile},
      {"fs.read_file", uapi::kLandlockReadFile},   {"fs.read_dir", uapi::kLandlockReadDir},
      {"fs.remove_dir", uapi::kLandlockRemoveDir}, {"fs.remove_file", uapi::kLandlockRemoveFile},
      {"fs.make_char", uapi::kLandlockMakeChar},   {"fs.make_dir", uapi::kLandlockMakeDir},
      {"fs.make_reg", uapi::kLandlockMakeReg},     {"fs.make_sock", uapi::kLandlockMakeSock},
      {"fs.make_fifo", uapi::kLandlockMakeFifo},   {"fs.make_block", uapi::kLandlockMakeBlock},
      {"fs.make_sym", uapi::kLandlockMakeSym},     {"fs.refer", uapi::kLandlockRefer},
      {"fs.truncate", uapi::kLandlockTruncate},    {"fs.ioctl_dev", uapi::kLandlockIoctlDev},
  };
  for (const Word& word : kWords) {
    if (word.name == blocker) return word.right;
  }
  return 0;
}

// The same letters as a rule of a profile has them.
std::string ModesFor(absl::string_view letters) {
  const uint64_t rights = RightsFor(letters);
  std::string modes;
  if ((rights & uapi::kLandlockReadFile) != 0) modes += 'r';
  for (const char letter : {'k', 'l'}) {
    if (absl::StrContains(letters, letter)) modes += letter;
  }
  if (letters.find_first_of("wacd") != absl::string_view::npos) modes += 'w';
  if (absl::StrContains(letters, 'm')) modes += 'm';
  if (absl::StrContains(letters, 'x')) modes += "ix";
  return modes;
}

// The entry that governs a path, as in file_rules.h; null when there is none.
const v1::MountEntry* EntryOf(const v1::MountPlan& mounts, absl::string_view path) {
  const v1::MountEntry* deepest = nullptr;
  for (const v1::MountEntry& entry : mounts.entry()) {
    if (!PathIsBelow(path, entry.target())) continue;
    if (entry.kind() == Kind::MASK) return &entry;
    if (deepest == nullptr || entry.target().size() >= deepest->target().size()) deepest = &entry;
  }
  return deepest;
}

// The entry of a repeated field that `field` names; null when it is of another field, or of none.
template <typename List>
const typename List::value_type* Named(const List& list, absl::string_view name,
                                       absl::string_view field) {
  for (int i = 0; i < list.size(); ++i) {
    if (IndexedField(name, static_cast<size_t>(i)) == field) return &list[i];
  }
  return nullptr;
}

class Adviser {
 public:
  Adviser(const NormalPolicy& policy, const v1::Plan& plan, v1::Denial* denial)
      : policy_(policy), plan_(plan), denial_(*denial) {}

  // The text that may allow it; empty when there is none, and a note says why.
  std::string Advise() {
    if (denial_.layer() == "landlock") {
      AdviseLandlock();
    } else if (plan_.apparmor().source() != v1::AppArmorPlan::COMPILED ||
               denial_.profile() != plan_.apparmor().name()) {
      AdviseTheirs();
    } else if (absl::StartsWith(denial_.object(), "/")) {
      AdviseFile(RightsFor(denial_.requested()), plan_.apparmor().file());
    } else if (absl::StartsWith(denial_.object(), "network ")) {
      AdviseNetwork();
    } else {
      Note("no policy allows it");
    }
    if (addition_.ByteSizeLong() == 0) return "";
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintToString(addition_, &text);
    return std::string(absl::StripSuffix(text, " "));
  }

  // Whether the plan of a policy with the text has the right.
  bool AllowedBy(const v1::Plan& plan) const {
    if (addition_.has_network()) return plan.net().loopback_up();
    if (denial_.layer() == "landlock") return AllowedByLandlock(plan.landlock());
    const v1::MountPlan mounts = NarrowedMounts(plan.mount(), plan.apparmor().file());
    const v1::MountEntry* entry = EntryOf(mounts, path_);
    return entry != nullptr && (missing_ & ~LandlockRightsOf(*entry)) == 0;
  }

 private:
  void Note(absl::string_view note) { denial_.add_allow_note(std::string(note)); }

  // Rights add up on the way down.
  bool AllowedByLandlock(const v1::LandlockPlan& plan) const {
    uint64_t rights = 0;
    for (const v1::LandlockRule& rule : plan.rule()) {
      if (PathIsBelow(path_, rule.path())) rights |= rule.access();
    }
    return (missing_ & ~rights) == 0;
  }

  void AdviseLandlock() {
    uint64_t rights = 0;
    for (const absl::string_view blocker : absl::StrSplit(denial_.operation(), ',')) {
      if (absl::StartsWith(blocker, "net.")) return AdviseLoopback("no policy allows it");
      const uint64_t right = RightOf(blocker);
      if (right == 0) return Note("no policy allows it");
      rights |= right;
    }
    AdviseFile(rights, policy_.proto().landlock().file());
  }

  // A profile that Cordon does not write: the policy can name another.
  void AdviseTheirs() {
    const std::string& name = denial_.profile();
    const bool named = plan_.apparmor().source() == v1::AppArmorPlan::ADMINISTRATOR;
    denial_.set_decided_by(named ? "apparmor.profile" : "apparmor.enforcement");
    Note(named ? absl::StrCat("the administrator's profile ", name, " forbids it")
               : absl::StrCat(name,
                              " forbids it, one profile for every job; a profile of the "
                              "policy's own needs a host that lets Cordon load one"));
    const absl::string_view path = absl::StripSuffix(denial_.object(), "/");
    if (!named || !IsPlain() || !IsRulePath(path)) return;
    Note(absl::StrCat("a rule of it that allows it: \"", EscapedPath(path),
                      path.size() < denial_.object().size() ? "/" : "", "\" ",
                      ModesFor(denial_.requested()), ","));
  }

  // What was escaped to be shown is not the name itself.
  bool IsPlain() const { return !absl::StrContains(denial_.object(), '\\'); }

  void AdviseFile(uint64_t rights, const FileRules& files) {
    const absl::StatusOr<std::string> path = CanonicalAbsolutePath(denial_.object());
    if (!IsPlain() || !path.ok()) return Note("a path that is shown escaped gets no advice");
    path_ = *path;
    const v1::MountPlan mounts = NarrowedMounts(plan_.mount(), files);
    const v1::MountEntry* entry = EntryOf(mounts, path_);
    if (entry == nullptr || entry->kind() == Kind::SYMLINK || entry->kind() == Kind::DIRECTORY) {
      return Note("no mount of the policy shows what is there");
    }
    denial_.set_decided_by(entry->field());
    missing_ = rights & ~LandlockRightsOf(*entry);
    if (entry->kind() != Kind::PROC && missing_ == 0) {
      denial_.clear_decided_by();
      return Note("the policy gives this right: something else than it forbids it");
    }
    const v1::Policy& policy = policy_.proto();
    const v1::Mounts& from = policy.mounts();
    const bool write = (missing_ & ~kReadAndExecute) != 0;
    const bool execute = (missing_ & uapi::kLandlockExecute) != 0;
    if (const auto* file = Named(policy.landlock().file(), "landlock.file", entry->field())) {
      denial_.set_decided_by(absl::StrCat(entry->field(), ".access"));
      v1::FileRule* rule = addition_.mutable_landlock()->add_file();
      rule->set_path(file->path());
      rule->set_access(write ? v1::FileRule::WRITE : v1::FileRule::EXECUTE);
    } else if (const auto* bind = Named(from.bind(), "mounts.bind", entry->field())) {
      v1::Bind* wider = addition_.mutable_mounts()->add_bind();
      *wider = *bind;
      if (write) wider->set_read_only(false);
      if (execute) wider->set_executable(true);
    } else if (const auto* tmpfs = Named(from.tmpfs(), "mounts.tmpfs", entry->field())) {
      v1::Tmpfs* wider = addition_.mutable_mounts()->add_tmpfs();
      *wider = *tmpfs;
      wider->set_executable(true);
    } else if (entry->kind() == Kind::PROC) {
      Note("the same of /proc is open to every job, whatever its policy says");
    } else if (entry->kind() == Kind::MASK) {
      Note("what is masked is hidden from every policy that extends this one");
    } else if (entry->kind() == Kind::BIND) {
      Note("the job's own bind gives no more");
    } else {
      Note("no policy gives more of it");
    }
  }

  void AdviseNetwork() {
    const bool reached = absl::StartsWith(denial_.object(), "network inet") ||
                         absl::StartsWith(denial_.object(), "network netlink ");
    constexpr char kNone[] = "no policy gives sockets of this family";
    if (!reached) return Note(kNone);
    AdviseLoopback(kNone);
  }

  void AdviseLoopback(absl::string_view otherwise) {
    if (!plan_.net().own_namespace() || plan_.net().loopback_up()) return Note(otherwise);
    denial_.set_decided_by("network.mode");
    addition_.mutable_network()->set_mode(v1::Network::LOOPBACK);
  }

  const NormalPolicy& policy_;
  const v1::Plan& plan_;
  v1::Denial& denial_;
  v1::Policy addition_;
  std::string path_;
  uint64_t missing_ = 0;
};

}  // namespace

absl::StatusOr<AccessAdvice::Tried> AccessAdvice::Try(const std::string& text) const {
  Tried tried;
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy with, WithAddition(policy_, text));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan made, CompiledPlan::Make(with, facts_));
  tried.plan = made.proto();
  CORDON_ASSIGN_OR_RETURN(tried.cost, CostOfAddition(policy_, text, profiles_));
  return tried;
}

void AccessAdvice::AddTo(v1::Denial* denial) {
  const auto note = [denial](absl::string_view text) { denial->add_allow_note(std::string(text)); };
  Adviser adviser(policy_, plan_, denial);
  const std::string text = adviser.Advise();
  if (text.empty()) return;
  auto found = tried_.find(text);
  if (found == tried_.end()) {
    if (tried_.size() == kMostTexts) return note("other lines are advised already");
    found = tried_.emplace(text, Try(text)).first;
  }
  const absl::StatusOr<Tried>& tried = found->second;
  if (!tried.ok()) {
    return note(absl::StrCat("no line is enough: ", DetailsOf(tried.status()).front().message()));
  }
  if (!adviser.AllowedBy(tried->plan)) {
    return note("no line is enough: something else forbids it as well");
  }
  for (const std::string& each : tried->cost.notes) note(each);
  if (tried->cost.forbidden.empty()) {
    denial->set_allow_with(text);
  } else {
    note(tried->cost.forbidden);
  }
}

}  // namespace cordon
