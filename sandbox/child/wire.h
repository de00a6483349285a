// SPDX-License-Identifier: Apache-2.0
// What crosses between supervisor and child: the set-up program (operations and an arena of bytes,
// no pointers), the launch program, and the status frames. Plain data, the same on both sides;
// the child archive includes nothing of libc, so neither does this.
#ifndef CORDON_SANDBOX_CHILD_WIRE_H_
#define CORDON_SANDBOX_CHILD_WIRE_H_

#include <stdint.h>

namespace cordon::child {

enum class Opcode : uint16_t {
#define OP(name, side, why) k##name,
#include "sandbox/program/opcode.inc"
#undef OP
  kCount,
};

enum class KernelCall : uint16_t {
#define CALL(name) k_##name,
#include "sandbox/program/kernel_call.inc"
#undef CALL
  kCount,
};

inline constexpr uint32_t kNoData = 0xffffffffu;
inline constexpr int32_t kNoSlot = -1;
inline constexpr uint32_t kMaxOps = 2048;
inline constexpr int32_t kMaxSlots = 256;

// Flags of Op::flags; each opcode says which it reads.
inline constexpr uint16_t kFlagDirectory = 1;   // OpenTree, AttachTree: the source is a directory
inline constexpr uint16_t kFlagMayCreate = 2;   // the target may be created (it is on our tmpfs)
inline constexpr uint16_t kFlagDevice = 4;      // OpenTree: check the device number, not the inode
inline constexpr uint16_t kFlagDropGroups = 8;  // SetIds
inline constexpr uint16_t kFlagProcessOnly = 16;  // MountProc: subset=pid
inline constexpr uint16_t kFlagTwinExits = 32;    // ForkTwin: the twin may end by exit_group(2)
// ForkPayload: the payload loads its filter with a listener, and until PassListener init and
// payload share one table of descriptors.
inline constexpr uint16_t kFlagListener = 64;
// AwaitListener: the filter lets write(2) pass, so the payload can sleep while it waits.
inline constexpr uint16_t kFlagMayWrite = 128;
// Descriptors that this promise is about: more than init ever has open.
inline constexpr int kMostInitFds = 32;

// One step. Meaning of the fields by opcode:
//   OpenTree       data: host path; slot; a: st_dev (or rdev), b: st_ino
//   AttachTree     data: target; slot; a: mount attributes (MOUNT_ATTR_*)
//   MakeRoot       a: bytes, b: inodes
//   MountTmpfs     data: target; a: bytes, b: inodes, c: mode | attributes << 32
//   MakeDirectory  data: target; a: mode         MakeSymlink  data: path, data2: contents
//   MakeFile       data: path, data2/size2: content; a: mode
//   MountProc, MaskPath, SetHostname  data        SetIds  a: uid, b: gid
//   CopyFile       data: path; a: mode, b: where it is in the contents, c: bytes
//   CopyLink       data: path, data2: contents
//   SetRlimit      a: resource, b: soft, c: hard
//   AdoptFds       data: five int32 descriptors; a: 1 + that of the contents, 0: there are none
//   ScrubArguments a: first byte of the argument strings, b: behind the last
//   AwaitParent, AwaitGroup, Gate  a: the byte that is expected
//   LandlockCreate a, b, c: handled accesses of files and TCP, scopes
//   LandlockAllow  data: path; a: rights when it is a directory, b: when it is not
//   AppArmorOnExec data: "exec PROFILE", data2: the label that is read back, without its mode
//   InitFilter, SeccompLoad  data2/size2: struct sock_filter array
//   ForkTwin       data2/size2: array of Probe (may be empty)
struct Op {
  Opcode code;
  uint16_t flags;
  int32_t slot;
  uint32_t data;  // offset in the arena of a NUL-terminated string, or kNoData
  uint32_t data2;
  uint32_t size2;
  uint32_t reserved;
  uint64_t a;
  uint64_t b;
  uint64_t c;
};
static_assert(sizeof(Op) == 48);

struct ProgramView {
  const Op* ops;
  uint32_t op_count;
  const char* arena;
  uint32_t arena_size;
};

// Securebits of a job, which status(5) does not show: every meaning of uid 0 off and locked.
inline constexpr uint64_t kJobSecurebits = 0xef;

// A mask is a tmpfs with room for the one file that it may need.
inline constexpr uint64_t kMaskBytes = 4096;
inline constexpr uint64_t kMaskInodes = 4;

inline constexpr uint32_t kRootMode = 0755;  // of the sandbox's root

// Descriptors of init, fixed by AdoptFds.
inline constexpr int kFdControl = 3;
inline constexpr int kFdStatus = 4;
inline constexpr int kFdContents = 5;  // of files to be copied; until CloseContents

// One system call that the twin makes on behalf of a layer, without lasting effect whatever the
// answer is. The supervisor chose it and judges the answers.
struct Probe {
  uint32_t number;
  uint32_t when;       // kProbe* points below, or'ed
  int32_t text_arg;    // this argument is an offset in the arena and becomes an address; -1: none
  int32_t buffer_arg;  // this one becomes an address in SharedRegion::probe_buffer; -1: none
  uint32_t flags;
  uint32_t buffer_at;  // where in the buffer
  uint64_t args[6];
};
static_assert(sizeof(Probe) == 72);
inline constexpr uint32_t kMaxProbes = 48;
inline constexpr uint32_t kProbeBuffer = 512;

// The points at which the twin makes its probes, in the order of time.
inline constexpr uint32_t kProbeStart = 1;     // as the fork left it
inline constexpr uint32_t kProbeConfined = 2;  // every step of the payload is done but the filter
inline constexpr uint32_t kProbeReleased = 4;  // the supervisor has read it; no filter yet
inline constexpr uint32_t kProbeFiltered = 8;  // under the job's filter, if there is one
inline constexpr int kProbePoints = 4;

inline constexpr uint32_t kProbeCloses = 1;  // the answer is a descriptor, to be closed
inline constexpr uint32_t kProbeSocket = 2;  // argument 0 is a fresh TCP socket, closed afterwards
inline constexpr uint32_t kProbeNames = 4;   // the buffer starts with the text at args[buffer_arg]

// Bytes on the control pipe.
inline constexpr char kByteIdsMapped = 'I';
inline constexpr char kByteGroupEntered = 'C';
inline constexpr char kByteTwinRead = 'R';  // the standing twin was read: it may go on
inline constexpr char kByteTwinDone = 'T';  // the dead twin was read: it may be reaped
inline constexpr char kByteOpenGate = 'G';
inline constexpr char kByteListenerTaken = 'L';  // the supervisor has the listener and watches it
inline constexpr char kByteCheck = 'H';          // to the checker: start a check
inline constexpr char kByteStopCheck = 'K';      // end the one that runs

enum class FrameKind : uint8_t {
  kStepFailed = 1,  // op_index, opcode, errno, call
  kAtGate = 2,
  kExecDone = 3,     // the payload's exec succeeded; aux: its pid inside
  kExecFailed = 4,   // errno; op_index, opcode as for kStepFailed
  kWaitStatus = 5,   // aux: si_code, aux64: si_status of the payload, and kKilledByFilter
  kUsage = 6,        // aux64: microseconds of user << 32 | system time of all reaped children
                     // aux: KiB of the largest one
  kTwinForked = 7,   // aux: its pid inside; init changes nothing of itself any more
  kTwinStands = 8,   // stopped, all but the filter applied
  kTwinEnded = 9,    // aux: si_code, aux64: si_status; not reaped yet
  kListener = 10,    // comes with the listener of the payload's filter; aux: its pid inside
  kFileSignal = 11,  // the payload, aux its id inside, is dead of SIGXFSZ and not reaped yet;
                     // before kWaitStatus, which waits for payload_read
  kUsageCount = 12,  // aux: a CountKind, aux64: its two counts, each of 32 bits, of all reaped
                     // children; before kUsage
  // Of health checks, which are numbered from 1 on. For each that was asked for there is one
  // kCheckEnded, whatever happened.
  kCheckerForked = 13,  // aux: pid inside of the process that starts checks
  kCheckStands = 14,    // aux: pid inside, aux64: number; its filter is there at once, and it waits
  kCheckFailed = 15,    // op_index, opcode, errno, call; aux: number; its program was not started
  kCheckEnded = 16,     // aux: si_code (0: it never was), aux64: si_status | number << 32
  kCheckerEnded = 17,   // aux: si_code, aux64: si_status; no check can be made any more
};
inline constexpr FrameKind kLastFrameKind = FrameKind::kCheckerEnded;

// The counts of kUsageCount, first << 32 | second; what 32 bits do not hold is their largest.
enum class CountKind : uint32_t {
  kSwitches = 0,  // voluntary, involuntary
  kFaults = 1,    // minor, major
  kBlocks = 2,    // read, written: blocks of 512 bytes
};
inline constexpr uint32_t kCountKinds = 3;
// In kWaitStatus: the kernel says that the SIGSYS is that of a filter. Without it, it does not say.
inline constexpr uint64_t kKilledByFilter = uint64_t{1} << 32;

inline constexpr uint8_t kWireVersion = 1;

// One write of 32 bytes, below PIPE_BUF and so atomic. Numbers in host byte order.
struct StatusFrame {
  uint8_t version;
  FrameKind kind;
  uint16_t op_index;
  Opcode opcode;
  KernelCall call;
  int32_t error;
  uint32_t aux;
  uint64_t aux64;
  uint64_t monotonic_ns;
};
static_assert(sizeof(StatusFrame) == 32);

inline constexpr uint32_t kCheckOutput = 1024;

// Shared between supervisor and init (never the payload after exec). The supervisor writes the
// launch program and opens the gate; init writes the times at which operations ended.
inline constexpr uint32_t kLaunchMagic = 0x43524431;
inline constexpr uint32_t kLaunchBytes = 1u << 20;  // argv + environment + paths

struct SharedRegion {
  uint32_t magic;
  uint32_t argc;
  uint32_t envc;
  uint32_t path_count;
  uint32_t used;  // bytes of `bytes`
  uint32_t cwd;   // offset
  // Of the offsets (uint32_t each) of argv, environment and paths, then of the argv and the paths
  // of the health check.
  uint32_t vector_offset;
  uint32_t check_argc;  // 0: there is no health check
  uint32_t check_path_count;
  // The hand-over of a listener; atomic, each is written once and by one process.
  uint32_t listener;      // payload: its number + 1; nothing of the job has run
  uint32_t init_ready;    // init: the supervisor has it, and the filter of init is in force
  uint32_t payload_read;  // supervisor: it has looked at the payload that is dead of SIGXFSZ
  uint32_t payload;       // init: the payload's id inside; atomic, 0 before it is there
  // Supervisor: the number of the check that it has read and that may go on; atomic.
  uint32_t check_go;
  // Checker, before kCheckEnded: how the output of that check began.
  uint32_t check_output_size;
  char check_output[kCheckOutput];
  uint64_t op_done_ns[kMaxOps];
  // What the twin was answered, by probe and point; probes_made has a bit per point.
  int64_t probe_result[kMaxProbes][kProbePoints];
  uint32_t probes_made[kMaxProbes];
  char probe_buffer[kProbeBuffer];
  // What the twin read in its attr/apparmor/exec once the step for it was made, or was not.
  char twin_onexec[512];
  char bytes[kLaunchBytes];
  // Room for the pointer tables that init makes of the offsets.
  const char* pointers[65536 + 8];
};

}  // namespace cordon::child

#endif  // CORDON_SANDBOX_CHILD_WIRE_H_
