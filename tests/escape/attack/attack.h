// SPDX-License-Identifier: Apache-2.0
// Hostile programs, one static binary. `attack NAME ARGS...` runs one; `attack probe NAME...` makes
// single system calls and prints one line for each:
//   NAME ok:VALUE | NAME EXXX | NAME killed:SIGNAL | NAME ended:STATUS | NAME hung
// What a line says is the attacker's word. Whoever runs this judges by what happened outside.
#ifndef CORDON_TESTS_ESCAPE_ATTACK_H_
#define CORDON_TESTS_ESCAPE_ATTACK_H_

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Where a job starts; writable in every shipped profile.
#define WORK "/work"

// One attempt. Negative: it failed with errno.
struct Probe {
  const char* name;
  long (*run)(void);
};

struct Attack {
  const char* name;
  int (*run)(int argc, char** argv);
};

// Tables end with an entry without a name.
extern const struct Probe kKernelProbes[];
extern const struct Probe kNamespaceProbes[];
extern const struct Probe kFileProbes[];
extern const struct Probe kProcessProbes[];
extern const struct Probe kSelfProbes[];
extern const struct Probe kSocketProbes[];
extern const struct Probe kAbiProbes[];

extern const struct Attack kCallAttacks[];
extern const struct Attack kFileAttacks[];
extern const struct Attack kProcessAttacks[];
extern const struct Attack kMemoryAttacks[];
extern const struct Attack kOutputAttacks[];
extern const struct Attack kInfoAttacks[];
extern const struct Attack kViolationAttacks[];
extern const struct Attack kRandomAttacks[];

// Large enough for whatever a call writes into a structure that it is given.
extern char scratch[65536];

void Nap(long milliseconds);
// Prints NAME and the value, or the name of the errno when it is negative.
void Say(const char* name, long result);
// Writes `text` to an existing file; -1 with errno when any step fails.
long WriteFile(const char* path, const char* text);
// Opens and closes; -1 with errno.
long TryOpen(const char* path, int flags);

#endif  // CORDON_TESTS_ESCAPE_ATTACK_H_
