// SPDX-License-Identifier: Apache-2.0
// The plan of layer rlimit. Soft and hard values are equal: the job has no room to raise.
#include "policy/layers/rlimit.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/units.h"
#include "policy/layers/layer.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

// Below a page no core file is written. Where kernel.core_pattern is a program, the kernel starts
// it as the host's root for every crash and hands it what the job wrote, at a limit of 0 as well;
// the value 1 is how it knows a crash of such a program itself, and then it starts none
// (fs/coredump.c).
constexpr uint64_t kCore = 1;
// Locked pages cannot be reclaimed; key material and the like fits in here.
constexpr uint64_t kMemlock = uint64_t{64} * 1024;
// POSIX message queues are kernel memory, counted per user on the host.
constexpr uint64_t kMessageQueues = uint64_t{64} * 1024;
// So are signals that wait and timers (timer_create), which take one each: of the job's namespaces
// and of whoever made them. A caller has some thousands for everything that it runs.
constexpr uint64_t kPendingSignals = 1024;

struct Limit {
  absl::string_view name;
  uint32_t resource;
  uint64_t value;
  uint64_t caller_hard;     // the caller's own limit; kUnlimited when it has none
  absl::string_view field;  // policy field, "" when the value is ours
};

// A limit that no policy asks for: a caller that has less is no reason to refuse.
uint64_t Ours(uint64_t value, bool known, uint64_t caller_hard) {
  return known ? std::min(value, caller_hard) : value;
}

// What the value is in people's words.
std::string Text(const Limit& limit, uint64_t value) {
  return limit.resource == uapi::kRlimitNofile ? absl::StrCat(value) : FormatSize(value);
}

void Add(const Limit& limit, v1::RlimitPlan* plan) {
  v1::RlimitEntry& entry = *plan->add_entry();
  entry.set_name(std::string(limit.name));
  entry.set_resource(limit.resource);
  entry.set_soft(limit.value);
  entry.set_hard(limit.value);
}

// What of the host gets the dump of a crash in spite of this limit; "" for nothing.
std::string WhyDumpsLeave(const v1::HostFacts& facts, uint64_t core) {
  if (facts.core_dumps() == v1::HostFacts::CORE_TO_SOCKET) {
    return "a socket of the host (kernel.core_pattern), which no limit prevents";
  }
  if (facts.core_dumps() == v1::HostFacts::CORE_TO_PROGRAM && core < kCore) {
    return "a program that runs as the host's root (kernel.core_pattern): an RLIMIT_CORE of 1 "
           "prevents that, but the caller's own hard limit is 0 (ulimit -H -c)";
  }
  return "";
}

}  // namespace

absl::Status CompileRlimit(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan) {
  const v1::Limits& limits = policy.proto().limits();
  v1::RlimitPlan& rlimit = *plan->mutable_rlimit();
  rlimit.set_enforcement(Resolve(limits.enforcement()));
  rlimit.set_enabled(rlimit.enforcement() != v1::OFF);
  if (!rlimit.enabled()) return absl::OkStatus();

  std::vector<v1::ErrorDetail> errors;
  const auto size = [&](absl::string_view field, absl::string_view text) -> uint64_t {
    const absl::StatusOr<uint64_t> value = ParseSizeOrUnlimited(text);
    if (value.ok()) return *value;
    const absl::Status error =
        FieldError(policy, value.status().code(), field, value.status().message());
    errors.push_back(DetailsOf(error).front());
    return 0;
  };
  const bool known = facts.has_rlimit_hard();
  const v1::RlimitCeilings& hard = facts.rlimit_hard();
  const Limit from_policy[] = {
      {"RLIMIT_FSIZE", uapi::kRlimitFsize, size("limits.file_size", limits.file_size()),
       known ? hard.file_size() : kUnlimited, "limits.file_size"},
      {"RLIMIT_STACK", uapi::kRlimitStack, size("limits.stack", limits.stack()),
       known ? hard.stack() : kUnlimited, "limits.stack"},
      {"RLIMIT_NOFILE", uapi::kRlimitNofile, limits.open_files(),
       known ? hard.open_files() : kUnlimited, "limits.open_files"},
  };
  for (Limit limit : from_policy) {
    if (limit.value > limit.caller_hard && rlimit.enforcement() == v1::REQUIRED) {
      const absl::Status error = static_cast<absl::Status>(
          FieldError(policy, absl::StatusCode::kFailedPrecondition, limit.field,
                     absl::StrCat(Text(limit, limit.value), " is above the caller's own hard ",
                                  limit.name, " of ", Text(limit, limit.caller_hard)))
              .Hint(absl::StrCat("lower it to ", Text(limit, limit.caller_hard),
                                 " or raise the caller's limit (ulimit -H)")));
      errors.push_back(DetailsOf(error).front());
    }
    if (limit.value > limit.caller_hard) limit.value = limit.caller_hard;
    Add(limit, &rlimit);
  }
  const uint64_t core = Ours(kCore, hard.has_core(), hard.core());
  if (const std::string why = WhyDumpsLeave(facts, core);
      !why.empty() && rlimit.enforcement() == v1::REQUIRED) {
    const absl::Status error = static_cast<absl::Status>(
        FieldError(policy, absl::StatusCode::kFailedPrecondition, "limits.enforcement",
                   absl::StrCat("a crash of the job would be handed to ", why))
            .Hint("as root set kernel.core_pattern to the name of a file"));
    errors.push_back(DetailsOf(error).front());
  }
  const Limit ours[] = {
      {"RLIMIT_CORE", uapi::kRlimitCore, core, kUnlimited, ""},
      {"RLIMIT_MEMLOCK", uapi::kRlimitMemlock,
       Ours(kMemlock, hard.has_locked_memory(), hard.locked_memory()), kUnlimited, ""},
      {"RLIMIT_MSGQUEUE", uapi::kRlimitMsgqueue,
       Ours(kMessageQueues, hard.has_message_queues(), hard.message_queues()), kUnlimited, ""},
      {"RLIMIT_SIGPENDING", uapi::kRlimitSigpending,
       Ours(kPendingSignals, hard.has_pending_signals(), hard.pending_signals()), kUnlimited, ""},
      {"RLIMIT_NICE", uapi::kRlimitNice, 0, kUnlimited, ""},
      {"RLIMIT_RTPRIO", uapi::kRlimitRtprio, 0, kUnlimited, ""},
  };
  for (const Limit& limit : ours) Add(limit, &rlimit);
  if (!plan->cgroup().enabled()) {
    // Counted per user namespace and id, so it holds the whole job; one more for the init, which
    // has the same id.
    Add({"RLIMIT_NPROC", uapi::kRlimitNproc, uint64_t{limits.processes()} + 1, kUnlimited, ""},
        &rlimit);
  }
  if (errors.empty()) return absl::OkStatus();
  return ErrorFromDetails(absl::StatusCode::kFailedPrecondition, errors);
}

}  // namespace cordon
