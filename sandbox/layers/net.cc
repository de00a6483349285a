// SPDX-License-Identifier: Apache-2.0
// net: an empty network namespace, loopback down or up. Devices are counted from outside; the state
// of the loopback is what the twin is told.
#include <asm/unistd.h>
#include <linux/if.h>
#include <linux/sockios.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_join.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

constexpr char kLoopback[] = "lo";
constexpr char kLoopbackProbe[] = "net.loopback";
constexpr uint32_t kRequestAt = 400;  // behind struct new_utsname (namespaces.cc)
static_assert(kRequestAt + sizeof(struct ifreq) <= child::kProbeBuffer);

// Kernel: a tunnel module that is loaded puts one of these into every new network namespace, down
// and without an address, unless net.core.fb_tunnels_only_for_init_net says otherwise
// (Documentation/admin-guide/sysctl/net.rst). Only CAP_NET_ADMIN of the namespace, which nobody in
// it has by now, brings one up.
bool IsFallbackTunnel(const std::string& name) {
  static constexpr const char* kNames[] = {"tunl0",    "gre0", "gretap0", "erspan0", "ip_vti0",
                                           "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// "up", "down", or why that is not known.
std::string LoopbackState(const TwinBack& twin) {
  const int64_t answer = twin.Answer(kLoopbackProbe, child::kProbeConfined);
  struct ifreq request = {};
  if (answer != 0 || twin.buffer.size() < kRequestAt + sizeof(request)) return AnswerText(answer);
  std::memcpy(&request, twin.buffer.data() + kRequestAt, sizeof(request));
  return (request.ifr_flags & IFF_UP) != 0 ? "up" : "down";
}

}  // namespace

absl::Status LowerNet(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (!input.plan.net().own_namespace()) return absl::OkStatus();
  if (phase == Phase::kTwin) {
    child::Probe probe =
        MakeProbe(__NR_ioctl, {0, SIOCGIFFLAGS, builder->Text(kLoopback)}, child::kProbeConfined);
    probe.flags = child::kProbeSocket | child::kProbeNames;
    probe.buffer_arg = 2;
    probe.buffer_at = kRequestAt;
    builder->AddProbe(kLoopbackProbe, probe);
  }
  if (phase == Phase::kBuild && input.plan.net().loopback_up()) {
    builder->Add(child::Opcode::kLoopbackUp, {"net", "network.mode", kLoopback});
  }
  return absl::OkStatus();
}

absl::Status VerifyNet(const VerifyInput& input) {
  const std::string& theirs = input.back.namespaces.at("net");
  const std::string& ours = input.back.own_namespaces.at("net");
  if (!input.plan.net().own_namespace()) {
    return theirs == ours ? absl::OkStatus() : Mismatch("net", "net", ours, theirs);
  }
  if (theirs == ours) return Mismatch("net", "net", "a namespace of its own", theirs);
  std::vector<std::string> devices = input.back.network_devices;
  devices.erase(std::remove_if(devices.begin(), devices.end(), IsFallbackTunnel), devices.end());
  if (devices != std::vector<std::string>{kLoopback}) {
    return Mismatch("net", "interfaces", kLoopback,
                    absl::StrJoin(input.back.network_devices, ", "));
  }
  const std::string wanted = input.plan.net().loopback_up() ? "up" : "down";
  const std::string found = LoopbackState(input.twin);
  return found == wanted ? absl::OkStatus() : Mismatch("net", "loopback", wanted, found);
}

}  // namespace cordon
