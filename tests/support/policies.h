// SPDX-License-Identifier: Apache-2.0
// Policies and host facts for tests of the compiler: ParseNormal (text -> NormalPolicy), Shipped
// (a shipped profile, resolved), RoofProfiles (they and a ceiling), FullHost (a host that can
// everything).
#ifndef CORDON_TESTS_SUPPORT_POLICIES_H_
#define CORDON_TESTS_SUPPORT_POLICIES_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/resolve.h"
#include "profiles/embedded.h"

namespace cordon {

// The groups without which no job starts.
inline constexpr char kStartable[] = "seccomp { allow: [\"stdio\", \"exec\"] } ";

inline absl::StatusOr<NormalPolicy> ParseNormal(absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed,
                          ParsePolicy(text, PolicyForm::kText, "test.textproto"));
  return NormalPolicy::Make(std::move(parsed));
}

class ShippedProfiles : public ProfileSource {
 public:
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view /*directory*/) override {
    for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
      if (profile.name != reference) continue;
      return PolicyBytes{std::string(profile.name), std::string(profile.text), PolicyForm::kText,
                         ""};
    }
    return Error(absl::StatusCode::kNotFound, absl::StrCat("no profile ", reference));
  }
};

// Those, and "roof", such as a ceiling may name.
class RoofProfiles : public ShippedProfiles {
 public:
  explicit RoofProfiles(std::string roof) : roof_(std::move(roof)) {}
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override {
    if (reference != "roof") return ShippedProfiles::Load(reference, directory);
    return PolicyBytes{"roof", roof_, PolicyForm::kText, ""};
  }

 private:
  std::string roof_;
};

inline absl::StatusOr<NormalPolicy> Shipped(absl::string_view name) {
  ShippedProfiles source;
  CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed, ResolvePolicy(name, "", source));
  return NormalPolicy::Make(std::move(parsed));
}

inline v1::HostFacts FullHost() {
  v1::HostFacts facts;
  facts.set_kernel_release("6.1.0");
  facts.set_architecture("x86_64");
  facts.set_user_namespaces(true);
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_V2);
  for (const char* name : {"memory", "pids", "cpu", "cpuset", "io"}) {
    facts.add_cgroup_controllers(name);
  }
  facts.set_swap_accounting(true);
  facts.set_swap_total_bytes(1 << 30);
  facts.set_cpus(2);
  facts.set_page_size(4096);
  for (const char* name : {"kill_process", "errno", "user_notif", "log", "allow"}) {
    facts.add_seccomp_actions(name);
  }
  facts.set_landlock_abi(7);
  facts.mutable_apparmor()->set_present(true);
  facts.mutable_apparmor()->set_may_load(true);
  facts.mutable_rlimit_hard()->set_file_size(UINT64_MAX);
  facts.mutable_rlimit_hard()->set_open_files(1 << 20);
  facts.mutable_rlimit_hard()->set_stack(UINT64_MAX);
  return facts;
}

inline v1::HostFacts V1Host() {
  v1::HostFacts facts = FullHost();
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_V1);
  facts.add_cgroup_controllers("cpuacct");
  return facts;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_POLICIES_H_
