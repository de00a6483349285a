// SPDX-License-Identifier: Apache-2.0
// What the kernel says about the twin of the payload (sandbox/child/twin.cc), read twice: while it
// stands with everything applied but the filter, and when it is dead under the filter and not yet
// reaped. And what it was answered to its probes.
#ifndef CORDON_SANDBOX_LAYERS_TWIN_BACK_H_
#define CORDON_SANDBOX_LAYERS_TWIN_BACK_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/program/program.h"

namespace cordon {

// No kernel answers this.
inline constexpr int64_t kNoAnswer = INT64_MIN;

struct TwinBack {
  UniqueFd proc;  // /proc/PID
  pid_t pid = 0;
  std::map<std::string, std::string> standing;  // status
  ProcessPlace place;
  std::map<std::string, std::string> descriptors;
  std::map<std::string, LimitRow> limits;
  std::vector<CgroupLine> cgroup;
  std::string oom_score_adj;
  FileInfo root;                            // of the file system
  std::string directory;                    // its working directory, as its root shows it
  FileInfo place_of_directory;              // the same as an object
  bool directory_is_planned = false;        // it is the object that the planned path leads to
  std::map<std::string, std::string> dead;  // status
  std::string apparmor;                     // attr/apparmor/exec, as the twin itself read it
  int end_code = 0;                         // as waitid(2) says it
  int end_status = 0;
  std::map<std::string, std::map<uint32_t, int64_t>> answers;  // by probe and point
  std::string buffer;                                          // what a probe was told in memory

  // `point` is one of kProbe*; kNoAnswer when the probe was not made there.
  int64_t Answer(absl::string_view probe, uint32_t point) const;
  // The text that starts there in the buffer.
  std::string Text(size_t offset) const;
};

// A call with these arguments at these points.
child::Probe MakeProbe(uint32_t number, const std::vector<uint64_t>& args, uint32_t when);

// "EPERM", "0", "7", "no answer".
std::string AnswerText(int64_t answer);

// `init` is the only parent that the twin can have; it must have no other child.
absl::Status OpenTwin(const ReadBack& init, TwinBack* twin);
// `working_directory` is the planned one.
absl::Status ReadStandingTwin(const std::string& working_directory, TwinBack* twin);
absl::Status ReadDeadTwin(TwinBack* twin);
void ReadAnswers(const SetupProgram& program, const child::SharedRegion& region, TwinBack* twin);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_TWIN_BACK_H_
