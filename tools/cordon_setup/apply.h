// SPDX-License-Identifier: Apache-2.0
// Does what a plan says, or takes back what was done. Every action is said in one line before it is
// done, the content of a file below it; a dry run says the same lines and does nothing.
#ifndef CORDON_TOOLS_CORDON_SETUP_APPLY_H_
#define CORDON_TOOLS_CORDON_SETUP_APPLY_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/cordon_setup/plan.h"
#include "tools/cordon_setup/state.h"

namespace cordon::setup {

struct Means {
  std::string root;  // prefix of every path; "" for the host itself
  bool dry_run = false;
  std::function<void(const std::string&)> say;
  // Runs a program by its path, without a shell. Not called in a dry run.
  std::function<absl::Status(const std::vector<std::string>&)> run;
};

// Where the record of what was done is.
inline constexpr char kStateFile[] = "/var/lib/cordon/setup.state";

// Running it twice changes nothing the second time. A file that is there and was not made by this
// program, or was changed since, is an error before anything is done.
absl::Status Apply(const std::vector<Action>& actions, const Means& means);

// Last done, first undone. What was changed since stays, is said, and makes the result an error;
// the record of it stays too.
absl::Status Undo(const Means& means);

}  // namespace cordon::setup

#endif  // CORDON_TOOLS_CORDON_SETUP_APPLY_H_
