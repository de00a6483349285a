// SPDX-License-Identifier: Apache-2.0
// The payload's ways of making calls that a filter with NOTIFY asks about.
#define _GNU_SOURCE
#include "payload_notify.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Tries argv[2] sockets of family argv[3]; the errno of the last, or 0.
int Sockets(char** argv) {
  const int family = atoi(argv[3]);
  int error = 0;
  for (long left = atol(argv[2]); left > 0; --left) {
    const int fd = socket(family, SOCK_STREAM, 0);
    error = fd < 0 ? errno : 0;
    if (fd >= 0) close(fd);
  }
  return error;
}

// For ever, from argv[2] more processes, too.
int SocketFlood(char** argv) {
  for (long i = atol(argv[2]); i > 0; --i) {
    if (fork() == 0) break;
  }
  for (int i = 0;; ++i) (void)socket(AF_INET, SOCK_STREAM, i);
  return 0;
}

static void* OneSocket(void* family) {
  const int fd = socket(*(int*)family, SOCK_DGRAM, 0);
  return (void*)(intptr_t)(fd < 0 ? errno : 0);
}

int SocketInThreads(char** argv) {
  int families[] = {AF_INET, AF_INET6};
  pthread_t threads[2];
  void* errors[2] = {NULL, NULL};
  (void)argv;
  for (int i = 0; i < 2; ++i) {
    if (pthread_create(&threads[i], NULL, OneSocket, &families[i]) != 0) return 99;
  }
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], &errors[i]);
  return (int)(intptr_t)errors[0] + (int)(intptr_t)errors[1];
}

// A filter of its own that asks about socket, whose listener would let everything go on.
int OwnListener(char** argv) {
  struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                               {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_socket},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const struct sock_fprog program = {4, code};
  (void)argv;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) >=
      0) {
    return 100;
  }
  const int refused = errno;
  // Without a listener of its own: the filter's answer is the same, and nobody answers for it.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return 101;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0) return 102;
  return refused;
}
