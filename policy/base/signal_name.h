// SPDX-License-Identifier: Apache-2.0
// Names of signals and their numbers on Linux (x86 and ARM have the same).
#ifndef CORDON_POLICY_BASE_SIGNAL_NAME_H_
#define CORDON_POLICY_BASE_SIGNAL_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cordon {

// "SIGSEGV" of 11; "SIGRT3" of 35, as the kernel counts; "signal 99".
std::string SignalName(int number);

// The number of such a name, in capitals and with its SIG.
absl::optional<int> SignalNumber(absl::string_view name);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_SIGNAL_NAME_H_
