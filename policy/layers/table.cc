// SPDX-License-Identifier: Apache-2.0
// The table of layers, with the proof that it holds every layer once and in a sound order.
#include <array>
#include <cstddef>

#include "policy/layers/apparmor.h"
#include "policy/layers/caps.h"
#include "policy/layers/cgroup.h"
#include "policy/layers/landlock.h"
#include "policy/layers/layer.h"
#include "policy/layers/mount.h"
#include "policy/layers/namespaces.h"
#include "policy/layers/net.h"
#include "policy/layers/process.h"
#include "policy/layers/rlimit.h"
#include "policy/layers/seccomp.h"
#include "policy/layers/userns.h"

namespace cordon {
namespace {

// The process limit is RLIMIT_NPROC where no cgroup holds it.
constexpr LayerId kRlimitNeeds[] = {LayerId::kCgroup};
// Its rules are made of the mounts, and of whether the job has a network.
constexpr LayerId kLandlockNeeds[] = {LayerId::kMount, LayerId::kNet};

// A profile is made of all that a job can reach.
constexpr LayerId kAppArmorNeeds[] = {LayerId::kMount, LayerId::kNet, LayerId::kCaps,
                                      LayerId::kLandlock, LayerId::kSeccomp};

constexpr std::array<LayerCompiler, kLayerCount> kTable = {{
    {LayerId::kNamespaces, "namespaces", CompileNamespaces, {}},
    {LayerId::kUserns, "userns", CompileUserns, {}},
    {LayerId::kMount, "mount", CompileMount, {}},
    {LayerId::kCgroup, "cgroup", CompileCgroup, {}},
    {LayerId::kNet, "net", CompileNet, {}},
    {LayerId::kRlimit, "rlimit", CompileRlimit, kRlimitNeeds},
    {LayerId::kCaps, "caps", CompileCaps, {}},
    {LayerId::kLandlock, "landlock", CompileLandlock, kLandlockNeeds},
    {LayerId::kSeccomp, "seccomp", CompileSeccomp, {}},
    {LayerId::kAppArmor, "apparmor", CompileAppArmor, kAppArmorNeeds},
    {LayerId::kProcess, "process", CompileProcess, {}},
}};

// Row N is layer N, so every layer has exactly one row, and what it depends on comes before it.
constexpr bool TableIsSound() {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<size_t>(kTable[i].id) != i || kTable[i].compile == nullptr) return false;
    for (LayerId needed : kTable[i].depends_on) {
      if (static_cast<size_t>(needed) >= i) return false;
    }
  }
  return true;
}
static_assert(TableIsSound());
static_assert(static_cast<int>(LayerId::kProcess) + 1 == kLayerCount);

}  // namespace

absl::Span<const LayerCompiler> LayerTable() { return kTable; }

absl::string_view LayerName(LayerId id) { return kTable[static_cast<size_t>(id)].name; }

v1::Enforcement Resolve(v1::Enforcement enforcement) {
  return enforcement == v1::ENFORCEMENT_UNSPECIFIED ? v1::REQUIRED : enforcement;
}

Error FieldError(const NormalPolicy& policy, absl::StatusCode code, absl::string_view field,
                 absl::string_view message) {
  return Error(code, message).Field(field).Source(policy.places().Find(field));
}

absl::Status WithPlaces(const NormalPolicy& policy, const absl::Status& status) {
  if (status.ok()) return status;
  std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (v1::ErrorDetail& detail : details) {
    if (detail.source().empty() && !detail.policy_field().empty()) {
      detail.set_source(policy.places().Find(detail.policy_field()));
    }
  }
  return ErrorFromDetails(status.code(), details);
}

}  // namespace cordon
