// SPDX-License-Identifier: Apache-2.0
// The runtime side of the layers: each lowers its part of the plan to set-up operations and
// compares the kernel's read-back with it. One table (table.cc) holds them all, in the order of
// policy/layers. Cgroups are made by the supervisor and have their own interface, cgroup.h.
#ifndef CORDON_SANDBOX_LAYERS_LAYER_H_
#define CORDON_SANDBOX_LAYERS_LAYER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/launch/sources.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/layers/twin_back.h"
#include "sandbox/program/program.h"

namespace cordon {

class CopyInFiles;

// When an operation may run; program/build.cc strings the phases together.
enum class Phase {
  kOpen,     // with the caller's ids: resolve what is outside
  kBuild,    // with the job's ids, the old root still mounted
  kLock,     // in the new root, capabilities of the user namespace still there
  kTwin,     // no operations: probes that the twin makes (SetupBuilder::AddProbe)
  kPayload,  // in the payload, before exec
  kFilter,   // in the payload, the last thing before exec
};

struct LowerInput {
  const v1::Plan& plan;
  const ResolvedSources& sources;
  bool privileged = false;
  const CopyInFiles* copy_in = nullptr;  // null: nothing is put into it
};

struct VerifyInput {
  const v1::Plan& plan;
  const ResolvedSources& sources;
  const ReadBack& back;
  const TwinBack& twin;
  HostIds ids;
  bool privileged = false;
  CgroupLease* lease = nullptr;  // null when the layer is not enabled
  std::string profile_compared;  // AppArmorUse::compared
};

struct LayerRuntime {
  absl::string_view name;
  absl::Status (*lower)(Phase phase, const LowerInput& input, SetupBuilder* builder);
  absl::Status (*verify)(const VerifyInput& input);
  // What the report says once verify was OK. `enabled` tells whether the plan applies the layer.
  v1::LayerState confirmed_state;
  absl::string_view confirmed_by;
  v1::Enforcement (*enforcement)(const v1::Plan& plan);
  bool (*enabled)(const v1::Plan& plan);
  // More words for the report, unless the policy says OFF: how it is enforced, or why it is not.
  std::string (*detail)(const VerifyInput& input) = nullptr;
  // Of a layer that is confirmed by probes: whether they could tell it from its absence. Where they
  // could not, the report says ENFORCED_UNREADABLE.
  bool (*probed)(const VerifyInput& input) = nullptr;
  // What else confirmed it, behind `confirmed_by`: what differs from job to job.
  std::string (*confirmed_too)(const VerifyInput& input) = nullptr;
};

absl::Span<const LayerRuntime> RuntimeLayers();

// Compares what was read with the plan, layer by layer, and gives the rows of the report. The error
// names layer, expected and found.
absl::StatusOr<std::vector<v1::LayerReport>> ConfirmLayers(const VerifyInput& input);

// True when the job's filter lets the twin end by exit_group(2).
bool TwinMayExit(const v1::Plan& plan);

// The filter is loaded and asks about some call: the supervisor must get its listener.
bool ListensToFilter(const v1::Plan& plan);

// Rows of the table, one function pair per layer, in <layer>.cc.
#define CORDON_DECLARE_LAYER(Name)                                                       \
  absl::Status Lower##Name(Phase phase, const LowerInput& input, SetupBuilder* builder); \
  absl::Status Verify##Name(const VerifyInput& input)
CORDON_DECLARE_LAYER(Namespaces);
CORDON_DECLARE_LAYER(Userns);
CORDON_DECLARE_LAYER(Mount);
CORDON_DECLARE_LAYER(Cgroup);
CORDON_DECLARE_LAYER(Net);
CORDON_DECLARE_LAYER(Rlimit);
CORDON_DECLARE_LAYER(Caps);
CORDON_DECLARE_LAYER(Landlock);
CORDON_DECLARE_LAYER(Seccomp);
CORDON_DECLARE_LAYER(AppArmor);
CORDON_DECLARE_LAYER(Process);
#undef CORDON_DECLARE_LAYER
// The supplementary groups of an unprivileged caller, who cannot drop them; "" when there are none.
std::string UsernsDetail(const VerifyInput& input);
bool LandlockProbed(const VerifyInput& input);
bool SeccompProbed(const VerifyInput& input);
std::string SeccompDetail(const VerifyInput& input);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_LAYER_H_
