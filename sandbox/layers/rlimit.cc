// SPDX-License-Identifier: Apache-2.0
// rlimit: the table of the plan, soft and hard, on init: the payload inherits it. Only the limit of
// open files is the payload's own: init sends a descriptor, and the kernel measures who does that
// by this limit (child/listener.cc).
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/uapi/uapi.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

// The names of /proc/PID/limits (fs/proc/base.c), by kernel number.
constexpr const char* kRows[] = {
    "Max cpu time",       "Max file size",     "Max data size",         "Max stack size",
    "Max core file size", "Max resident set",  "Max processes",         "Max open files",
    "Max locked memory",  "Max address space", "Max file locks",        "Max pending signals",
    "Max msgqueue size",  "Max nice priority", "Max realtime priority", "Max realtime timeout"};

bool IsPayloads(const v1::RlimitEntry& entry) { return entry.resource() == uapi::kRlimitNofile; }

absl::Status CheckRow(const std::map<std::string, LimitRow>& limits, const v1::RlimitEntry& entry,
                      absl::string_view whose) {
  const std::string what = absl::StrCat(entry.name(), whose);
  if (entry.resource() >= std::size(kRows)) {
    return Mismatch("rlimit", what, "a known resource", absl::StrCat(entry.resource()));
  }
  const auto row = limits.find(kRows[entry.resource()]);
  if (row == limits.end()) return Mismatch("rlimit", what, "a row in limits", "none");
  if (row->second.soft == entry.soft() && row->second.hard == entry.hard()) {
    return absl::OkStatus();
  }
  return Mismatch("rlimit", what, absl::StrCat(entry.soft(), "/", entry.hard()),
                  absl::StrCat(row->second.soft, "/", row->second.hard));
}

}  // namespace

absl::Status LowerRlimit(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  const bool payloads = phase == Phase::kPayload;
  if (!input.plan.rlimit().enabled() || !(payloads || phase == Phase::kLock)) {
    return absl::OkStatus();
  }
  const auto code = payloads ? child::Opcode::kLimitFiles : child::Opcode::kSetRlimit;
  for (const v1::RlimitEntry& entry : input.plan.rlimit().entry()) {
    if (IsPayloads(entry) != payloads) continue;
    child::Op& op = builder->Add(code, {"rlimit", "limits", entry.name()});
    op.a = entry.resource();
    op.b = entry.soft();
    op.c = entry.hard();
  }
  return absl::OkStatus();
}

absl::Status VerifyRlimit(const VerifyInput& input) {
  if (!input.plan.rlimit().enabled()) return absl::OkStatus();
  for (const v1::RlimitEntry& entry : input.plan.rlimit().entry()) {
    if (!IsPayloads(entry)) CORDON_RETURN_IF_ERROR(CheckRow(input.back.limits, entry, ""));
    CORDON_RETURN_IF_ERROR(CheckRow(input.twin.limits, entry, " of the twin"));
  }
  return absl::OkStatus();
}

}  // namespace cordon
