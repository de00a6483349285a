// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/check_back.h"

#include <fcntl.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

// Of status(5), in the order in which they are compared. The filters come last, as in the process.
constexpr const char* kSame[] = {"Uid",    "Gid",    "Groups", "NoNewPrivs", "CapInh", "CapPrm",
                                 "CapEff", "CapBnd", "CapAmb", "Threads",    "Umask"};
constexpr char kMode[] = "Seccomp";
constexpr char kFilters[] = "Seccomp_filters";

uint64_t NumberOf(const std::map<std::string, std::string>& status, const char* field) {
  uint64_t value = 0;
  return absl::SimpleAtoi(FieldOf(status, field), &value) ? value : 0;
}

absl::Status Differs(absl::string_view layer, absl::string_view what, absl::string_view expected,
                     absl::string_view found) {
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("a health check is not held as the job is: ", what, ": expected ",
                            expected, ", found ", found))
      .Stage("verify")
      .Layer(layer)
      .Hint("this is a defect of Cordon or of the host; the check was not started");
}

absl::Status CompareLimits(const ProcessLook& payload, const ProcessLook& check) {
  for (const auto& [name, limit] : payload.limits) {
    const auto found = check.limits.find(name);
    if (found != check.limits.end() && found->second.hard <= limit.hard) continue;
    return Differs("rlimit", name, absl::StrCat("at most ", limit.hard),
                   found == check.limits.end() ? "nothing" : absl::StrCat(found->second.hard));
  }
  return absl::OkStatus();
}

absl::Status Compare(absl::string_view layer, absl::string_view what, const std::string& expected,
                     const std::string& found) {
  if (expected == found) return absl::OkStatus();
  return Differs(layer, what, expected, found);
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
  if (!proc.ok()) return absl::NotFoundError("the process is gone");
  ProcessLook look;
  struct {
    const char* file;
    std::string text;
  } files[] = {{"status", ""}, {"limits", ""}, {"oom_score_adj", ""}, {"cgroup", ""}};
  for (auto& each : files) {
    absl::StatusOr<std::string> text = ReadAt(proc->get(), each.file);
    if (!text.ok()) {
      const int error = DetailsOf(text.status())[0].errno_value();
      if (error == ESRCH || error == ENOENT) return absl::NotFoundError("the process is gone");
      return text.status();
    }
    each.text = *std::move(text);
  }
  look.status = ParseStatus(files[0].text);
  CORDON_ASSIGN_OR_RETURN(look.limits, ParseLimits(files[1].text));
  look.oom_score_adj = std::string(absl::StripAsciiWhitespace(files[2].text));
  look.cgroup = files[3].text;
  return look;
}

absl::Status VerifyCheck(const ProcessLook& payload, const ProcessLook& check) {
  for (const char* field : kSame) {
    CORDON_RETURN_IF_ERROR(Compare("process", absl::StrCat(field, " in status"),
                                   FieldOf(payload.status, field), FieldOf(check.status, field)));
  }
  CORDON_RETURN_IF_ERROR(CompareLimits(payload, check));
  CORDON_RETURN_IF_ERROR(
      Compare("process", "oom_score_adj", payload.oom_score_adj, check.oom_score_adj));
  CORDON_RETURN_IF_ERROR(Compare("cgroup", "control groups", payload.cgroup, check.cgroup));
  if (NumberOf(check.status, kFilters) < NumberOf(payload.status, kFilters)) {
    return absl::UnavailableError("its filter is not there yet");
  }
  for (const char* field : {kMode, kFilters}) {
    CORDON_RETURN_IF_ERROR(Compare("seccomp", absl::StrCat(field, " in status"),
                                   FieldOf(payload.status, field), FieldOf(check.status, field)));
  }
  return absl::OkStatus();
}

}  // namespace cordon
