// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/twin_back.h"

#include <fcntl.h>
#include <string.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon {

int64_t TwinBack::Answer(absl::string_view probe, uint32_t point) const {
  const auto found = answers.find(std::string(probe));
  if (found == answers.end()) return kNoAnswer;
  const auto at = found->second.find(point);
  return at == found->second.end() ? kNoAnswer : at->second;
}

std::string TwinBack::Text(size_t offset) const {
  if (offset >= buffer.size()) return "";
  const absl::string_view rest = absl::string_view(buffer).substr(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

child::Probe MakeProbe(uint32_t number, const std::vector<uint64_t>& args, uint32_t when) {
  child::Probe probe = {};
  probe.number = number;
  probe.when = when;
  probe.text_arg = probe.buffer_arg = -1;
  for (size_t i = 0; i < args.size() && i < std::size(probe.args); ++i) probe.args[i] = args[i];
  return probe;
}

std::string AnswerText(int64_t answer) {
  if (answer == kNoAnswer) return "no answer";
  if (answer >= 0 || answer < -4095) return absl::StrCat(answer);
  return ErrnoName(static_cast<int>(-answer));
}

absl::Status OpenTwin(const ReadBack& init, TwinBack* twin) {
  const std::string file = absl::StrCat("task/", init.pid, "/children");
  CORDON_ASSIGN_OR_RETURN(const std::string children, ReadAt(init.proc.get(), file));
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(children), &twin->pid)) {
    return Mismatch("process", "children of init", "one, the twin", children);
  }
  CORDON_ASSIGN_OR_RETURN(twin->proc,
                          OpenAt(kCwd, absl::StrCat("/proc/", twin->pid), O_RDONLY | O_DIRECTORY));
  return absl::OkStatus();
}

absl::Status ReadStandingTwin(const std::string& working_directory, TwinBack* twin) {
  const int proc = twin->proc.get();
  CORDON_ASSIGN_OR_RETURN(const std::string status, ReadAt(proc, "status"));
  twin->standing = ParseStatus(status);
  CORDON_ASSIGN_OR_RETURN(const std::string stat, ReadAt(proc, "stat"));
  CORDON_ASSIGN_OR_RETURN(twin->place, ParsePlace(stat));
  CORDON_ASSIGN_OR_RETURN(twin->descriptors, ReadDescriptors(proc));
  CORDON_ASSIGN_OR_RETURN(const std::string limits, ReadAt(proc, "limits"));
  CORDON_ASSIGN_OR_RETURN(twin->limits, ParseLimits(limits));
  CORDON_ASSIGN_OR_RETURN(const std::string cgroup, ReadAt(proc, "cgroup"));
  CORDON_ASSIGN_OR_RETURN(twin->cgroup, ParseCgroupFile(cgroup));
  CORDON_ASSIGN_OR_RETURN(const std::string score, ReadAt(proc, "oom_score_adj"));
  twin->oom_score_adj = std::string(absl::StripAsciiWhitespace(score));
  CORDON_ASSIGN_OR_RETURN(twin->directory, ReadLinkAt(proc, "cwd"));
  CORDON_ASSIGN_OR_RETURN(const UniqueFd root, OpenAt(proc, "root", O_PATH | O_DIRECTORY));
  CORDON_ASSIGN_OR_RETURN(twin->root, StatFd(root.get()));
  CORDON_ASSIGN_OR_RETURN(const UniqueFd there, OpenAt(proc, "cwd", O_PATH | O_DIRECTORY));
  CORDON_ASSIGN_OR_RETURN(twin->place_of_directory, StatFd(there.get()));
  if (twin->directory == working_directory) return absl::OkStatus();
  // A link on the way, perhaps; it is resolved inside the twin's root.
  const absl::StatusOr<UniqueFd> planned = OpenInRoot(root.get(), working_directory);
  if (!planned.ok()) return absl::OkStatus();
  const FileInfo& here = twin->place_of_directory;
  CORDON_ASSIGN_OR_RETURN(const FileInfo wanted, StatFd(planned->get()));
  twin->directory_is_planned = here.device == wanted.device && here.inode == wanted.inode;
  return absl::OkStatus();
}

absl::Status ReadDeadTwin(TwinBack* twin) {
  CORDON_ASSIGN_OR_RETURN(const std::string status, ReadAt(twin->proc.get(), "status"));
  twin->dead = ParseStatus(status);
  return absl::OkStatus();
}

void ReadAnswers(const SetupProgram& program, const child::SharedRegion& region, TwinBack* twin) {
  for (size_t i = 0; i < program.probes.size() && i < child::kMaxProbes; ++i) {
    for (int point = 0; point < child::kProbePoints; ++point) {
      const uint32_t bit = 1u << point;
      if ((region.probes_made[i] & bit) == 0) continue;
      twin->answers[program.probes[i]][bit] = region.probe_result[i][point];
    }
  }
  const char* const label = region.twin_onexec;
  twin->apparmor.assign(label, strnlen(label, sizeof(region.twin_onexec)));
  twin->buffer.assign(region.probe_buffer, sizeof(region.probe_buffer));
}

}  // namespace cordon
