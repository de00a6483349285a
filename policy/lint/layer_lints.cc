// SPDX-License-Identifier: Apache-2.0
// Lints about layers that are off, ids, the environment, and lints themselves.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/lint/context.h"

namespace cordon {
namespace {

struct LayerField {
  absl::string_view field;
  v1::Enforcement enforcement;
};

template <typename Visit>
void ForEachLayer(const v1::Policy& policy, const Visit& visit) {
  for (const LayerField& layer : {
           LayerField{"limits.enforcement", policy.limits().enforcement()},
           LayerField{"cgroup.enforcement", policy.cgroup().enforcement()},
           LayerField{"capabilities.enforcement", policy.capabilities().enforcement()},
           LayerField{"seccomp.enforcement", policy.seccomp().enforcement()},
           LayerField{"network.enforcement", policy.network().enforcement()},
           LayerField{"landlock.enforcement", policy.landlock().enforcement()},
           LayerField{"apparmor.enforcement", policy.apparmor().enforcement()},
       }) {
    visit(layer);
  }
}

// The id of the lint says which layer: "seccomp-off".
void IsOff(const Lint& lint, const LintContext& context, LintSink* sink) {
  const std::string field = absl::StrCat(lint.id.substr(0, lint.id.find('-')), ".enforcement");
  ForEachLayer(context.policy(), [&](const LayerField& layer) {
    if (layer.field == field && layer.enforcement == v1::OFF) sink->Add(field, "is OFF");
  });
}

void IsOptional(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachLayer(context.policy(), [&](const LayerField& layer) {
    // Both repeat what other layers say: RulesMayBeMissing and a profile of the administrator's are
    // about the rest.
    const bool second =
        layer.field == "landlock.enforcement" ||
        (layer.field == "apparmor.enforcement" && !context.policy().apparmor().has_profile());
    if (layer.enforcement != v1::IF_AVAILABLE || second) return;
    sink->Add(layer.field, "is IF_AVAILABLE");
  });
}

void RulesMayBeMissing(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Landlock& landlock = context.policy().landlock();
  if (landlock.file().empty() || landlock.enforcement() == v1::REQUIRED) return;
  sink->Add("landlock.enforcement",
            absl::StrCat("is ", v1::Enforcement_Name(landlock.enforcement()), ", with ",
                         landlock.file_size(), landlock.file_size() == 1 ? " rule" : " rules",
                         " about files"));
}

void RootInside(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.policy().identity().uid() == 0) sink->Add("identity.uid", "is 0");
}

// Variables that make a program load or run something before its own first line.
constexpr absl::string_view kLoaders[] = {
    "BASH_ENV",         "ENV",          "GCONV_PATH", "GLIBC_TUNABLES", "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS", "NODE_OPTIONS", "NODE_PATH",  "PERL5LIB",       "PERL5OPT",
    "PERLLIB",          "PYTHONHOME",   "PYTHONPATH", "PYTHONSTARTUP",  "RUBYLIB",
    "RUBYOPT",          "_JAVA_OPTIONS"};

void LoaderVariable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Policy& policy = context.policy();
  for (int i = 0; i < policy.environment_size(); ++i) {
    const std::string& name = policy.environment(i).name();
    const bool known =
        std::find(std::begin(kLoaders), std::end(kLoaders), name) != std::end(kLoaders);
    if (!known && !absl::StartsWith(name, "LD_")) continue;
    sink->Add(IndexedField("environment", static_cast<size_t>(i)), absl::StrCat("sets ", name));
  }
}

constexpr absl::string_view kSecretWords[] = {"ACCESS_KEY",  "API_KEY", "APIKEY",
                                              "CREDENTIAL",  "PASSWD",  "PASSWORD",
                                              "PRIVATE_KEY", "SECRET",  "TOKEN"};

void SecretVariable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Policy& policy = context.policy();
  for (int i = 0; i < policy.environment_size(); ++i) {
    const std::string name = absl::AsciiStrToUpper(policy.environment(i).name());
    if (policy.environment(i).value().empty()) continue;
    if (std::none_of(std::begin(kSecretWords), std::end(kSecretWords),
                     [&](absl::string_view word) { return absl::StrContains(name, word); })) {
      continue;
    }
    sink->Add(IndexedField("environment", static_cast<size_t>(i)),
              absl::StrCat("sets ", policy.environment(i).name(), ", which sounds like a secret"));
  }
}

// Found where acceptances are laid over the findings (lint.cc).
void FoundLater(const Lint& /*lint*/, const LintContext& /*context*/, LintSink* /*sink*/) {}

constexpr Lint kLints[] = {
    {"seccomp-off", v1::DANGER,
     "the job may make every call of the kernel, and most escapes begin with a rare one "
     "(seccomp(2))",
     "leave enforcement out; its default is REQUIRED", IsOff},
    {"cgroup-off", v1::DANGER,
     "memory, swap and processes are not limited: one job can take the host down (cgroups(7))",
     "leave enforcement out; its default is REQUIRED", IsOff},
    {"limits-off", v1::WARNING,
     "sizes of files, open files, core files and stacks are not limited (setrlimit(2))",
     "leave enforcement out; its default is REQUIRED", IsOff},
    {"capabilities-off", v1::DANGER,
     "the job keeps all capabilities in its namespaces, and with them most of the kernel's attack "
     "surface (user_namespaces(7), CVE-2022-0185)",
     "leave enforcement out; its default is REQUIRED", IsOff},
    {"network-off", v1::DANGER,
     "the job shares the host's network: every service that trusts this host trusts the job "
     "(network_namespaces(7), CVE-2020-15257)",
     "leave enforcement out; its default is REQUIRED", IsOff},
    {"layer-if-available", v1::WARNING,
     "on a host that cannot, the job runs without this layer, and only the report says so "
     "(README.md)",
     "set REQUIRED, and see `cordon doctor` for what the host misses", IsOptional},
    {"landlock-off", v1::NOTE,
     "the mounts are the only wall around files, and nothing scopes signals and abstract sockets a "
     "second time (landlock(7))",
     "set IF_AVAILABLE: it costs nothing where the host cannot", IsOff},
    {"apparmor-off", v1::NOTE,
     "files, sockets and signals are not checked a second time by something that does not rest on "
     "the mounts (CVE-2022-0492, apparmor(7))",
     "set IF_AVAILABLE: it costs nothing where the host cannot", IsOff},
    {"file-rules-optional", v1::WARNING,
     "only Landlock and AppArmor enforce these rules: where the host can neither, each path gives "
     "what its mount gives (landlock(7))",
     "set landlock.enforcement to REQUIRED, or say it with mounts", RulesMayBeMissing},
    {"root-inside", v1::NOTE,
     "programs take id 0 for the right to do everything and behave differently; it gives none "
     "here (user_namespaces(7))",
     "leave identity.uid out; its default is 1000", RootInside},
    {"loader-variable", v1::NOTE,
     "such variables act on every program of the job before its own first line (ld.so(8); "
     "CVE-2021-4034 was used with GCONV_PATH, CVE-2023-4911 is in reading GLIBC_TUNABLES)",
     "leave it out; link or install what the job needs", LoaderVariable},
    {"secret-variable", v1::DANGER,
     "the job, its children and whoever reads the policy see the value (environ(7))",
     "hand out no secrets to jobs", SecretVariable},
    {"unused-acceptance", v1::NOTE,
     "an acceptance that covers nothing hides the next finding of this kind (policy/README.md)",
     "take it out", FoundLater},
};

}  // namespace

absl::Span<const Lint> LayerLints() { return kLints; }

}  // namespace cordon
