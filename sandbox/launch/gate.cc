// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/gate.h"

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/layers/mount_table.h"

namespace cordon {
namespace {

class Reader : public TwinObserver {
 public:
  Reader(const Child& child, const CheckedProgram& program, const v1::Plan& plan)
      : child_(child), program_(program), plan_(plan) {}

  // Init holds still from here on: its files are read while the twin works.
  absl::Status TwinForked() override {
    const uint64_t began = MonotonicNs();
    CORDON_ASSIGN_OR_RETURN(at_gate_.back, TakeReadBack(child_.pid));
    CORDON_RETURN_IF_ERROR(ReadPlaces(PlacesOf(plan_.mount()), &at_gate_.back));
    for (const int fd : {child_.stdin_write.get(), child_.stdout_read.get(),
                         child_.stderr_read.get(), child_.control.get()}) {
      CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd));
      at_gate_.back.pipes.push_back(absl::StrCat("pipe:[", info.inode, "]"));
    }
    at_gate_.back.pipes.push_back(child_.status_link);
    CORDON_RETURN_IF_ERROR(OpenTwin(at_gate_.back, &at_gate_.twin));
    return Spent(began);
  }

  absl::Status TwinStands() override {
    const uint64_t began = MonotonicNs();
    CORDON_RETURN_IF_ERROR(ReadStandingTwin(plan_.process().working_directory(), &at_gate_.twin));
    return Spent(began);
  }

  absl::Status TwinEnded(int code, int status) override {
    const uint64_t began = MonotonicNs();
    CORDON_RETURN_IF_ERROR(ReadDeadTwin(&at_gate_.twin));
    ReadAnswers(program_.program(), *child_.region(), &at_gate_.twin);
    at_gate_.twin.end_code = code;
    at_gate_.twin.end_status = status;
    return Spent(began);
  }

  AtGate& at_gate() { return at_gate_; }

 private:
  absl::Status Spent(uint64_t since_ns) {
    at_gate_.reading_ns += MonotonicNs() - since_ns;
    return absl::OkStatus();
  }

  const Child& child_;
  const CheckedProgram& program_;
  const v1::Plan& plan_;
  AtGate at_gate_;
};

}  // namespace

absl::StatusOr<AtGate> ReadAtGate(const Child& child, const CheckedProgram& program,
                                  const v1::Plan& plan, int timeout_ms) {
  Reader reader(child, program, plan);
  CORDON_RETURN_IF_ERROR(AwaitGate(child, program, timeout_ms, &reader));
  return std::move(reader.at_gate());
}

}  // namespace cordon
