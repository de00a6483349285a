// SPDX-License-Identifier: Apache-2.0
// Instructions with targets by name, and then as distances.
#include "policy/bpf/prologue.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/bpf/meaning.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

// Where a jump goes. kNext is the next instruction, kBody what follows the prologue.
enum Target : size_t { kNext, kBody, kCheck, kKill, kNoCall, kTargets };

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kIfAtLeast = BPF_JMP | BPF_JGE | BPF_K;
constexpr uint16_t kReturn = BPF_RET | BPF_K;

struct Step {
  uint16_t code;
  uint32_t k;
  Target yes = kNext;
  Target no = kNext;
  Target label = kNext;  // the target that this step is, if any
};

std::string Encode(const std::vector<Step>& steps) {
  std::array<size_t, kTargets> place = {};
  place[kBody] = steps.size();
  for (size_t at = 0; at < steps.size(); ++at) place[steps[at].label] = at;
  std::string bytes;
  for (size_t at = 0; at < steps.size(); ++at) {
    place[kNext] = at + 1;
    sock_filter op = {};
    op.code = steps[at].code;
    op.k = steps[at].k;
    op.jt = static_cast<uint8_t>(place[steps[at].yes] - (at + 1));
    op.jf = static_cast<uint8_t>(place[steps[at].no] - (at + 1));
    bytes.append(reinterpret_cast<const char*>(&op), sizeof(op));
  }
  return bytes;
}

}  // namespace

std::string Prologue(const v1::SeccompRules& rules, Architecture architecture) {
  const bool has_x32 = architecture == Architecture::kX86_64;
  const bool has_unknown = rules.unknown_from() != 0;
  if (!has_x32 && !has_unknown) return "";
  const uint32_t unknown = has_unknown ? rules.unknown_from() : UINT32_MAX;
  const Target beyond = has_unknown ? kNoCall : kBody;
  std::vector<Step> steps = {{kLoad, offsetof(seccomp_data, arch)},
                             {kIfEqual, AuditArchitecture(architecture), kNext, kBody},
                             {kLoad, offsetof(seccomp_data, nr)}};
  if (has_x32) {
    // Most calls leave here.
    steps.push_back({kIfAtLeast, std::min(unknown, uapi::kX32OldFirst), kNext, kBody});
    steps.push_back({kIfEqual, UINT32_MAX, beyond, kNext});
    steps.push_back({kIfAtLeast, uapi::kX32Bit, kKill, kNext});
    steps.push_back({kIfAtLeast, uapi::kX32OldLast + 1, kCheck, kNext});
    steps.push_back({kIfAtLeast, uapi::kX32OldFirst, kKill, kCheck});
  }
  steps.push_back({kIfAtLeast, unknown, beyond, kBody, kCheck});
  if (has_x32) steps.push_back({kReturn, SECCOMP_RET_KILL_PROCESS, kNext, kNext, kKill});
  if (has_unknown) steps.push_back({kReturn, kReturnNoSuchCall, kNext, kNext, kNoCall});
  return Encode(steps);
}

}  // namespace cordon
