// SPDX-License-Identifier: Apache-2.0
// How a fuzz target says that a property does not hold.
#ifndef CORDON_FUZZ_REQUIRE_H_
#define CORDON_FUZZ_REQUIRE_H_

#include <cstdlib>
#include <iostream>

#include "absl/strings/string_view.h"
#include "policy/base/status.h"

namespace cordon {

// Prints the property with what shows that it does not hold, and aborts.
inline void Require(bool holds, absl::string_view property, absl::string_view evidence = "") {
  if (holds) return;
  std::cerr << "does not hold: " << property << "\n" << EscapeForPeople(evidence) << "\n";
  std::abort();
}

}  // namespace cordon

#endif  // CORDON_FUZZ_REQUIRE_H_
