// SPDX-License-Identifier: Apache-2.0
// apparmor: the payload says which profile its exec enters and reads that back before it; at the
// gate there is only the init, which must not be confined, since a confined process under
// no_new_privs cannot change its profile.
#include "sandbox/layers/apparmor.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/layers/apparmor.h"
#include "sandbox/layers/apparmor_memory.h"
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

// Profiles that nobody uses are unloaded when there are more of them.
constexpr size_t kMostProfiles = 64;
constexpr uint64_t kUnusedNs = uint64_t{600} * 1'000'000'000;

bool Enforces(const LoadedProfile& profile) { return profile.found && profile.mode == "enforce"; }

// "" where there is no record that only root can have written.
std::string TrustedRecord() {
  constexpr uint32_t kOthersWrite = 022;
  const absl::StatusOr<UniqueFd> file = OpenAt(kCwd, kSetupRecord, O_RDONLY | O_NOFOLLOW);
  if (!file.ok()) return "";
  const absl::StatusOr<FileInfo> info = StatFd(file->get());
  if (!info.ok() || info->uid != 0 || (info->mode & kOthersWrite) != 0) return "";
  constexpr size_t kMost = 1 << 20;
  const absl::StatusOr<std::string> text = ReadAll(file->get(), kSetupRecord, kMost);
  return text.ok() ? *text : "";
}

// True when the profile's hash was compared; false when there is none to compare with.
absl::StatusOr<bool> CheckTheirs(const v1::AppArmorPlan& plan, const std::string& name) {
  CORDON_ASSIGN_OR_RETURN(const LoadedProfile profile, FindAppArmorProfile("", name));
  if (!profile.found) {
    return Refuse(absl::StrCat("the profile ", name, " is not loaded"))
        .Hint(plan.source() == v1::AppArmorPlan::ADMINISTRATOR
                  ? absl::StrCat("apparmor_parser -r FILE, as root, of the file that has it")
                  : std::string(kSetup));
  }
  if (!Enforces(profile)) {
    return Refuse(absl::StrCat("the profile ", name, " is in ", profile.mode, " mode"))
        .Hint("only a profile in enforce mode stops anything: aa-enforce, as root");
  }
  const std::string recorded =
      name == kAppArmorFamily ? RecordedAppArmorHash(TrustedRecord(), name) : "";
  if (recorded.empty()) return false;
  if (profile.hash == recorded) return true;
  return Refuse(absl::StrCat("the profile ", name,
                             " is not the one that cordon-setup loaded: hash ",
                             profile.hash.empty() ? "none" : profile.hash, ", recorded ", recorded))
      .Hint(
          "cordon-setup as root loads it again and records what was loaded, as is needed once "
          "after an update of AppArmor");
}

absl::StatusOr<UniqueFd> EnsureCompiled(const v1::AppArmorPlan& plan) {
  const std::string& where = plan.policy_namespace();
  const AppArmorMemory memory = AppArmorMemory::Open();
  // First of all, so that nobody unloads what is found below.
  CORDON_ASSIGN_OR_RETURN(UniqueFd use, memory.Use(where, plan.name()));
  CORDON_ASSIGN_OR_RETURN(LoadedProfile loaded, FindAppArmorProfile(where, plan.name()));
  if (Enforces(loaded) && !loaded.hash.empty() && loaded.hash == AppArmorMemory::HashOf(use)) {
    return use;
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
  AppArmorMemory::SetHash(use, loaded.hash);
  memory.Sweep(kMostProfiles, kUnusedNs);
  return use;
}

std::vector<std::pair<std::string, std::string>> PartsOf(const AppArmorLabel& label) {
  std::vector<std::pair<std::string, std::string>> parts;
  parts.reserve(label.parts.size());
  for (const AppArmorLabel::Part& part : label.parts) {
    parts.emplace_back(part.policy_namespace, part.profile);
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

// Kernel: a stack is shown sorted, by the level of the policy namespace and then by name; and a
// host that restricts unprivileged changes of profile stacks "unconfined" with ours.
bool IsLabelOf(absl::string_view text, absl::string_view wanted) {
  const absl::StatusOr<AppArmorLabel> found = ParseAppArmorLabel(text);
  const absl::StatusOr<AppArmorLabel> asked = ParseAppArmorLabel(wanted);
  if (!found.ok() || !asked.ok() || found->mode != "enforce") return false;
  auto parts = PartsOf(*found);
  if (parts == PartsOf(*asked)) return true;
  const auto beside =
      std::find(parts.begin(), parts.end(), std::pair<std::string, std::string>("", "unconfined"));
  if (beside == parts.end()) return false;
  parts.erase(beside);
  return parts == PartsOf(*asked);
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

absl::StatusOr<AppArmorUse> EnsureAppArmorProfile(const v1::AppArmorPlan& plan) {
  const bool compiled = plan.source() == v1::AppArmorPlan::COMPILED;
  AppArmorUse use;
  use.compared = "mode and hash in securityfs";
  if (!compiled || plan.stacked()) {
    const std::string name = compiled ? std::string(kAppArmorFamily) : plan.name();
    const absl::StatusOr<bool> hash = CheckTheirs(plan, name);
    if (!hash.ok()) return WithLayer(hash.status(), "apparmor");
    if (!*hash) {
      use.compared = compiled ? absl::StrCat("mode and hash in securityfs (of ", name,
                                             " above it the mode alone: no hash of it is recorded)")
                              : "mode in securityfs (no hash of it is recorded)";
    }
  }
  if (!compiled) return use;
  absl::StatusOr<UniqueFd> lock = EnsureCompiled(plan);
  if (!lock.ok()) return WithLayer(lock.status(), "apparmor");
  use.lock = *std::move(lock);
  return use;
}

std::string RecordedAppArmorHash(absl::string_view record, absl::string_view name) {
  const std::string path = absl::StrCat("/etc/apparmor.d/", name);
  for (const absl::string_view line : absl::StrSplit(record, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 2));
    if (parts.size() != 3 || parts[0] != "profile" || parts[2] != path) continue;
    return parts[1] == "-" ? "" : parts[1];
  }
  return "";
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
  const std::string wanted = AppArmorShown(input.plan.apparmor());
  if (IsLabelOf(input.twin.apparmor, wanted)) return absl::OkStatus();
  const absl::string_view found = absl::StripTrailingAsciiWhitespace(input.twin.apparmor);
  return Mismatch("apparmor", "attr/apparmor/exec of the twin", absl::StrCat(wanted, " (enforce)"),
                  found.empty() ? "nothing" : EscapeForPeople(found));
}

}  // namespace cordon
