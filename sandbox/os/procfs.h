// SPDX-License-Identifier: Apache-2.0
// Pure parsers of what the kernel prints (proc_pid_*(5), cgroups(7)). They take text and give
// values or INVALID_ARGUMENT; they never open anything. Bytes may come from a hostile process
// (names, paths), so every field is bounded by the text itself and escapes are undone.
#ifndef CORDON_SANDBOX_OS_PROCFS_H_
#define CORDON_SANDBOX_OS_PROCFS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

// One line of /proc/PID/mountinfo.
struct MountInfo {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string device;  // of the file system: "8:1"
  std::string root;    // what of the file system is mounted
  std::string mount_point;
  std::vector<std::string> options;      // per mount: "ro", "nosuid", "nodev", "noexec" ...
  std::vector<std::string> propagation;  // "shared:7", "master:2" ...
  std::string type;
  std::string source;
  std::vector<std::string> super_options;
  bool Has(absl::string_view option) const;
};
absl::StatusOr<std::vector<MountInfo>> ParseMountInfo(absl::string_view text);

// /proc/PID/status: name -> value without surrounding blanks.
std::map<std::string, std::string> ParseStatus(absl::string_view text);

// One line of /proc/PID/cgroup.
struct CgroupLine {
  uint32_t hierarchy = 0;
  std::vector<std::string> controllers;  // empty for v2
  std::string path;
};
absl::StatusOr<std::vector<CgroupLine>> ParseCgroupFile(absl::string_view text);

// One row of /proc/PID/limits; UINT64_MAX is unlimited.
struct LimitRow {
  uint64_t soft = 0;
  uint64_t hard = 0;
};
absl::StatusOr<std::map<std::string, LimitRow>> ParseLimits(absl::string_view text);

struct IdRange {
  uint64_t inside = 0;
  uint64_t outside = 0;
  uint64_t count = 0;
};
absl::StatusOr<std::vector<IdRange>> ParseIdMap(absl::string_view text);

// "key value" lines (memory.events, cpu.stat, pids.events, memory.oom_control).
std::map<std::string, uint64_t> ParseFlatKeyed(absl::string_view text);
// A single decimal number with an optional newline; "max" gives UINT64_MAX.
absl::StatusOr<uint64_t> ParseNumber(absl::string_view text);

// Where a process's argument strings are (fields 48 and 49 of /proc/PID/stat); zeros when the
// kernel does not say.
struct AddressRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};
AddressRange ParseArgumentRange(absl::string_view stat);

// What /proc/PID/stat says of a process's place: state, group, session, controlling terminal.
struct ProcessPlace {
  char state = '?';
  int64_t group = 0;
  int64_t session = 0;
  int64_t terminal = 0;
  int64_t nice = 0;
  int64_t real_time_priority = 0;  // 0: under no real-time policy
  bool exiting = false;            // it never returns to its program, and may not be a zombie yet
};
absl::StatusOr<ProcessPlace> ParsePlace(absl::string_view stat);

// /proc/PID/syscall of a thread that is blocked in a call.
struct BlockedCall {
  int64_t number = -1;
  std::vector<uint64_t> arguments;  // six
};
// INVALID_ARGUMENT for a thread that runs, or is blocked without a call.
absl::StatusOr<BlockedCall> ParseBlockedCall(absl::string_view text);

// Names of the interfaces in /proc/PID/net/dev.
std::vector<std::string> ParseNetDev(absl::string_view text);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_PROCFS_H_
