// SPDX-License-Identifier: Apache-2.0
// Does what a plan says, or takes back what was done. Every action is said in one line before it is
// done, the content of a file below it; a dry run says the same lines and does nothing.
#ifndef CORDON_TOOLS_CORDON_SETUP_APPLY_H_
#define CORDON_TOOLS_CORDON_SETUP_APPLY_H_

#include <vector>

#include "absl/status/status.h"
#include "tools/cordon_setup/plan.h"
#include "tools/cordon_setup/tree.h"

namespace cordon::setup {

// Running it twice changes nothing the second time. A file that is there and was not made by this
// program, or was changed since, is an error before anything is done. Cut off anywhere, by an error
// or by a signal, it can be run again, and undone.
absl::Status Apply(const std::vector<Action>& actions, const Means& means);

// Last done, first undone. What was changed since stays, is said, and makes the result an error;
// the record of it stays too. The same holds for what cannot be removed, and for a profile or a
// policy namespace that confines a process: taken away, it would leave it unconfined.
absl::Status Undo(const Means& means);

}  // namespace cordon::setup

#endif  // CORDON_TOOLS_CORDON_SETUP_APPLY_H_
