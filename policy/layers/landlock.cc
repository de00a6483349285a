// SPDX-License-Identifier: Apache-2.0
// The plan of layer landlock: rules of the mounts, then the policy's own, then what the ABI at hand
// leaves of them.
#include "policy/layers/landlock.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/apparmor/filter_reach.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/layers/layer.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;

constexpr uint64_t kRead = uapi::kLandlockReadFile | uapi::kLandlockReadDir;
// Not MakeChar and MakeBlock: no mount of a job has usable device nodes.
constexpr uint64_t kWrite = uapi::kLandlockWriteFile | uapi::kLandlockTruncate |
                            uapi::kLandlockRemoveDir | uapi::kLandlockRemoveFile |
                            uapi::kLandlockMakeDir | uapi::kLandlockMakeReg |
                            uapi::kLandlockMakeSock | uapi::kLandlockMakeFifo |
                            uapi::kLandlockMakeSym | uapi::kLandlockRefer;

// What each ABI brought.
struct Ability {
  uint32_t abi;
  uint64_t fs;
  uint64_t net;
  uint64_t scoped;
  absl::string_view what;
};
constexpr Ability kAbilities[] = {
    {1, uapi::kLandlockFsAbi1, 0, 0, "files"},
    {2, uapi::kLandlockRefer, 0, 0, "moves between directories"},
    {3, uapi::kLandlockTruncate, 0, 0, "truncating files"},
    {4, 0, uapi::kLandlockNetBindTcp | uapi::kLandlockNetConnectTcp, 0, "TCP"},
    {5, uapi::kLandlockIoctlDev, 0, 0, "ioctls of devices"},
    {6, 0, 0, uapi::kLandlockScopeAbstract | uapi::kLandlockScopeSignal,
     "abstract sockets and signals"},
};

std::string Quoted(absl::string_view path) {
  return absl::StrCat("\"", EscapeForPeople(path), "\"");
}

// One rule in the making: the mount that shows its path, and what that mount alone would give.
struct Draft {
  v1::LandlockRule rule;
  const v1::MountEntry* mount = nullptr;  // null: the root tmpfs
  uint64_t mount_rights = 0;
  std::string source;  // path on the host, of a rule in a bind

  uint64_t Withheld() const { return mount_rights & ~rule.access(); }
};

class LandlockCompiler {
 public:
  LandlockCompiler(const NormalPolicy& policy, const v1::MountPlan& mounts)
      : policy_(policy), mounts_(mounts) {}

  // All errors of the file rules.
  absl::Status Compile();

  const std::vector<Draft>& drafts() const { return drafts_; }

 private:
  const google::protobuf::RepeatedPtrField<v1::FileRule>& files() const {
    return policy_.proto().landlock().file();
  }
  const v1::MountEntry* MountOf(absl::string_view path) const;
  const v1::MountEntry* MaskOver(absl::string_view path) const;
  bool HasFileRule(absl::string_view path) const;
  void AddMountRules();
  void AddFileRule(const v1::FileRule& file, const std::string& field);
  void Add(absl::string_view path, uint64_t access, absl::string_view field,
           const v1::MountEntry* mount);
  void CheckAbove(const Draft& narrow);
  void CheckAliases(const Draft& narrow);
  void Fail(absl::string_view field, absl::string_view message, absl::string_view hint = "");

  const NormalPolicy& policy_;
  const v1::MountPlan& mounts_;
  std::vector<Draft> drafts_;
  std::vector<v1::ErrorDetail> errors_;
};

void LandlockCompiler::Fail(absl::string_view field, absl::string_view message,
                            absl::string_view hint) {
  const absl::Status status =
      FieldError(policy_, absl::StatusCode::kInvalidArgument, field, message).Hint(hint);
  errors_.push_back(DetailsOf(status).front());
}

// The entry that shows what is at `path`: the deepest one.
const v1::MountEntry* LandlockCompiler::MountOf(absl::string_view path) const {
  const v1::MountEntry* deepest = nullptr;
  for (const v1::MountEntry& entry : mounts_.entry()) {
    if (entry.kind() == Kind::MASK || !PathIsBelow(path, entry.target())) continue;
    if (deepest == nullptr || entry.target().size() > deepest->target().size()) deepest = &entry;
  }
  return deepest;
}

// The mask over `path` or over something above it; null when the path can be seen.
const v1::MountEntry* LandlockCompiler::MaskOver(absl::string_view path) const {
  for (const v1::MountEntry& entry : mounts_.entry()) {
    if (entry.kind() == Kind::MASK && PathIsBelow(path, entry.target())) return &entry;
  }
  return nullptr;
}

bool LandlockCompiler::HasFileRule(absl::string_view path) const {
  return std::any_of(files().begin(), files().end(),
                     [&](const v1::FileRule& file) { return file.path() == path; });
}

void LandlockCompiler::Add(absl::string_view path, uint64_t access, absl::string_view field,
                           const v1::MountEntry* mount) {
  Draft& draft = drafts_.emplace_back();
  draft.rule.set_path(std::string(path));
  draft.rule.set_access(access);
  draft.rule.set_field(std::string(field));
  draft.mount = mount;
  if (mount == nullptr) return;
  draft.mount_rights = LandlockRightsOf(*mount);
  if (mount->kind() == Kind::BIND) {
    draft.source = absl::StrCat(mount->source(), path.substr(mount->target().size()));
  }
}

void LandlockCompiler::AddMountRules() {
  // Names are no secret: what may not be seen is masked or not there.
  Add("/", uapi::kLandlockReadDir, "mounts", nullptr);
  for (const v1::MountEntry& entry : mounts_.entry()) {
    const uint64_t rights = LandlockRightsOf(entry);
    const v1::MountEntry* mask = MaskOver(entry.target());
    // Below a mask there is nothing to open; a mask on the target itself is opened instead.
    const bool gone = mask != nullptr && mask->target() != entry.target();
    if (rights == 0 || gone || HasFileRule(entry.target())) continue;
    Add(entry.target(), rights, entry.field(), &entry);
  }
}

void LandlockCompiler::AddFileRule(const v1::FileRule& file, const std::string& field) {
  const std::string path_field = ChildField(field, "path");
  const std::string access_field = ChildField(field, "access");
  const v1::MountEntry* mount = MountOf(file.path());
  if (mount == nullptr || (mount->kind() != Kind::BIND && mount->kind() != Kind::TMPFS)) {
    return Fail(path_field, absl::StrCat(Quoted(file.path()), " lies in no bind and no tmpfs"));
  }
  if (mount->kind() == Kind::TMPFS && mount->target() != file.path()) {
    return Fail(path_field, absl::StrCat(Quoted(file.path()), " cannot exist: ", mount->field(),
                                         " is empty when the job starts"));
  }
  if (const v1::MountEntry* mask = MaskOver(file.path()); mask != nullptr) {
    return Fail(path_field, absl::StrCat(Quoted(file.path()), " is hidden by ", mask->field()));
  }
  if (file.access() == v1::FileRule::WRITE && mount->read_only()) {
    return Fail(access_field,
                absl::StrCat("WRITE is more than ", mount->field(), " gives, which is read-only"));
  }
  if (file.access() == v1::FileRule::EXECUTE && mount->no_exec()) {
    return Fail(access_field, absl::StrCat("EXECUTE is more than ", mount->field(),
                                           " gives, which is not executable"));
  }
  uint64_t access = kRead;
  if (file.access() == v1::FileRule::EXECUTE) access |= uapi::kLandlockExecute;
  if (file.access() == v1::FileRule::WRITE) access = LandlockRightsOf(*mount);
  Add(file.path(), access, access_field, mount);
}

// Rights add up on the way down: one that is withheld here must not come from above.
void LandlockCompiler::CheckAbove(const Draft& narrow) {
  for (const Draft& other : drafts_) {
    if (&other == &narrow || !PathIsBelow(narrow.rule.path(), other.rule.path())) continue;
    if ((other.rule.access() & narrow.Withheld()) == 0) continue;
    Fail(narrow.rule.field(),
         absl::StrCat("cannot be enforced: ", Quoted(narrow.rule.path()), " lies below ",
                      Quoted(other.rule.path()), " (", other.rule.field(),
                      "), which is allowed more, and Landlock takes nothing away below that"),
         "allow less above it, or give the path a mount of its own");
    return;
  }
}

// Rules hold for files, not for names: another bind that shows the same files and is allowed more
// would give that right here too. Sources are compared as they are written.
void LandlockCompiler::CheckAliases(const Draft& narrow) {
  if (narrow.source.empty()) return;
  for (const Draft& other : drafts_) {
    if (other.source.empty() || other.mount == narrow.mount) continue;
    if (!PathIsBelow(other.source, narrow.mount->source())) continue;
    if (!PathIsBelow(other.source, narrow.source) && !PathIsBelow(narrow.source, other.source)) {
      continue;
    }
    if ((other.rule.access() & narrow.Withheld()) == 0) continue;
    Fail(narrow.rule.field(), absl::StrCat("cannot be enforced: ", other.rule.field(),
                                           " allows more for the same files of the host"));
    return;
  }
}

absl::Status LandlockCompiler::Compile() {
  AddMountRules();
  for (int i = 0; i < files().size(); ++i) {
    AddFileRule(files()[i], IndexedField("landlock.file", static_cast<size_t>(i)));
  }
  for (const Draft& draft : drafts_) {
    if (draft.Withheld() == 0) continue;
    CheckAbove(draft);
    CheckAliases(draft);
  }
  std::stable_sort(drafts_.begin(), drafts_.end(),
                   [](const Draft& a, const Draft& b) { return a.rule.path() < b.rule.path(); });
  if (!errors_.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors_);
  return absl::OkStatus();
}

// What the policy means and this host cannot enforce; OK when it can. See landlock.h.
absl::Status CheckAbi(const NormalPolicy& policy, const v1::HostFacts& facts,
                      const std::vector<Draft>& drafts) {
  const auto too_old = [&](absl::string_view field, uint32_t needed, absl::string_view why) {
    return FieldError(policy, absl::StatusCode::kFailedPrecondition, field,
                      absl::StrCat("needs Landlock ABI ", needed, ", this kernel has ABI ",
                                   facts.landlock_abi(), ": ", why));
  };
  if (facts.landlock_abi() == 0) {
    return FieldError(policy, absl::StatusCode::kFailedPrecondition, "landlock.enforcement",
                      "this kernel has no Landlock")
        .Hint(facts.landlock_why());
  }
  for (const Draft& draft : drafts) {
    if (facts.landlock_abi() < 2 && (draft.rule.access() & uapi::kLandlockRefer) != 0) {
      return too_old("landlock.enforcement", 2,
                     absl::StrCat("an older one denies every move between directories, and ",
                                  draft.rule.field(), " is writable"))
          .Hint("Linux 5.19 or newer");
    }
  }
  for (const Draft& draft : drafts) {
    const bool truncatable = (draft.Withheld() & uapi::kLandlockTruncate) != 0;
    if (facts.landlock_abi() < 3 && truncatable &&
        policy.proto().landlock().enforcement() != v1::IF_AVAILABLE) {
      return too_old(draft.rule.field(), 3, "an older one lets the job truncate these files")
          .Hint("Linux 6.2 or newer, or a mount that is read-only");
    }
  }
  return absl::OkStatus();
}

// What the ABI has of all rights is handled; of the rules the same is kept.
void FillPlan(const std::vector<Draft>& drafts, const v1::NetPlan& net, v1::LandlockPlan* plan) {
  // A job that has a network, of its own or the host's, has it for TCP.
  const bool deny_tcp = net.own_namespace() && !net.loopback_up();
  uint64_t fs = 0;
  uint64_t tcp = 0;
  uint64_t scoped = 0;
  for (const Ability& ability : kAbilities) {
    const uint64_t wanted_net = deny_tcp ? ability.net : 0;
    if (ability.abi <= plan->abi()) {
      fs |= ability.fs;
      tcp |= wanted_net;
      scoped |= ability.scoped;
    } else if ((ability.fs | wanted_net | ability.scoped) != 0) {
      plan->add_missing(absl::StrCat(ability.what, " (ABI ", ability.abi, ")"));
    }
  }
  plan->set_handled_fs(fs);
  plan->set_handled_net(tcp);
  plan->set_scoped(scoped);
  for (const Draft& draft : drafts) {
    v1::LandlockRule& rule = *plan->add_rule();
    rule = draft.rule;
    rule.set_access(draft.rule.access() & fs);
  }
}

}  // namespace

uint64_t LandlockRightsOf(const v1::MountEntry& entry) {
  switch (entry.kind()) {
    case Kind::BIND:
    case Kind::TMPFS:
      return kRead | (entry.no_exec() ? 0 : uapi::kLandlockExecute) |
             (entry.read_only() ? 0 : kWrite);
    case Kind::PROC:
      return kRead;
    case Kind::DEVICE:
      return uapi::kLandlockReadFile | uapi::kLandlockWriteFile | uapi::kLandlockIoctlDev;
    case Kind::FILE:
      return uapi::kLandlockReadFile | ((entry.mode() & 0111) != 0 ? uapi::kLandlockExecute : 0);
    default:
      // Links are followed and not opened; an empty directory and a mask have nothing in them, and
      // everything may be listed.
      return 0;
  }
}

absl::Status CompileLandlock(const NormalPolicy& policy, const v1::HostFacts& facts,
                             v1::Plan* plan) {
  v1::LandlockPlan& landlock = *plan->mutable_landlock();
  landlock.set_enforcement(Resolve(policy.proto().landlock().enforcement()));
  if (landlock.enforcement() == v1::OFF) return absl::OkStatus();
  const v1::Mounts& mounts = policy.proto().mounts();
  const bool no_mount_plan = plan->mount().entry().empty();
  // The errors of the mounts are reported by their own layer.
  if (no_mount_plan && mounts.bind_size() + mounts.tmpfs_size() > 0) return absl::OkStatus();
  LandlockCompiler compiler(policy, plan->mount());
  CORDON_RETURN_IF_ERROR(compiler.Compile());
  absl::Status able = CheckAbi(policy, facts, compiler.drafts());
  if (!able.ok()) {
    if (landlock.enforcement() != v1::IF_AVAILABLE) return able;
    const v1::ErrorDetail detail = DetailsOf(able).front();
    landlock.set_unavailable_why(
        absl::StrCat(detail.message(), detail.hint().empty() ? "" : "; ", detail.hint()));
    return absl::OkStatus();
  }
  landlock.set_enabled(true);
  landlock.set_abi(std::min(facts.landlock_abi(), uapi::kLandlockNewestAbi));
  landlock.set_log_denials(facts.landlock_log());
  FillPlan(compiler.drafts(), plan->net(), &landlock);
  return absl::OkStatus();
}

// A pair is enough: a message on a socket for datagrams may name another address.
absl::Status CheckAbstractSockets(const NormalPolicy& policy, const v1::HostFacts& facts,
                                  const v1::Plan& plan) {
  constexpr uint64_t kUnix = 1;  // AF_UNIX
  const v1::LandlockPlan& landlock = plan.landlock();
  const bool guarded = (landlock.scoped() & uapi::kLandlockScopeAbstract) != 0;
  if (!landlock.enabled() || landlock.enforcement() != v1::REQUIRED || guarded ||
      plan.net().own_namespace()) {
    return absl::OkStatus();
  }
  if (!FilterMayAllow(plan.seccomp(), "socket", kUnix) &&
      !FilterMayAllow(plan.seccomp(), "socketpair", kUnix)) {
    return absl::OkStatus();
  }
  return FieldError(policy, absl::StatusCode::kFailedPrecondition, "landlock.enforcement",
                    absl::StrCat("needs Landlock ABI 6, this kernel has ABI ", facts.landlock_abi(),
                                 ": the job shares the host's network and may have local sockets, "
                                 "and an older one lets it reach the host's abstract sockets"))
      .Hint(
          "Linux 6.12 or newer, a network of its own (leave network.enforcement as it is), no "
          "local sockets, or landlock { enforcement: IF_AVAILABLE } to go without");
}

}  // namespace cordon
