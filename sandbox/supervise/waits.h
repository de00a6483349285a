// SPDX-License-Identifier: Apache-2.0
// What every thread of a sandbox waits for, as the kernel shows it: one look, which changes
// nothing. Entry point: LookAtWaits.
#ifndef CORDON_SANDBOX_SUPERVISE_WAITS_H_
#define CORDON_SANDBOX_SUPERVISE_WAITS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cordon {

struct ThreadWait {
  int thread = 0;
  uint64_t switches = 0;           // context switches so far: equal in two looks, it has not run
  std::string call;                // "read", "write", "poll", "wait", "futex"
  std::vector<std::string> pipes;  // it waits on, "pipe:[7]"; of a poll, all that it has open
};
bool operator==(const ThreadWait& a, const ThreadWait& b);

struct TreeWaits {
  // Each thread sleeps, without a time limit, in a call that only a process of the same job or one
  // at the other end of a pipe can end: a read or write of a pipe, a poll, waiting for a child or
  // for another thread. And nothing else can wake it: no timer that can be seen, no handler of
  // SIGALRM, no descriptor of another kind than pipes, files, eventfd and epoll. Whatever cannot be
  // read makes this false, and so does a tree without a process, or of more than 512 threads.
  bool stuck = false;
  std::vector<ThreadWait> threads;
};

// The tree below `init`, which is left out itself. Stops at the first thread that is not stuck. A
// look takes a while: what a thread does behind its own turn is not in it. Two looks of the same
// threads with the same switches say that nobody has run between them.
//
// An alarm(2) whose SIGALRM has no handler is not seen. It can only end its process.
TreeWaits LookAtWaits(pid_t init);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_WAITS_H_
