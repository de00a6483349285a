// SPDX-License-Identifier: Apache-2.0
// System calls without libc, for code that runs after clone3 in a process that has no business
// with libc's state. The only file with inline assembly. Results are the kernel's: a value, or
// -errno.
#ifndef CORDON_SANDBOX_CHILD_RAW_SYSCALL_H_
#define CORDON_SANDBOX_CHILD_RAW_SYSCALL_H_

#include <asm/unistd.h>

namespace cordon::child {

#if defined(__x86_64__)
// Kernel: syscall clobbers rcx and r11; arguments in rdi rsi rdx r10 r8 r9.
inline long RawSyscall(long nr, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long RawSyscall(long nr, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = nr;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}
#else
#error "Cordon knows x86_64 and aarch64"
#endif

template <typename T>
inline long AsLong(T* value) {
  return reinterpret_cast<long>(value);
}
template <typename T>
inline long AsLong(T value) {
  return static_cast<long>(value);
}
inline long AsLong(decltype(nullptr)) { return 0; }

// Sys(__NR_read, fd, buffer, size): missing arguments are zero.
inline long Sys(long nr) { return RawSyscall(nr, 0, 0, 0, 0, 0, 0); }
template <typename A>
inline long Sys(long nr, A a) {
  return RawSyscall(nr, AsLong(a), 0, 0, 0, 0, 0);
}
template <typename A, typename B>
inline long Sys(long nr, A a, B b) {
  return RawSyscall(nr, AsLong(a), AsLong(b), 0, 0, 0, 0);
}
template <typename A, typename B, typename C>
inline long Sys(long nr, A a, B b, C c) {
  return RawSyscall(nr, AsLong(a), AsLong(b), AsLong(c), 0, 0, 0);
}
template <typename A, typename B, typename C, typename D>
inline long Sys(long nr, A a, B b, C c, D d) {
  return RawSyscall(nr, AsLong(a), AsLong(b), AsLong(c), AsLong(d), 0, 0);
}
template <typename A, typename B, typename C, typename D, typename E>
inline long Sys(long nr, A a, B b, C c, D d, E e) {
  return RawSyscall(nr, AsLong(a), AsLong(b), AsLong(c), AsLong(d), AsLong(e), 0);
}
template <typename A, typename B, typename C, typename D, typename E, typename F>
inline long Sys(long nr, A a, B b, C c, D d, E e, F f) {
  return RawSyscall(nr, AsLong(a), AsLong(b), AsLong(c), AsLong(d), AsLong(e), AsLong(f));
}

}  // namespace cordon::child

#endif  // CORDON_SANDBOX_CHILD_RAW_SYSCALL_H_
