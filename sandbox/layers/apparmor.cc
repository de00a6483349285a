// SPDX-License-Identifier: Apache-2.0
// apparmor: the payload says which profile its exec enters and reads that back before it; at the
// gate there is only the init, which must not be confined, since a confined process under
// no_new_privs cannot change its profile.
#include "sandbox/layers/apparmor.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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

absl::StatusOr<UniqueFd> EnsureAppArmorProfile(const v1::AppArmorPlan& plan) {
  if (plan.source() != v1::AppArmorPlan::COMPILED) {
    const absl::Status there = CheckTheirs(plan, plan.name());
    if (!there.ok()) return WithLayer(there, "apparmor");
    return UniqueFd();
  }
  if (plan.stacked()) {
    CORDON_RETURN_IF_ERROR(CheckTheirs(plan, std::string(kAppArmorFamily)));
  }
  absl::StatusOr<UniqueFd> use = EnsureCompiled(plan);
  if (!use.ok()) return WithLayer(use.status(), "apparmor");
  return use;
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
