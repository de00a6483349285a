// SPDX-License-Identifier: Apache-2.0
// The limit files of a control group as data: what is written, and what the kernel shows then. One
// list is both set and compared, so that no file is written and not read back. Internal to
// sandbox/layers.
#ifndef CORDON_SANDBOX_LAYERS_CGROUP_LIMITS_H_
#define CORDON_SANDBOX_LAYERS_CGROUP_LIMITS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/layers/cgroup_group.h"

namespace cordon {

struct LimitFile {
  std::string file;
  std::vector<std::string> writes;  // in this order, one write(2) each; none: only read
  std::string expected;             // lines in any order, without the last newline
};

// How the kernel shows a limit of bytes: whole pages, rounded down; "max" from the largest count of
// pages on. `v1` shows that largest count as a number.
std::string ShownBytes(uint64_t bytes, uint64_t page_size);
std::string ShownBytesV1(uint64_t bytes, uint64_t page_size);

// Everything that cgroup v2 is told about a job. `swap` is false where the kernel does not account
// for swap: memory.swap.max does not exist then.
std::vector<LimitFile> LimitsOfV2(const v1::CgroupPlan& plan, uint64_t page_size, bool swap);

// The process whose /proc/PID/cgroup this is must be in `path` of the hierarchy that has the
// controller; "" is cgroup v2. Errors as of CheckLimit.
absl::Status CheckMember(const std::vector<CgroupLine>& membership, absl::string_view controller,
                         absl::string_view path);

// One process more than SetLimit gave the group, set and compared; `limit` is that of its file.
absl::Status AddProcessTo(const Group& group, const v1::CgroupPlan& plan, LimitFile* limit);

absl::Status SetLimit(const Group& group, const LimitFile& limit);
// FAILED_PRECONDITION, stage "verify", with file, expected and found.
absl::Status CheckLimit(const Group& group, const LimitFile& limit);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_CGROUP_LIMITS_H_
