// SPDX-License-Identifier: Apache-2.0
// The list of check functions, and the small blocks of the schema. See validate.h.
#include "policy/validate.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/apparmor/profile.h"
#include "policy/base/cpu_list.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/bpf/rules.h"
#include "policy/bpf/syscall_table.h"
#include "policy/field_scan.h"
#include "policy/lint/lint.h"
#include "policy/message_check.h"
#include "policy/validate_environment.h"
#include "policy/validate_mounts.h"
#include "policy/validate_seccomp.h"
#include "policy/violations.h"

namespace cordon {
namespace {

constexpr size_t kLongestHostname = 64;  // HOST_NAME_MAX
constexpr uint32_t kLargestMajor = 4095;
constexpr uint32_t kLargestMinor = 1048575;

void CheckResolved(const v1::Policy& policy, Violations* violations) {
  if (!policy.extends().empty()) violations->Add("extends", "has not been resolved");
}

void CheckAcceptedLints(const v1::Policy& policy, Violations* violations) {
  std::set<std::string> ids;
  for (int i = 0; i < policy.accept_lint_size(); ++i) {
    const v1::AcceptedLint& accepted = policy.accept_lint(i);
    const std::string path = IndexedField("accept_lint", static_cast<size_t>(i));
    const std::string id = ChildField(path, "id");
    const absl::StatusOr<const Lint*> lint = FindLint(accepted.id());
    if (!lint.ok()) {
      violations->Add(id, std::string(lint.status().message()), DetailsOf(lint.status())[0].hint());
    } else if (!ids.insert(accepted.id()).second) {
      violations->Add(id, absl::StrCat(Excerpt(accepted.id()), " is accepted twice"));
    }
    if (absl::StripAsciiWhitespace(accepted.reason()).empty()) {
      violations->Add(ChildField(path, "reason"), "is required",
                      "say why the policy is meant to be this way");
    }
  }
}

// 65534 is what the kernel shows for ids that are not mapped, 65535 the -1 of 16-bit calls: a job
// with one of them could not tell itself from nobody.
void CheckId(uint32_t id, absl::string_view field, Violations* violations) {
  if (id == 65534 || id == 65535) {
    violations->Add(field,
                    absl::StrCat(id, " is the kernel's own id for \"nobody\" and not allowed"));
  }
}

void CheckIdentity(const v1::Policy& policy, Violations* violations) {
  const v1::Identity& identity = policy.identity();
  violations->CheckQuantities(identity, "identity");
  CheckId(identity.uid(), "identity.uid", violations);
  CheckId(identity.gid(), "identity.gid", violations);
  if (!identity.has_hostname()) return;
  const std::string& hostname = identity.hostname();
  bool valid = !hostname.empty() && hostname.size() <= kLongestHostname;
  for (const char c : hostname) {
    valid &= absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
  }
  if (!valid) {
    violations->Add("identity.hostname", absl::StrCat(Excerpt(hostname), " is not 1 to ",
                                                      kLongestHostname, " of A-Z a-z 0-9 . -"));
  }
}

void CheckMountsBlock(const v1::Policy& policy, Violations* violations) {
  CheckMounts(policy.mounts(), violations);
}

void CheckEnvironmentBlock(const v1::Policy& policy, Violations* violations) {
  CheckEnvironment(policy.environment(), "environment", violations);
}

void CheckWorkingDirectory(const v1::Policy& policy, Violations* violations) {
  if (policy.working_directory().empty()) return;
  violations->AddIfError("working_directory",
                         CanonicalAbsolutePath(policy.working_directory()).status());
}

void CheckLimits(const v1::Policy& policy, Violations* violations) {
  violations->CheckQuantities(policy.limits(), "limits");
}

// "8:0": two decimal numbers without leading zeros.
bool IsDeviceNumber(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() != 2) return false;
  uint32_t numbers[2];
  for (size_t i = 0; i < 2; ++i) {
    for (const char c : parts[i]) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
    }
    if (parts[i].size() > 1 && parts[i][0] == '0') return false;
    if (!absl::SimpleAtoi(parts[i], &numbers[i])) return false;
  }
  return numbers[0] <= kLargestMajor && numbers[1] <= kLargestMinor;
}

void CheckIo(const v1::Cgroup& cgroup, Violations* violations) {
  std::set<std::string> devices;
  for (int i = 0; i < cgroup.io_size(); ++i) {
    const v1::IoLimit& io = cgroup.io(i);
    const std::string path = IndexedField("cgroup.io", static_cast<size_t>(i));
    const std::string device = ChildField(path, "device");
    violations->CheckQuantities(io, path);
    if (!IsDeviceNumber(io.device())) {
      violations->Add(device,
                      absl::StrCat(Excerpt(io.device()), " is not MAJOR:MINOR, such as 8:0"));
    } else if (!devices.insert(io.device()).second) {
      violations->Add(device, absl::StrCat(Excerpt(io.device()), " is limited twice"));
    }
    if (!io.has_read_bytes_per_second() && !io.has_write_bytes_per_second() &&
        !io.has_read_operations_per_second() && !io.has_write_operations_per_second()) {
      violations->Add(path, "limits nothing");
    }
  }
}

void CheckCgroup(const v1::Policy& policy, Violations* violations) {
  const v1::Cgroup& cgroup = policy.cgroup();
  violations->CheckQuantities(cgroup, "cgroup");
  if (cgroup.has_cpuset_cpus()) {
    violations->AddIfError("cgroup.cpuset_cpus", CanonicalCpuList(cgroup.cpuset_cpus()).status());
  }
  CheckIo(cgroup, violations);
}

void CheckSeccompBlock(const v1::Policy& policy, Violations* violations) {
  CheckSeccomp(policy.seccomp(), violations);
}

void CheckLandlock(const v1::Policy& policy, Violations* violations) {
  std::set<std::string> paths;
  for (int i = 0; i < policy.landlock().file_size(); ++i) {
    const v1::FileRule& file = policy.landlock().file(i);
    const std::string field = IndexedField("landlock.file", static_cast<size_t>(i));
    const absl::StatusOr<std::string> path = CanonicalAbsolutePath(file.path());
    if (!path.ok()) {
      violations->AddIfError(ChildField(field, "path"), path.status());
    } else if (!paths.insert(*path).second) {
      violations->Add(ChildField(field, "path"),
                      absl::StrCat("\"", *path, "\" has a rule already"));
    }
    if (file.access() == v1::FileRule::ACCESS_UNSPECIFIED) {
      violations->Add(ChildField(field, "access"), "is required: READ, EXECUTE or WRITE");
    }
  }
}

void CheckAppArmor(const v1::Policy& policy, Violations* violations) {
  const v1::AppArmor& apparmor = policy.apparmor();
  if (!apparmor.has_profile()) return;
  if (apparmor.profile() == "unconfined") {
    violations->Add("apparmor.profile", "\"unconfined\" is the absence of a profile",
                    "to go without this layer set enforcement: OFF");
    return;
  }
  const absl::Status named = CheckAppArmorProfileName(apparmor.profile());
  if (named.ok()) return;
  violations->Add("apparmor.profile", std::string(named.message()),
                  DetailsOf(named).front().hint());
}

using CheckFunction = void (*)(const v1::Policy&, Violations*);

// In the order of the schema, which is the order of the messages.
constexpr CheckFunction kChecks[] = {
    CheckResolved,         CheckAcceptedLints,    CheckIdentity, CheckMountsBlock,
    CheckEnvironmentBlock, CheckWorkingDirectory, CheckLimits,   CheckCgroup,
    CheckSeccompBlock,     CheckLandlock,         CheckAppArmor,
};

}  // namespace

std::vector<v1::ErrorDetail> RuleErrors(const ParsedPolicy& policy) {
  // Names and types are the same on every architecture.
  std::vector<v1::ErrorDetail> errors =
      DetailsOf(BuildRules(policy.policy.seccomp(), Architecture::kX86_64).status());
  for (v1::ErrorDetail& error : errors) {
    error.set_stage("validate");
    error.set_source(policy.places.Find(error.policy_field()));
  }
  return errors;
}

absl::Status ValidatePolicy(const ParsedPolicy& policy) {
  // A policy may have been built or merged rather than parsed, and the checks below quote its text.
  std::vector<v1::ErrorDetail> malformed;
  CheckMessage(policy.policy, policy.places, &malformed);
  if (!malformed.empty()) {
    return ErrorFromDetails(absl::StatusCode::kInvalidArgument, malformed);
  }
  Violations violations(policy.places);
  for (const CheckFunction check : kChecks) check(policy.policy, &violations);
  const absl::Status status = violations.ToStatus();
  if (status.ok()) return status;
  std::vector<v1::ErrorDetail> errors = DetailsOf(status);
  const bool seccomp_is_broken =
      std::any_of(errors.begin(), errors.end(), [](const v1::ErrorDetail& error) {
        return absl::StartsWith(error.policy_field(), "seccomp");
      });
  if (seccomp_is_broken) return status;
  for (v1::ErrorDetail& error : RuleErrors(policy)) {
    if (errors.size() < kMaxErrors) errors.push_back(std::move(error));
  }
  return ErrorFromDetails(status.code(), errors);
}

}  // namespace cordon
