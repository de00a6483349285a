// SPDX-License-Identifier: Apache-2.0
// The supervisor's end of a seccomp filter that asks (seccomp_unotify(2)), and the socket on which
// it arrives. A call that is asked about can only be denied here: there is no way to let one go on
// (SECCOMP_USER_NOTIF_FLAG_CONTINUE cannot implement a security policy, says the kernel's header),
// and memory of the caller is never read. Entry point: SeccompListener.
#ifndef CORDON_SANDBOX_OS_SECCOMP_LISTENER_H_
#define CORDON_SANDBOX_OS_SECCOMP_LISTENER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/bpf/meaning.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class SeccompListener {
 public:
  // A call that waits for its answer.
  struct Call {
    uint64_t id = 0;
    uint32_t thread = 0;  // its id in the pid namespace of the caller of Receive
    CallSample sample;
  };

  // INVALID_ARGUMENT when the descriptor is no listener.
  static absl::StatusOr<SeccompListener> Adopt(UniqueFd fd);
  SeccompListener(SeccompListener&& other) noexcept = default;
  SeccompListener& operator=(SeccompListener&& other) noexcept = default;

  // What waiting for a call came to.
  struct Wait {
    enum Kind {
      kCall,
      kLost,         // a call was withdrawn (a signal) before it could be read
      kNobody,       // nobody is left under the filter
      kInterrupted,  // by a signal of our own
    };
    Kind kind = kInterrupted;
    Call call;
  };

  // Waits for the next call. One thread may wait while another answers.
  absl::StatusOr<Wait> Await();
  // The next call that waits, if there is one. Never blocks, provided that nobody else receives.
  absl::StatusOr<std::optional<Call>> Receive();
  // The call fails with `errno_value` (1 to 4095). A caller that is gone is no error.
  absl::Status Deny(uint64_t id, uint32_t errno_value);
  // Whether the call still waits, and so whether its thread's id is still that thread's.
  bool Waits(uint64_t id) const;

  int fd() const { return fd_.get(); }

 private:
  SeccompListener() = default;

  UniqueFd fd_;
  // As large as this kernel's structures: it checks and fills all of them.
  std::vector<char> request_;
  std::vector<char> answer_;
};

// Why no filter that is loaded from here on can have a listener, "" when one can: a chain of
// filters has one listener at most, so an outer one takes the place. Makes a process, but only
// where this one is filtered at all.
std::string WhyNoListener();

// Like MakePipe, but the writer can pass descriptors along and the reader gets whole messages.
absl::StatusOr<Pipe> MakePassingPipe();

// As ReadSome, for the reading end of MakePassingPipe. `passed` gets the one descriptor that came
// with the message, if any; several, or one that could not be received, is an error (EMSGSIZE).
IoResult ReceiveSome(int fd, char* buffer, size_t size, UniqueFd* passed);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_SECCOMP_LISTENER_H_
