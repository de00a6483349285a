// SPDX-License-Identifier: Apache-2.0
// Lists of CPU numbers as cpuset.cpus takes them.
#ifndef CORDON_POLICY_BASE_CPU_LIST_H_
#define CORDON_POLICY_BASE_CPU_LIST_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

// "0-1,3" for "3,0,1": sorted, without overlaps, neighbours joined to ranges. An error: empty,
// anything but numbers and ranges, a range that runs backwards, a number above 8191 (the kernel's
// largest NR_CPUS).
absl::StatusOr<std::string> CanonicalCpuList(absl::string_view text);

// Whether every processor of `list` is one of `all`. Both canonical; an empty `all` stands for all
// processors, an empty `list`, too.
bool CpusWithin(absl::string_view list, absl::string_view all);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_CPU_LIST_H_
