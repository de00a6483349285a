// SPDX-License-Identifier: Apache-2.0
// Proves a SetupProgram sound before it runs: offsets and slots in range, and the order that
// security rests on. The order lives here and nowhere else.
#ifndef CORDON_SANDBOX_PROGRAM_CHECK_H_
#define CORDON_SANDBOX_PROGRAM_CHECK_H_

#include <utility>

#include "absl/status/statusor.h"
#include "sandbox/program/program.h"

namespace cordon {

// Holding one means that the checks below passed.
class CheckedProgram {
 public:
  // INTERNAL with the index and name of the first offending operation.
  static absl::StatusOr<CheckedProgram> Make(SetupProgram program);
  const SetupProgram& program() const { return program_; }

 private:
  explicit CheckedProgram(SetupProgram program) : program_(std::move(program)) {}
  SetupProgram program_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_PROGRAM_CHECK_H_
