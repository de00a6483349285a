// SPDX-License-Identifier: Apache-2.0
// apparmor: the payload says which profile its exec enters and reads that back before it; at the
// gate there is only the init, which must not be confined, since a confined process under
// no_new_privs cannot change its profile.
#include "sandbox/layers/apparmor.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/layers/apparmor.h"
#include "sandbox/layers/layer.h"
#include "sandbox/os/apparmor.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

constexpr unsigned kCapMacAdmin = 33;
constexpr char kSetup[] = "cordon-setup as root prepares this host (README.md)";

Error Refuse(absl::string_view message) {
  Error error(absl::StatusCode::kFailedPrecondition, message);
  error.Layer("apparmor").Field("apparmor");
  return error;
}

// Where what the parser made of a text is remembered: a folder that only this user can write, and
// that a reboot, which unloads the profiles, empties too. Invalid when there is none: then the
// parser runs each time.
UniqueFd OpenMemory() {
  const std::string parent =
      EffectiveUid() == 0 ? std::string("/run") : absl::StrCat("/run/user/", EffectiveUid());
  const auto own_folder = [](int dir, const std::string& name) -> UniqueFd {
    absl::StatusOr<UniqueFd> folder = OpenAt(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder.ok()) return UniqueFd();
    const absl::StatusOr<FileInfo> info = StatFd(folder->get());
    constexpr uint32_t kOthersWrite = 022;
    const bool own = info.ok() && info->uid == EffectiveUid() && (info->mode & kOthersWrite) == 0;
    return own ? *std::move(folder) : UniqueFd();
  };
  const UniqueFd above = own_folder(kCwd, parent);
  if (!above.valid()) return UniqueFd();
  // Made by an earlier run, or now.
  MakeDirectoryAt(above.get(), "cordon", 0700).IgnoreError();
  const UniqueFd mine = own_folder(above.get(), "cordon");
  if (!mine.valid()) return UniqueFd();
  MakeDirectoryAt(mine.get(), "apparmor", 0700).IgnoreError();
  return own_folder(mine.get(), "apparmor");
}

// The hash that the kernel showed for a profile whose bytes were compared; empty when unknown.
std::string RememberedHash(const UniqueFd& memory, const std::string& name) {
  if (!memory.valid()) return "";
  const absl::StatusOr<UniqueFd> file = OpenAt(memory.get(), name, O_RDONLY | O_NOFOLLOW);
  if (!file.ok()) return "";
  constexpr size_t kMost = 128;
  const absl::StatusOr<std::string> text = ReadAll(file->get(), name, kMost);
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

// One write of a few bytes: a reader sees all or nothing of them, and nothing is no memory.
void Remember(const UniqueFd& memory, const std::string& name, const std::string& hash) {
  if (!memory.valid()) return;
  const absl::StatusOr<UniqueFd> file =
      OpenAt(memory.get(), name, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
  if (file.ok()) WriteAll(file->get(), name, absl::StrCat(hash, "\n")).IgnoreError();
}

bool Enforces(const LoadedProfile& profile) { return profile.found && profile.mode == "enforce"; }

absl::Status CheckTheirs(const v1::AppArmorPlan& plan, const std::string& name) {
  CORDON_ASSIGN_OR_RETURN(const LoadedProfile profile, FindAppArmorProfile("", name));
  if (!profile.found) {
    return Refuse(absl::StrCat("the profile ", name, " is not loaded"))
        .Hint(plan.source() == v1::AppArmorPlan::ADMINISTRATOR
                  ? absl::StrCat("apparmor_parser -r FILE, as root, of the file that has it")
                  : std::string(kSetup));
  }
  if (Enforces(profile)) return absl::OkStatus();
  return Refuse(absl::StrCat("the profile ", name, " is in ", profile.mode, " mode"))
      .Hint("only a profile in enforce mode stops anything: aa-enforce, as root");
}

absl::Status EnsureCompiled(const v1::AppArmorPlan& plan) {
  const std::string& where = plan.policy_namespace();
  const UniqueFd memory = OpenMemory();
  const std::string key = where.empty() ? plan.name() : absl::StrCat(where, ":", plan.name());
  CORDON_ASSIGN_OR_RETURN(LoadedProfile loaded, FindAppArmorProfile(where, plan.name()));
  if (Enforces(loaded) && !loaded.hash.empty() && loaded.hash == RememberedHash(memory, key)) {
    return absl::OkStatus();
  }
  CORDON_ASSIGN_OR_RETURN(const std::string binary, CompileAppArmorText(plan.text()));
  if (!Enforces(loaded) || !HasKernelHash(binary, loaded.hash)) {
    CORDON_RETURN_IF_ERROR(LoadAppArmorProfile(where, binary));
    CORDON_ASSIGN_OR_RETURN(loaded, FindAppArmorProfile(where, plan.name()));
  }
  if (!Enforces(loaded) || !HasKernelHash(binary, loaded.hash)) {
    return Refuse(absl::StrCat(
        "the kernel shows another profile ", plan.name(), " than was loaded: ",
        loaded.found ? absl::StrCat("mode ", loaded.mode, ", hash ", loaded.hash) : "none"));
  }
  Remember(memory, key, loaded.hash);
  return absl::OkStatus();
}

// Root of the initial user namespace with the right to change policy.
bool IsPolicyAdmin() {
  if (EffectiveUid() != 0) return false;
  const absl::StatusOr<std::string> map = ReadAt(kCwd, "/proc/self/uid_map");
  const absl::StatusOr<std::string> text = ReadAt(kCwd, "/proc/self/status");
  if (!map.ok() || !text.ok()) return false;
  const absl::StatusOr<std::vector<IdRange>> ranges = ParseIdMap(*map);
  constexpr uint64_t kAllIds = 0xffffffff;
  if (!ranges.ok() || ranges->size() != 1 || (*ranges)[0].count != kAllIds) return false;
  uint64_t effective = 0;
  const std::map<std::string, std::string> status = ParseStatus(*text);
  const auto found = status.find("CapEff");
  return found != status.end() && absl::SimpleHexAtoi(found->second, &effective) &&
         (effective >> kCapMacAdmin & 1) != 0;
}

// Why AppArmor cannot be used here at all; empty when it can.
std::string WhyAbsent() {
  const absl::StatusOr<std::string> enabled =
      ReadAt(kCwd, "/sys/module/apparmor/parameters/enabled");
  if (!enabled.ok() || absl::StripAsciiWhitespace(*enabled) != "Y") {
    return "this kernel runs without AppArmor: boot with apparmor=1 and apparmor in the list lsm=";
  }
  if (!StatPath(kAppArmorPolicy).ok()) {
    return "AppArmor's files are not there: mount -t securityfs securityfs /sys/kernel/security";
  }
  const absl::StatusOr<AppArmorLabel> label = OwnAppArmorLabel();
  if (!label.ok()) return "the label of this process cannot be read";
  if (IsUnconfined(*label)) return "";
  return absl::StrCat("Cordon is confined itself (", EscapeForPeople(label->parts[0].profile),
                      "), so that its jobs cannot change to a profile of their own");
}

// Where profiles can be loaded, or why not.
void ProbeLoading(v1::AppArmorFacts* facts) {
  if (!StatPath(kAppArmorParserProgram).ok()) {
    facts->set_load_why("apparmor_parser is not installed: apt-get install apparmor");
    return;
  }
  facts->set_abi_4_0(StatPath("/etc/apparmor.d/abi/4.0").ok());
  if (IsPolicyAdmin()) {
    facts->set_may_load(true);
    return;
  }
  const std::string name = absl::StrCat("cordon-", EffectiveUid());
  const std::string folder = absl::StrCat(kAppArmorPolicy, "/namespaces/", name);
  if (EffectiveUid() != 0 && StatPath(folder).ok()) {
    facts->set_may_load(true);
    facts->set_policy_namespace(name);
    return;
  }
  facts->set_load_why(absl::StrCat("only root may load profiles, and there is no policy namespace ",
                                   name, ": ", kSetup));
}

}  // namespace

std::string AppArmorTarget(const v1::AppArmorPlan& plan) {
  const std::string& where = plan.policy_namespace();
  if (where.empty()) return plan.name();
  return absl::StrCat(plan.stacked() ? absl::StrCat(kAppArmorFamily, "//&") : "", ":", where, "://",
                      plan.name());
}

std::string AppArmorShown(const v1::AppArmorPlan& plan) {
  const std::string& where = plan.policy_namespace();
  if (where.empty()) return plan.name();
  return absl::StrCat(plan.stacked() ? absl::StrCat(kAppArmorFamily, "//&") : "", ":", where, ":",
                      plan.name());
}

absl::Status EnsureAppArmorProfile(const v1::AppArmorPlan& plan) {
  if (plan.source() != v1::AppArmorPlan::COMPILED) {
    return WithLayer(CheckTheirs(plan, plan.name()), "apparmor");
  }
  if (plan.stacked()) {
    CORDON_RETURN_IF_ERROR(CheckTheirs(plan, std::string(kAppArmorFamily)));
  }
  return WithLayer(EnsureCompiled(plan), "apparmor");
}

v1::AppArmorFacts ProbeAppArmor() {
  v1::AppArmorFacts facts;
  facts.set_why(WhyAbsent());
  facts.set_present(facts.why().empty());
  if (!facts.present()) return facts;
  const absl::StatusOr<LoadedProfile> family = FindAppArmorProfile("", kAppArmorFamily);
  facts.set_family(family.ok() && Enforces(*family));
  ProbeLoading(&facts);
  return facts;
}

// Order: with the procfs that SetOomScore closes, and before everything that may forbid opening it.
absl::Status LowerAppArmor(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  const v1::AppArmorPlan& plan = input.plan.apparmor();
  if (phase != Phase::kPayload || !plan.enabled()) return absl::OkStatus();
  const uint32_t order = builder->Text(absl::StrCat("exec ", AppArmorTarget(plan)));
  const uint32_t shown = builder->Text(AppArmorShown(plan));
  child::Op& op =
      builder->Add(child::Opcode::kAppArmorOnExec, {"apparmor", "apparmor", AppArmorTarget(plan)});
  op.data = order;
  op.data2 = shown;
  return absl::OkStatus();
}

absl::Status VerifyAppArmor(const VerifyInput& input) {
  if (!input.plan.apparmor().enabled()) return absl::OkStatus();
  const absl::StatusOr<AppArmorLabel> label = ParseAppArmorLabel(input.back.apparmor);
  if (!label.ok() || !IsUnconfined(*label)) {
    return Mismatch("apparmor", "attr/apparmor/current of the init", "unconfined",
                    EscapeForPeople(input.back.apparmor));
  }
  // Kernel: a host that restricts unprivileged changes of profile stacks "unconfined" below ours.
  const std::string wanted = AppArmorShown(input.plan.apparmor());
  const absl::string_view found = absl::StripTrailingAsciiWhitespace(input.twin.apparmor);
  if (found == absl::StrCat(wanted, " (enforce)") ||
      found == absl::StrCat(wanted, "//&unconfined (enforce)")) {
    return absl::OkStatus();
  }
  return Mismatch("apparmor", "attr/apparmor/exec of the twin", absl::StrCat(wanted, " (enforce)"),
                  found.empty() ? "nothing" : EscapeForPeople(found));
}

}  // namespace cordon
