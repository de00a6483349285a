// SPDX-License-Identifier: Apache-2.0
// Not for a sandbox: says when a processor did nothing for this machine. A real-time thread on it
// wakes about each millisecond; nothing here may keep it waiting for longer, so when it is late the
// host of a virtual machine had taken the processor, and whatever ran on it is charged with that
// time. Kernel: sched(7). A kernel without preemption keeps it waiting, too, but not that long.
#include <sched.h>
#include <sys/prctl.h>

#include "corpus.h"

#define PERIOD 970000

// The kernel counts user time by looking who runs at a tick, so a thread that wakes just before
// every tick hides whatever it interrupts: ITIMER_VIRTUAL of 20 ms took 860 ms beside one. From one
// tick to the next (CONFIG_HZ 1000, 300, 250, 100) this thread is to be somewhere else.
#define MOVES(tick) ((tick) % PERIOD > PERIOD / 50 && (tick) % PERIOD < PERIOD - PERIOD / 50)
_Static_assert(MOVES(1000000) && MOVES(3333333) && MOVES(4000000) && MOVES(10000000),
               "a witness that runs at every tick changes what it is to watch");

// witness CPU: prints "BEGIN END" (CLOCK_MONOTONIC, ns) for each stretch in which it was gone, at
// most a period too early; "ready" first. Ends with the process that started it.
static int Witness(int argc, char** argv) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(Argument(argc, argv, 1, 0), &one);
  if (sched_setaffinity(0, sizeof(one), &one) != 0) Cannot("sched_setaffinity");
  const struct sched_param lowest = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0) Cannot("sched_setscheduler");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) Cannot("prctl");
  mlockall(MCL_CURRENT);
  dprintf(1, "ready\n");
  for (uint64_t due = Clock(CLOCK_MONOTONIC);;) {
    due += PERIOD;
    const struct timespec wake = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
    const uint64_t now = Clock(CLOCK_MONOTONIC);
    if (now < due + PERIOD) continue;
    dprintf(1, "%llu %llu\n", (unsigned long long)(due - PERIOD), (unsigned long long)now);
    due = now;
  }
}

const struct Case kWitnessCases[] = {{"witness", Witness}, {NULL, NULL}};
