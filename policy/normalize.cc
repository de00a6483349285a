// SPDX-License-Identifier: Apache-2.0
// Valid policy -> normal policy: defaults written out, quantities and paths canonical, lists sorted
// where their order has no meaning. Sorting moves the places of the entries along.
#include "policy/normalize.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/cpu_list.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/quantity.h"
#include "policy/validate.h"

namespace cordon {
namespace {

constexpr absl::string_view kDefaultHostname = "cordon";
constexpr absl::string_view kDefaultErrno = "ENOSYS";
constexpr absl::string_view kDefaultRuleErrno = "EPERM";
// The order in which they are made, and the default.
constexpr absl::string_view kDevices[] = {"null", "zero", "full", "random", "urandom"};

// Paths were validated; what has no canonical form is left for the error it would be.
void MakeCanonical(std::string* path) {
  absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(*path);
  if (canonical.ok()) *path = *std::move(canonical);
}

template <typename Block>
void ResolveEnforcement(Block* block) {
  if (block->enforcement() == v1::ENFORCEMENT_UNSPECIFIED) block->set_enforcement(v1::REQUIRED);
}

// (major, minor) as numbers: "8:16" sorts behind "8:0" and before "10:0".
std::pair<int, int> DeviceKey(const v1::IoLimit& io) {
  const std::vector<absl::string_view> parts = absl::StrSplit(io.device(), ':');
  std::pair<int, int> key = {0, 0};
  if (parts.size() == 2) {
    static_cast<void>(absl::SimpleAtoi(parts[0], &key.first));
    static_cast<void>(absl::SimpleAtoi(parts[1], &key.second));
  }
  return key;
}

class Normalizer {
 public:
  explicit Normalizer(ParsedPolicy* parsed) : parsed_(*parsed), policy_(parsed->policy) {}

  void Run() {
    SortList("accept_lint", policy_.mutable_accept_lint(),
             [](const v1::AcceptedLint& accepted) { return accepted.id(); });
    NormalizeIdentity();
    if (policy_.has_mounts()) NormalizeMounts();
    SortList("environment", policy_.mutable_environment(),
             [](const v1::Variable& variable) { return variable.name(); });
    if (policy_.working_directory().empty()) policy_.set_working_directory("/");
    MakeCanonical(policy_.mutable_working_directory());
    NormalizeLimits(policy_.mutable_limits());
    NormalizeCgroup();
    ResolveEnforcement(policy_.mutable_capabilities());
    NormalizeSeccomp();
    ResolveEnforcement(policy_.mutable_network());
    if (policy_.network().mode() == v1::Network::MODE_UNSPECIFIED) {
      policy_.mutable_network()->set_mode(v1::Network::NONE);
    }
    NormalizeLandlock();
    ResolveEnforcement(policy_.mutable_apparmor());
    MovePlaces();
  }

 private:
  using Order = std::vector<size_t>;  // new index of each old entry

  void NormalizeIdentity() {
    v1::Identity* identity = policy_.mutable_identity();
    NormalizeQuantities(identity);
    if (!identity->has_hostname()) identity->set_hostname(std::string(kDefaultHostname));
  }

  void NormalizeMounts() {
    v1::Mounts* mounts = policy_.mutable_mounts();
    for (v1::Bind& bind : *mounts->mutable_bind()) NormalizeBind(&bind);
    for (v1::Tmpfs& tmpfs : *mounts->mutable_tmpfs()) {
      MakeCanonical(tmpfs.mutable_target());
      NormalizeQuantities(&tmpfs);
      if (!tmpfs.has_executable()) tmpfs.set_executable(false);
    }
    for (std::string& masked : *mounts->mutable_masked()) MakeCanonical(&masked);
    for (v1::Symlink& symlink : *mounts->mutable_symlink()) MakeCanonical(symlink.mutable_path());
    for (v1::File& file : *mounts->mutable_file()) {
      MakeCanonical(file.mutable_path());
      if (!file.has_executable()) file.set_executable(false);
    }
    if (mounts->has_proc() && !mounts->proc().has_process_only()) {
      mounts->mutable_proc()->set_process_only(true);
    }
    if (mounts->has_dev()) NormalizeDev(mounts->mutable_dev());
    SortList("mounts.bind", mounts->mutable_bind(), [](const v1::Bind& b) { return b.target(); });
    SortList("mounts.tmpfs", mounts->mutable_tmpfs(),
             [](const v1::Tmpfs& t) { return t.target(); });
    SortList("mounts.symlink", mounts->mutable_symlink(),
             [](const v1::Symlink& s) { return s.path(); });
    SortList("mounts.file", mounts->mutable_file(), [](const v1::File& f) { return f.path(); });
    SortNames("mounts.masked", mounts->mutable_masked());
  }

  static void NormalizeBind(v1::Bind* bind) {
    MakeCanonical(bind->mutable_source());
    if (bind->target().empty()) bind->set_target(bind->source());
    MakeCanonical(bind->mutable_target());
    if (!bind->has_read_only()) bind->set_read_only(true);
    if (!bind->has_executable()) bind->set_executable(true);
  }

  void NormalizeDev(v1::Dev* dev) {
    NormalizeQuantities(dev);
    if (dev->device().empty()) {
      for (const absl::string_view device : kDevices) dev->add_device(std::string(device));
      return;
    }
    SortNames("mounts.dev.device", dev->mutable_device(), [](const std::string& name) {
      return std::find(std::begin(kDevices), std::end(kDevices), name) - std::begin(kDevices);
    });
  }

  static void NormalizeLimits(v1::Limits* limits) {
    ResolveEnforcement(limits);
    NormalizeQuantities(limits);
    if (limits->stdout_action() == v1::Limits::STREAM_ACTION_UNSPECIFIED) {
      limits->set_stdout_action(v1::Limits::KILL);
    }
    if (limits->stderr_action() == v1::Limits::STREAM_ACTION_UNSPECIFIED) {
      limits->set_stderr_action(v1::Limits::KILL);
    }
  }

  void NormalizeCgroup() {
    v1::Cgroup* cgroup = policy_.mutable_cgroup();
    ResolveEnforcement(cgroup);
    NormalizeQuantities(cgroup);
    if (cgroup->has_cpuset_cpus()) {
      absl::StatusOr<std::string> cpus = CanonicalCpuList(cgroup->cpuset_cpus());
      if (cpus.ok()) cgroup->set_cpuset_cpus(*std::move(cpus));
    }
    for (v1::IoLimit& io : *cgroup->mutable_io()) NormalizeQuantities(&io);
    SortList("cgroup.io", cgroup->mutable_io(), DeviceKey);
  }

  void NormalizeSeccomp() {
    v1::Seccomp* seccomp = policy_.mutable_seccomp();
    ResolveEnforcement(seccomp);
    if (seccomp->default_action() == v1::Seccomp::ACTION_UNSPECIFIED) {
      seccomp->set_default_action(v1::Seccomp::ERRNO);
    }
    if (seccomp->default_action() == v1::Seccomp::ERRNO && seccomp->default_errno().empty()) {
      seccomp->set_default_errno(std::string(kDefaultErrno));
    }
    if (seccomp->kill_evidence() == v1::Seccomp::KILL_EVIDENCE_UNSPECIFIED) {
      seccomp->set_kill_evidence(v1::Seccomp::NAMED_IF_AVAILABLE);
    }
    SortNames("seccomp.allow", seccomp->mutable_allow());
    SortNames("seccomp.kill", seccomp->mutable_kill());
    // The order of rules has a meaning: the first one that holds decides. That of calls has none.
    for (int i = 0; i < seccomp->rule_size(); ++i) {
      v1::Rule* rule = seccomp->mutable_rule(i);
      const bool fails =
          rule->action() == v1::Seccomp::ERRNO || rule->action() == v1::Seccomp::NOTIFY;
      if (fails && rule->errno_name().empty()) {
        rule->set_errno_name(std::string(kDefaultRuleErrno));
      }
      const std::string path = IndexedField("seccomp.rule", static_cast<size_t>(i));
      SortNames(ChildField(path, "calls"), rule->mutable_calls());
    }
  }

  void NormalizeLandlock() {
    v1::Landlock* landlock = policy_.mutable_landlock();
    ResolveEnforcement(landlock);
    for (v1::FileRule& file : *landlock->mutable_file()) MakeCanonical(file.mutable_path());
    SortList("landlock.file", landlock->mutable_file(),
             [](const v1::FileRule& file) { return file.path(); });
  }

  // Sorts by a key that is unique in a valid policy.
  template <typename List, typename KeyOf>
  void SortList(const std::string& path, List* list, KeyOf key_of) {
    std::vector<int> sorted(static_cast<size_t>(list->size()));
    std::iota(sorted.begin(), sorted.end(), 0);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](int a, int b) { return key_of((*list)[a]) < key_of((*list)[b]); });
    List out;
    Order& order = orders_[path];
    order.resize(sorted.size());
    for (const int old_index : sorted) {
      order[static_cast<size_t>(old_index)] = static_cast<size_t>(out.size());
      *out.Add() = (*list)[old_index];
    }
    list->Swap(&out);
  }

  // As SortList; a name that is there twice is kept once.
  template <typename KeyOf>
  void SortNames(const std::string& path, google::protobuf::RepeatedPtrField<std::string>* names,
                 KeyOf key_of) {
    SortList(path, names, key_of);
    google::protobuf::RepeatedPtrField<std::string> out;
    Order kept_as(static_cast<size_t>(names->size()));
    for (int i = 0; i < names->size(); ++i) {
      if (i == 0 || (*names)[i] != (*names)[i - 1]) *out.Add() = (*names)[i];
      kept_as[static_cast<size_t>(i)] = static_cast<size_t>(out.size() - 1);
    }
    for (size_t& index : orders_[path]) index = kept_as[index];
    names->Swap(&out);
  }
  void SortNames(const std::string& path, google::protobuf::RepeatedPtrField<std::string>* names) {
    SortNames(path, names, [](const std::string& name) { return name; });
  }

  // "mounts.bind[2].source" after the sort, of "mounts.bind[0].source".
  std::string Moved(const std::string& path) const {
    for (size_t open = path.find('['); open != std::string::npos; open = path.find('[', open + 1)) {
      const auto found = orders_.find(path.substr(0, open));
      if (found == orders_.end()) continue;
      const size_t close = path.find(']', open);
      size_t index = 0;
      if (close == std::string::npos ||
          !absl::SimpleAtoi(path.substr(open + 1, close - open - 1), &index) ||
          index >= found->second.size()) {
        continue;
      }
      return absl::StrCat(IndexedField(found->first, found->second[index]), path.substr(close + 1));
    }
    return path;
  }

  void MovePlaces() {
    SourceMap moved(parsed_.places.file());
    for (const auto& [path, place] : parsed_.places.entries()) {
      moved.SetFrom(Moved(path), parsed_.places, path);
    }
    parsed_.places = std::move(moved);
  }

  ParsedPolicy& parsed_;
  v1::Policy& policy_;
  std::map<std::string, Order> orders_;
};

}  // namespace

absl::StatusOr<NormalPolicy> NormalPolicy::Make(ParsedPolicy policy) {
  CORDON_RETURN_IF_ERROR(ValidatePolicy(policy));
  Normalizer(&policy).Run();
  return NormalPolicy(std::move(policy));
}

}  // namespace cordon
