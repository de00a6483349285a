// SPDX-License-Identifier: Apache-2.0
// The modes of the payload that use a known amount of something, so that an account can be judged.
#ifndef CORDON_TESTS_SUPPORT_PAYLOAD_USAGE_H_
#define CORDON_TESTS_SUPPORT_PAYLOAD_USAGE_H_

// burn MS: user time of the process itself.
int Burn(char** argv);
// burn_tree KIND COUNT MS: COUNT others use MS of CPU time each, and the process goes only when all
// of them have. KIND: threads, waited, ignored (nobody waits: SIGCHLD is ignored), orphans (their
// parent is gone), daemons (double fork, own session, stdio closed), killed (each is killed when it
// has used its time).
int BurnTree(char** argv);
// hold KIND MIB: fills that much memory (anon, tmpfs), then computes for ever.
int Hold(char** argv);
// raise NUMBER: sends itself a signal.
int Raise(char** argv);
// seek_beyond FILE BYTES: writes one byte at an offset.
int SeekBeyond(char** argv);
// metronome MS COUNT: writes a byte, waits, COUNT times.
int Metronome(char** argv);
// trickle MS COUNT: computes for a fifth of the time.
int Trickle(char** argv);
// wait_in_vfork: in state D, until its child has slept enough.
int WaitInVfork(char** argv);
// switches COUNT: waits that often.
int Switches(char** argv);

#endif  // CORDON_TESTS_SUPPORT_PAYLOAD_USAGE_H_
