// SPDX-License-Identifier: Apache-2.0
// A set-up program that nobody has checked, for tests that take a step out of it on purpose. The
// library has no door for it: an explicit instantiation may name a private member, and this header
// uses that.
#ifndef CORDON_TESTS_SUPPORT_UNCHECKED_PROGRAM_H_
#define CORDON_TESTS_SUPPORT_UNCHECKED_PROGRAM_H_

#include <utility>

#include "sandbox/program/check.h"

namespace cordon {

using ProgramMember = SetupProgram CheckedProgram::*;
inline ProgramMember program_member = nullptr;

template <ProgramMember kMember>
struct RevealProgram {
  RevealProgram() { program_member = kMember; }
  static RevealProgram instance;
};
template <ProgramMember kMember>
RevealProgram<kMember> RevealProgram<kMember>::instance;
template struct RevealProgram<&CheckedProgram::program_>;

// `checked` with another program in it.
inline CheckedProgram Unchecked(CheckedProgram checked, SetupProgram program) {
  checked.*program_member = std::move(program);
  return checked;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_UNCHECKED_PROGRAM_H_
