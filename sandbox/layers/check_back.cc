// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/check_back.h"

#include <fcntl.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "policy/base/status.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/os/children.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

// Of status(5), in the order in which they are compared. The filters come last, as in the process.
constexpr const char* kSame[] = {"Uid",    "Gid",    "Groups", "NoNewPrivs", "CapInh", "CapPrm",
                                 "CapEff", "CapBnd", "CapAmb", "Threads",    "Umask"};
constexpr char kMode[] = "Seccomp";
constexpr char kFilters[] = "Seccomp_filters";
constexpr const char* kFiltered[] = {kMode, kFilters};

uint64_t NumberOf(const std::map<std::string, std::string>& status, const char* field) {
  uint64_t value = 0;
  return absl::SimpleAtoi(FieldOf(status, field), &value) ? value : 0;
}

// Whose process it is, for an error.
struct Subject {
  const char* differs;
  const char* hint;
};
constexpr Subject kPayload = {"the job's process is not held as its twin was: ",
                              "this is a defect of Cordon or of the host; the job was not started"};
constexpr Subject kCheck = {"a health check is not held as the job is: ",
                            "this is a defect of Cordon or of the host; the check was not started"};

absl::Status Differs(const Subject& subject, absl::string_view layer, absl::string_view what,
                     absl::string_view expected, absl::string_view found) {
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat(subject.differs, what, ": expected ", expected, ", found ", found))
      .Stage("verify")
      .Layer(layer)
      .Hint(subject.hint);
}

std::string LimitText(const LimitRow& limit) { return absl::StrCat(limit.soft, "/", limit.hard); }

absl::Status SameLimits(const ProcessLook& twin, const ProcessLook& payload) {
  for (const auto& [name, limit] : twin.limits) {
    const auto found = payload.limits.find(name);
    const std::string has = found == payload.limits.end() ? "nothing" : LimitText(found->second);
    if (has == LimitText(limit)) continue;
    return Differs(kPayload, "rlimit", name, LimitText(limit), has);
  }
  return absl::OkStatus();
}

absl::Status LowerLimits(const ProcessLook& payload, const ProcessLook& check) {
  for (const auto& [name, limit] : payload.limits) {
    const auto found = check.limits.find(name);
    if (found != check.limits.end() && found->second.hard <= limit.hard) continue;
    return Differs(kCheck, "rlimit", name, absl::StrCat("at most ", limit.hard),
                   found == check.limits.end() ? "nothing" : absl::StrCat(found->second.hard));
  }
  return absl::OkStatus();
}

absl::Status Compare(const Subject& subject, absl::string_view layer, absl::string_view what,
                     const std::string& expected, const std::string& found) {
  if (expected == found) return absl::OkStatus();
  return Differs(subject, layer, what, expected, found);
}

absl::Status CompareFields(const Subject& subject, absl::string_view layer,
                           absl::Span<const char* const> fields, const ProcessLook& wanted,
                           const ProcessLook& found) {
  for (const char* field : fields) {
    CORDON_RETURN_IF_ERROR(Compare(subject, layer, absl::StrCat(field, " in status"),
                                   FieldOf(wanted.status, field), FieldOf(found.status, field)));
  }
  return absl::OkStatus();
}

absl::Status ComparePlace(const Subject& subject, const ProcessLook& wanted,
                          const ProcessLook& found) {
  CORDON_RETURN_IF_ERROR(
      Compare(subject, "process", "oom_score_adj", wanted.oom_score_adj, found.oom_score_adj));
  return Compare(subject, "cgroup", "control groups", wanted.cgroup, found.cgroup);
}

absl::Status GoneOr(const absl::Status& status) {
  return SaysGone(status) ? absl::NotFoundError("the process is gone") : status;
}

}  // namespace

ProcessLook LookOf(const TwinBack& twin) {
  ProcessLook look;
  look.status = twin.dead;
  // Threads, umask and the like were read while it stood; a dead process shows less.
  for (const char* field : kSame) look.status[field] = FieldOf(twin.standing, field);
  // Kernel: 3 is a process that its filter has killed (since 5.17), as some twins are.
  if (look.status[kMode] == "3") look.status[kMode] = "2";
  look.limits = twin.limits;
  look.oom_score_adj = twin.oom_score_adj;
  return look;
}

absl::StatusOr<ProcessLook> ReadProcess(pid_t pid) {
  const absl::StatusOr<UniqueFd> proc =
      OpenAt(kCwd, absl::StrCat("/proc/", pid), O_RDONLY | O_DIRECTORY);
  if (!proc.ok()) return GoneOr(proc.status());
  ProcessLook look;
  struct {
    const char* file;
    std::string text;
  } files[] = {{"status", ""}, {"limits", ""}, {"oom_score_adj", ""}, {"cgroup", ""}};
  for (auto& each : files) {
    absl::StatusOr<std::string> text = ReadAt(proc->get(), each.file);
    if (!text.ok()) return GoneOr(text.status());
    each.text = *std::move(text);
  }
  look.status = ParseStatus(files[0].text);
  CORDON_ASSIGN_OR_RETURN(look.limits, ParseLimits(files[1].text));
  look.oom_score_adj = std::string(absl::StripAsciiWhitespace(files[2].text));
  look.cgroup = files[3].text;
  return look;
}

absl::Status VerifyPayload(const ProcessLook& twin, const ProcessLook& payload) {
  CORDON_RETURN_IF_ERROR(CompareFields(kPayload, "process", kSame, twin, payload));
  CORDON_RETURN_IF_ERROR(SameLimits(twin, payload));
  CORDON_RETURN_IF_ERROR(ComparePlace(kPayload, twin, payload));
  return CompareFields(kPayload, "seccomp", kFiltered, twin, payload);
}

absl::Status VerifyCheck(const ProcessLook& payload, const ProcessLook& check) {
  CORDON_RETURN_IF_ERROR(CompareFields(kCheck, "process", kSame, payload, check));
  CORDON_RETURN_IF_ERROR(LowerLimits(payload, check));
  CORDON_RETURN_IF_ERROR(ComparePlace(kCheck, payload, check));
  if (NumberOf(check.status, kFilters) < NumberOf(payload.status, kFilters)) {
    return absl::UnavailableError("its filter is not there yet");
  }
  return CompareFields(kCheck, "seccomp", kFiltered, payload, check);
}

}  // namespace cordon
