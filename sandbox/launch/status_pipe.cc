// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/status_pipe.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/seccomp_listener.h"

namespace cordon {
namespace {

using child::FrameKind;
using child::Opcode;
using child::StatusFrame;

absl::Status Malformed(absl::string_view why) {
  return Error(absl::StatusCode::kInternal, absl::StrCat("malformed status frame: ", why));
}

std::string HintFor(Opcode code, int error) {
  switch (code) {
    case Opcode::kOpenTree:
      if (error == ESTALE) return "the source was replaced while the sandbox was being set up";
      if (error == ELOOP) return "a component of the source became a link during set-up";
      return "the source must exist and be reachable for the caller";
    case Opcode::kAttachTree:
    case Opcode::kMountTmpfs:
      if (error == ENOENT || error == EROFS) {
        return "the mount point does not exist in the tree that is bound there; a bound tree is "
               "never modified: create it in the source, or choose another target";
      }
      if (error == ELOOP) {
        return "a component of the target is a link in the bound tree; links there are not "
               "followed: name the place that is meant";
      }
      if (error == ENOTDIR) return "source and target must both be directories or both be files";
      break;
    case Opcode::kMaskPath:
      if (error == ELOOP) {
        return "the path leads through a link, and masking it would leave visible what the link "
               "leads to: mask that";
      }
      break;
    case Opcode::kMountProc:
    case Opcode::kOpenProc:
      if (error == EPERM) {
        return "procfs can be mounted only where the caller sees it whole: in a container its "
               "masked or read-only parts prevent it (run the container with an unmasked /proc)";
      }
      break;
    case Opcode::kSeccompLoad:
      if (error == EBUSY) {
        return "Cordon itself runs under a filter with a listener, and the kernel allows one only: "
               "write ERRNO in place of NOTIFY, and kill_evidence: KERNEL";
      }
      break;
    case Opcode::kForkTwin:
    case Opcode::kForkPayload:
      if (error == EAGAIN) {
        return "the limit on processes of the caller is reached: ulimit -u, pids.max";
      }
      break;
    case Opcode::kSetRlimit:
    case Opcode::kLimitFiles:
      if (error == EPERM) return "the policy's limit is above the caller's hard limit";
      break;
    case Opcode::kExec:
      if (error == ENOENT) return "no such program inside the sandbox; --bind makes it visible";
      if (error == EACCES) return "the file is not executable for the job's ids (chmod a+rx)";
      if (error == ENOEXEC) return "not a program: a script needs a #! line";
      break;
    case Opcode::kChdir:
      if (error == ENOENT) return "the working directory does not exist inside the sandbox";
      if (error == EACCES) return "it must lie inside, and the job must be able to enter it";
      break;
    default:
      break;
  }
  if (error == EOWNERDEAD) {
    return "something ended the process with a signal: an administrator, or the host's memory ran "
           "out";
  }
  if (error == ENOSYS) return "this kernel is too old; Cordon needs Linux 5.14 or newer";
  return "";
}

}  // namespace

absl::StatusOr<StatusFrame> DecodeFrame(absl::string_view bytes) {
  if (bytes.size() != sizeof(StatusFrame)) {
    return Malformed(absl::StrCat(bytes.size(), " bytes instead of ", sizeof(StatusFrame)));
  }
  StatusFrame frame;
  std::memcpy(&frame, bytes.data(), sizeof(frame));
  if (frame.version != child::kWireVersion) {
    return Malformed(absl::StrCat("version ", frame.version));
  }
  if (frame.kind < FrameKind::kStepFailed || frame.kind > child::kLastFrameKind) {
    return Malformed(absl::StrCat("kind ", static_cast<int>(frame.kind)));
  }
  if (frame.opcode > Opcode::kCount || frame.call >= child::KernelCall::kCount) {
    return Malformed("opcode or call is unknown");
  }
  if (frame.error < 0 || frame.error > 4095) return Malformed("errno is out of range");
  return frame;
}

absl::StatusOr<std::optional<StatusFrame>> ReadFrame(int fd, int timeout_ms, UniqueFd* passed) {
  CORDON_ASSIGN_OR_RETURN(const bool ready, AwaitReadable(fd, timeout_ms));
  if (!ready) {
    if (timeout_ms == 0) return absl::UnavailableError("no frame");
    return Error(absl::StatusCode::kDeadlineExceeded,
                 absl::StrCat("the sandbox's init did not answer within ", timeout_ms, " ms"));
  }
  char bytes[sizeof(StatusFrame)];
  // Frames are written in one call below PIPE_BUF, so one read has a whole one.
  const IoResult got = passed != nullptr ? ReceiveSome(fd, bytes, sizeof(bytes), passed)
                                         : ReadSome(fd, bytes, sizeof(bytes));
  if (got.state == IoState::kEnd) return std::optional<StatusFrame>();
  if (got.state == IoState::kWouldBlock && timeout_ms == 0) {
    return absl::UnavailableError("no frame");
  }
  if (got.state == IoState::kWouldBlock) return ErrnoStatus("read", "status pipe", EAGAIN);
  if (got.state == IoState::kError) return ErrnoStatus("read", "status pipe", got.error);
  CORDON_ASSIGN_OR_RETURN(const StatusFrame frame,
                          DecodeFrame(absl::string_view(bytes, got.bytes)));
  return std::optional<StatusFrame>(frame);
}

absl::Status StepError(const StatusFrame& frame, const SetupProgram& program,
                       absl::string_view job) {
  OpOrigin origin;
  if (frame.op_index < program.origins.size()) origin = program.origins[frame.op_index];
  if (frame.opcode == Opcode::kExec) origin.object = std::string(job);
  const absl::string_view step = OpcodeName(frame.opcode);
  bool behind_gate = frame.kind == FrameKind::kExecFailed;
  for (size_t i = 0; i < frame.op_index && i < program.ops.size(); ++i) {
    behind_gate |= program.ops[i].code == Opcode::kGate;
  }
  // Of the payload's steps only its twin reports like that, and it lives before the gate.
  if (frame.kind == FrameKind::kStepFailed && IsPayloadOp(frame.opcode)) behind_gate = false;
  const absl::StatusCode code = frame.error == EPERM || frame.error == EACCES
                                    ? absl::StatusCode::kPermissionDenied
                                    : absl::StatusCode::kFailedPrecondition;
  const std::string message =
      frame.opcode == Opcode::kExec
          ? std::string("the job's program could not be executed")
          : absl::StrCat("set-up step failed (", OpcodeWhy(frame.opcode), ")");
  return Error(code, message)
      .Stage(behind_gate ? "launch" : "prepare")
      .Layer(origin.layer)
      .Field(origin.field)
      .StepAt(frame.op_index, step)
      .Syscall(KernelCallName(frame.call), origin.object, frame.error)
      .Hint(HintFor(frame.opcode, frame.error));
}

absl::Status SilentDeathError(const child::SharedRegion& region, const SetupProgram& program) {
  size_t gate = 0;
  size_t at = 0;
  for (; at < program.ops.size(); ++at) {
    const Opcode code = program.ops[at].code;
    if (code == Opcode::kGate) gate = at;
    // Reap ends last of all.
    if (region.op_done_ns[at] == 0 && code != Opcode::kReap) break;
  }
  Error error(absl::StatusCode::kInternal, "the sandbox's init died without a word");
  error.Hint(HintFor(Opcode::kCount, EOWNERDEAD));
  if (at == program.ops.size()) return error.Stage("run");
  error.Stage(gate == 0 || at == gate ? "prepare" : "launch");
  return error.Layer(program.origins[at].layer)
      .Field(program.origins[at].field)
      .StepAt(static_cast<int>(at), OpcodeName(program.ops[at].code))
      .Syscall("", program.origins[at].object, EOWNERDEAD);
}

}  // namespace cordon
