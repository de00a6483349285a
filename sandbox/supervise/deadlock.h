// SPDX-License-Identifier: Apache-2.0
// PURE: two looks at sandboxes that talk -> do they wait for each other, for ever? Entry point:
// FindDeadlock. Rather misses one, which a limit ends later, than calls one where there is none.
#ifndef CORDON_SANDBOX_SUPERVISE_DEADLOCK_H_
#define CORDON_SANDBOX_SUPERVISE_DEADLOCK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sandbox/supervise/waits.h"

namespace cordon {

// What was seen of one sandbox that lives.
struct TalkerLook {
  std::string name;
  // The supervisor has nothing to carry to it or from it, and no input from outside can come.
  bool quiet = false;
  uint64_t unread = 0;  // bytes that wait in its stdin
  TreeWaits waits;
  // Its ends of connected streams: "pipe:[7]" -> "stdin, from grader.stdout".
  std::map<std::string, std::string> streams;
};

// Who waits for whom, one line for each sandbox; empty when this is no deadlock. It is one when in
// both looks every sandbox that lives is quiet and stuck (waits.h) and has a thread that waits on a
// connected stream, nobody reads where bytes are waiting, and no thread has run in between.
std::vector<std::string> FindDeadlock(const std::vector<TalkerLook>& before,
                                      const std::vector<TalkerLook>& now);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_DEADLOCK_H_
