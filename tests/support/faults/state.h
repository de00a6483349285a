// SPDX-License-Identifier: Apache-2.0
// Where the next fault is: in memory that an observer, a supervisor and the child of a sandbox
// share. Faults are put in by the linker (ld --wrap, see CMakeLists.txt here): what is tested is
// the very archives that ship, and nothing in them knows of faults. Without libc, like the child.
#ifndef CORDON_TESTS_SUPPORT_FAULTS_STATE_H_
#define CORDON_TESTS_SUPPORT_FAULTS_STATE_H_

#include <stdint.h>

namespace cordon::faults {

// Calls whose names are kept; a run makes some hundred.
inline constexpr uint32_t kMostNames = 4096;

// Who makes an operation of the payload's side.
enum Maker : int32_t {
  kItself,   // init and the payload
  kTwin,     // before the gate
  kChecker,  // the process that starts health checks takes some of them
  kCheck,    // and each check takes others
};

struct State {
  // The child: operation `op` fails with `op_error`, or waits there when that is 0.
  int32_t op;  // -1: none
  int32_t op_error;
  int32_t maker;  // whose operation; a Maker
  uint32_t op_reached;
  uint32_t op_released;  // ends the waiting
  uint32_t op_calls;     // how many calls the supervisor had made by then, from clone3 on
  // The supervisor: while armed, its call number `call` (from 1; 0: none) fails with `call_error`,
  // or the process is killed in its place when that is 0.
  int32_t armed;  // its pid
  uint32_t calls;
  uint32_t call;
  uint32_t from_clone;  // 1: `call` counts from clone3 on, and so not what others have left
  int32_t call_error;
  uint32_t call_reached;
  char call_name[24];
  // The supervisor waits before its call number `hold` after clone3 (0: never). How many it makes
  // before depends on what others have left on the host.
  uint32_t hold;
  uint32_t hold_reached;
  uint32_t hold_released;
  uint32_t clone_call;  // number of the call that makes the child
  uint32_t gate_call;   // number of the write that opens the gate; 0 before it
  uint32_t watch_call;  // number of the first call behind Prepare (epoll_create1); 0 before it
  // The names of the calls, from the first on. Of processes that are forks of one: valid in each.
  const char* names[kMostNames];
};

inline State Unbroken() {
  State state = {};
  state.op = -1;
  return state;
}

inline State AtOperation(int32_t op, int32_t error) {
  State state = {};
  state.op = op;
  state.op_error = error;
  return state;
}

// The child waits at `op`, the supervisor before its call number `call`.
inline State BothHeld(int32_t op, uint32_t call) {
  State state = AtOperation(op, 0);
  state.hold = call;
  return state;
}

inline State InTwin(int32_t op, int32_t error) {
  State state = AtOperation(op, error);
  state.maker = kTwin;
  return state;
}

inline State InChecker(int32_t op, int32_t error) {
  State state = AtOperation(op, error);
  state.maker = kChecker;
  return state;
}

inline State AtCall(uint32_t call, int32_t error) {
  State state = Unbroken();
  state.call = call;
  state.call_error = error;
  return state;
}

inline State AtCallFromClone(uint32_t call, int32_t error) {
  State state = AtCall(call, error);
  state.from_clone = 1;
  return state;
}

// Set by the test; null: no faults.
extern State* state;

}  // namespace cordon::faults

#endif  // CORDON_TESTS_SUPPORT_FAULTS_STATE_H_
