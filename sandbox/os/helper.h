// SPDX-License-Identifier: Apache-2.0
// A program of the host that Cordon itself needs, run to its end: an absolute path, no shell, an
// empty environment, nothing of the caller's descriptors. Entry point: RunHelper.
#ifndef CORDON_SANDBOX_OS_HELPER_H_
#define CORDON_SANDBOX_OS_HELPER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

struct HelperResult {
  int code = 0;     // CLD_EXITED, CLD_KILLED
  int status = 0;   // exit code or signal
  std::string out;  // what it wrote to stdout
  std::string err;  // the beginning of what it wrote to stderr
};

// `arguments` begin behind the name of the program. DEADLINE_EXCEEDED when it takes longer than
// `timeout_ms`: it is killed then. RESOURCE_EXHAUSTED above 32 MiB of output.
absl::StatusOr<HelperResult> RunHelper(const std::string& path,
                                       const std::vector<std::string>& arguments,
                                       absl::string_view input, int timeout_ms);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_HELPER_H_
