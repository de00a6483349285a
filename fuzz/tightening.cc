// SPDX-License-Identifier: Apache-2.0
// One function per way of allowing less.
#include "fuzz/tightening.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/units.h"
#include "policy/quantity.h"

namespace cordon::fuzz {
namespace {

// A value from the least that is allowed up to `most`.
uint64_t AtMost(const Quantity& quantity, uint64_t most, ByteSource* source) {
  if (quantity.zero && (most < quantity.least || source->Below(4) == 0)) return 0;
  const uint64_t range = most - quantity.least;
  const uint64_t value = source->Value();
  return quantity.least + (range == UINT64_MAX ? value : value % (range + 1));
}

// Lowers quantities that are set, and sets some that are not; for those where less is stricter.
void LowerQuantities(google::protobuf::Message* message, ByteSource* source) {
  for (const Quantity* quantity : QuantitiesOf(message->GetDescriptor())) {
    if (source->Below(3) != 1) continue;
    uint64_t most = quantity->most;
    if (HasQuantity(*message, *quantity)) {
      const absl::StatusOr<uint64_t> now = ReadQuantity(*message, *quantity);
      if (!now.ok()) continue;
      if (*now != kUnlimited) most = *now;
    } else if (quantity->field == "cpu_weight") {
      most = 100;  // what the kernel gives to a group that says nothing
    }
    WriteQuantity(message, *quantity, AtMost(*quantity, most, source));
  }
}

void LowerLimits(v1::Policy* policy, ByteSource* source) {
  LowerQuantities(policy->mutable_limits(), source);
}

void LowerCgroup(v1::Policy* policy, ByteSource* source) {
  v1::Cgroup* cgroup = policy->mutable_cgroup();
  LowerQuantities(cgroup, source);
  for (v1::IoLimit& io : *cgroup->mutable_io()) LowerQuantities(&io, source);
  if (!cgroup->has_cpuset_cpus()) {
    if (source->Below(2) == 1) cgroup->set_cpuset_cpus("0-2");
    return;
  }
  const std::vector<std::string> ends =
      absl::StrSplit(cgroup->cpuset_cpus(), absl::ByAnyChar(",-"));
  cgroup->set_cpuset_cpus(source->Below(2) == 1 ? ends.front() : ends.back());
}

template <typename List>
void RemoveOne(List* list, ByteSource* source) {
  if (list->empty()) return;
  const int index = static_cast<int>(source->Byte()) % list->size();
  list->erase(list->begin() + index);
}

void AllowFewerGroups(v1::Policy* policy, ByteSource* source) {
  RemoveOne(policy->mutable_seccomp()->mutable_allow(), source);
}

// Not the removal of a rule: its calls would fall back to their groups.
void AnswerStricter(v1::Policy* policy, ByteSource* source) {
  v1::Seccomp* seccomp = policy->mutable_seccomp();
  if (source->Below(2) == 1 || seccomp->rule().empty()) {
    const bool kill = source->Below(2) == 1 || seccomp->default_action() == v1::Seccomp::KILL;
    seccomp->set_default_action(kill ? v1::Seccomp::KILL : v1::Seccomp::ERRNO);
    seccomp->set_default_errno(kill ? "" : "EACCES");
    return;
  }
  const int index = static_cast<int>(source->Byte()) % seccomp->rule_size();
  seccomp->mutable_rule(index)->set_action(v1::Seccomp::KILL);
  seccomp->mutable_rule(index)->clear_errno_name();
}

void GiveLessOfMounts(v1::Policy* policy, ByteSource* source) {
  v1::Mounts* mounts = policy->mutable_mounts();
  for (v1::Bind& bind : *mounts->mutable_bind()) {
    if (source->Below(2) == 1) bind.set_read_only(true);
    if (source->Below(4) == 1) bind.set_executable(false);
  }
  for (v1::Tmpfs& tmpfs : *mounts->mutable_tmpfs()) {
    // The mode of the directory is the job's own to change.
    const uint32_t mode = tmpfs.mode();
    LowerQuantities(&tmpfs, source);
    tmpfs.set_mode(mode);
    if (source->Below(2) == 1) tmpfs.set_executable(false);
  }
  if (mounts->has_proc() && source->Below(2) == 1) mounts->mutable_proc()->set_process_only(true);
  if (!mounts->has_dev()) return;
  v1::Dev* dev = mounts->mutable_dev();
  if (dev->device_size() > 1) RemoveOne(dev->mutable_device(), source);
  if (dev->has_shm_size() && source->Below(3) == 1) {
    dev->clear_shm_size();
  } else if (dev->has_shm_size()) {
    LowerQuantities(dev, source);
  }
}

void HideSomething(v1::Policy* policy, ByteSource* source) {
  v1::Mounts* mounts = policy->mutable_mounts();
  if (mounts->bind().empty()) return;
  const int index = static_cast<int>(source->Byte()) % mounts->bind_size();
  mounts->add_masked(
      absl::StrCat(mounts->bind(index).target(), source->Below(2) == 1 ? "/hidden" : ""));
}

void RequireLayers(v1::Policy* policy, ByteSource* source) {
  const auto tighten = [&](auto* block) {
    if (source->Below(2) == 1) block->set_enforcement(v1::REQUIRED);
  };
  tighten(policy->mutable_limits());
  tighten(policy->mutable_cgroup());
  tighten(policy->mutable_capabilities());
  tighten(policy->mutable_seccomp());
  tighten(policy->mutable_network());
  tighten(policy->mutable_landlock());
  tighten(policy->mutable_apparmor());
  if (source->Below(2) == 1) policy->mutable_network()->set_mode(v1::Network::NONE);
}

void AllowLessOfFiles(v1::Policy* policy, ByteSource* source) {
  v1::Landlock* landlock = policy->mutable_landlock();
  for (v1::FileRule& file : *landlock->mutable_file()) {
    const bool was_write = file.access() == v1::FileRule::WRITE;
    if (source->Below(2) == 1) {
      file.set_access(was_write && source->Below(2) == 1 ? v1::FileRule::EXECUTE
                                                         : v1::FileRule::READ);
    }
  }
  const auto& binds = policy->mounts().bind();
  if (binds.empty()) return;
  const std::string& path = binds[static_cast<int>(source->Byte()) % binds.size()].target();
  const auto& files = landlock->file();
  if (std::any_of(files.begin(), files.end(),
                  [&](const v1::FileRule& file) { return file.path() == path; })) {
    return;
  }
  v1::FileRule* file = landlock->add_file();
  file->set_path(path);
  file->set_access(v1::FileRule::READ);
}

using Step = void (*)(v1::Policy* policy, ByteSource* source);
constexpr Step kSteps[] = {LowerLimits,      LowerCgroup,   AllowFewerGroups, AnswerStricter,
                           GiveLessOfMounts, HideSomething, RequireLayers,    AllowLessOfFiles};

}  // namespace

void TightenSome(ByteSource* source, v1::Policy* policy) {
  for (uint32_t i = 1 + source->Below(4); i > 0; --i) {
    kSteps[source->Below(std::size(kSteps))](policy, source);
  }
}

}  // namespace cordon::fuzz
