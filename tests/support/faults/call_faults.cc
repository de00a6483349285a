// SPDX-License-Identifier: Apache-2.0
// Stands between sandbox/os and the C library. A call that fails here was not made.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstring>

#include "tests/support/faults/state.h"

namespace cordon::faults {
namespace {

// True when this call is the one that fails; errno is set then.
bool Fails(const char* name) {
  // A helper that the supervisor forks has calls of its own.
  if (state == nullptr || state->armed != ::getpid()) return false;
  if (state->calls < kMostNames) state->names[state->calls] = name;
  ++state->calls;
  if (state->watch_call == 0 && strcmp(name, "epoll_create1") == 0) {
    state->watch_call = state->calls;
  }
  if (state->clone_call != 0 && state->calls == state->clone_call + state->hold) {
    __atomic_store_n(&state->hold_reached, 1, __ATOMIC_SEQ_CST);
    // A test that is killed holds nobody for ever.
    const pid_t above = ::getppid();
    while (__atomic_load_n(&state->hold_released, __ATOMIC_SEQ_CST) == 0 && ::getppid() == above) {
      ::sched_yield();
    }
  }
  if (state->from_clone != 0 && state->clone_call == 0) return false;
  if (state->calls != state->call + (state->from_clone != 0 ? state->clone_call : 0)) return false;
  strncpy(state->call_name, name, sizeof(state->call_name) - 1);
  __atomic_store_n(&state->call_reached, 1, __ATOMIC_SEQ_CST);
  if (state->call_error == 0) ::kill(::getpid(), SIGKILL);
  errno = state->call_error;
  return true;
}

void NoteGate(const void* bytes, size_t size) {
  if (state == nullptr || state->armed == 0 || state->gate_call != 0 || size != 1) return;
  if (*static_cast<const char*>(bytes) == 'G') state->gate_call = state->calls;
}

void NoteClone(long number) {
  if (state == nullptr || state->armed != ::getpid() || number != SYS_clone3) return;
  if (state->clone_call == 0) state->clone_call = state->calls;
}

}  // namespace
}  // namespace cordon::faults

using cordon::faults::Fails;

// NOLINTBEGIN(bugprone-reserved-identifier): names that the linker gives
extern "C" {

#define CALL(type, name, parameters, arguments) \
  type __real_##name parameters;                \
  type __wrap_##name parameters {               \
    if (Fails(#name)) return -1;                \
    return __real_##name arguments;             \
  }
#define POINTER(name, parameters, arguments)                                               \
  void* __real_##name parameters;                                                          \
  void* __wrap_##name parameters {                                                         \
    if (Fails(#name)) {                                                                    \
      return strcmp(#name, "mmap") == 0 ? reinterpret_cast<void*>(-1)                      \
                                        : nullptr; /* NOLINT(performance-no-int-to-ptr) */ \
    }                                                                                      \
    return __real_##name arguments;                                                        \
  }
#define VARIADIC(type, name, parameters, arguments, last) \
  type __real_##name parameters;                          \
  type __wrap_##name parameters {                         \
    if (Fails(#name)) return -1;                          \
    va_list rest;                                         \
    va_start(rest, last);                                 \
    const long more = va_arg(rest, long);                 \
    va_end(rest);                                         \
    return __real_##name arguments;                       \
  }
#include "tests/support/faults/calls.inc"
#undef CALL
#undef POINTER
#undef VARIADIC

ssize_t __real_write(int fd, const void* bytes, size_t size);
ssize_t __wrap_write(int fd, const void* bytes, size_t size) {
  if (Fails("write")) return -1;
  cordon::faults::NoteGate(bytes, size);
  return __real_write(fd, bytes, size);
}

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (Fails("syscall")) return -1;
  cordon::faults::NoteClone(number);
  return __real_syscall(number, a, b, c, d, e, f);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
