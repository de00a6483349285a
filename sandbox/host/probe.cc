// SPDX-License-Identifier: Apache-2.0
#include "sandbox/host/probe.h"

#include <linux/sched.h>
#include <sys/resource.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/uapi/uapi.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/audit.h"
#include "sandbox/os/file.h"
#include "sandbox/os/kernel_log.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/seccomp_listener.h"

namespace cordon {
namespace {

constexpr uint64_t kAllNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                                    CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;

std::string ReadWord(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, path);
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : std::string();
}

uint64_t SwapTotalBytes() {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, "/proc/meminfo");
  if (!text.ok()) return 0;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t kib = 0;
    if (words.size() == 3 && words[0] == "SwapTotal:" && absl::SimpleAtoi(words[1], &kib)) {
      return kib * 1024;
    }
  }
  return 0;
}

// Whoever may read the log and not ask what audit does with it cannot rely on it.
bool LandlockIsLogged() {
  const absl::StatusOr<AuditState> audit = ReadAudit();
  return audit.ok() && audit->on && audit->daemon == 0 && InFirstNamespaces() &&
         KernelLog::OpenAtEnd().ok();
}

// One that cannot be read may be anything.
v1::HostFacts::CoreDumps ProbeCoreDumps() {
  const absl::StatusOr<std::string> pattern = ReadAt(kCwd, "/proc/sys/kernel/core_pattern");
  if (!pattern.ok() || absl::StartsWith(*pattern, "|")) return v1::HostFacts::CORE_TO_PROGRAM;
  return absl::StartsWith(*pattern, "@") ? v1::HostFacts::CORE_TO_SOCKET
                                         : v1::HostFacts::CORE_TO_FILE;
}

absl::Status ProbeRlimits(v1::RlimitCeilings* ceilings) {
  CORDON_ASSIGN_OR_RETURN(const Rlimit file_size, GetRlimit(RLIMIT_FSIZE));
  CORDON_ASSIGN_OR_RETURN(const Rlimit open_files, GetRlimit(RLIMIT_NOFILE));
  CORDON_ASSIGN_OR_RETURN(const Rlimit stack, GetRlimit(RLIMIT_STACK));
  CORDON_ASSIGN_OR_RETURN(const Rlimit locked_memory, GetRlimit(RLIMIT_MEMLOCK));
  CORDON_ASSIGN_OR_RETURN(const Rlimit message_queues, GetRlimit(RLIMIT_MSGQUEUE));
  CORDON_ASSIGN_OR_RETURN(const Rlimit pending_signals, GetRlimit(RLIMIT_SIGPENDING));
  CORDON_ASSIGN_OR_RETURN(const Rlimit core, GetRlimit(RLIMIT_CORE));
  ceilings->set_file_size(file_size.hard);
  ceilings->set_open_files(open_files.hard);
  ceilings->set_stack(stack.hard);
  ceilings->set_locked_memory(locked_memory.hard);
  ceilings->set_message_queues(message_queues.hard);
  ceilings->set_pending_signals(pending_signals.hard);
  ceilings->set_core(core.hard);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::HostFacts> ProbeHost() {
  v1::HostFacts facts;
  facts.set_kernel_release(ReadWord("/proc/sys/kernel/osrelease"));
#if defined(__x86_64__)
  facts.set_architecture("x86_64");
#else
  facts.set_architecture("aarch64");
#endif
  facts.set_privileged(EffectiveUid() == 0);
  facts.set_user_namespaces(true);
  facts.set_cpus(OnlineCpus());
  facts.set_page_size(PageSize());
  facts.set_swap_total_bytes(SwapTotalBytes());
  for (const absl::string_view action :
       absl::StrSplit(ReadWord("/proc/sys/kernel/seccomp/actions_avail"), ' ', absl::SkipEmpty())) {
    facts.add_seccomp_actions(std::string(action));
  }
  facts.set_no_seccomp_listener(WhyNoListener());
  const absl::StatusOr<uint32_t> landlock = LandlockAbi();
  if (landlock.ok()) {
    facts.set_landlock_abi(*landlock);
    facts.set_landlock_log(*landlock >= uapi::kLandlockLogAbi && LandlockIsLogged());
  } else {
    facts.set_landlock_why(DetailsOf(landlock.status()).front().hint());
  }
  *facts.mutable_apparmor() = ProbeAppArmor();
  CORDON_RETURN_IF_ERROR(ProbeRlimits(facts.mutable_rlimit_hard()));
  facts.set_core_dumps(ProbeCoreDumps());
  CORDON_RETURN_IF_ERROR(ProbeCgroup(&facts));
  return facts;
}

absl::StatusOr<v1::HostFacts> ProbeHostThoroughly() {
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ProbeHost());
  const absl::Status tried = TryNamespaces(kAllNamespaces);
  facts.set_user_namespaces(tried.ok());
  if (!tried.ok()) facts.set_user_namespaces_why(RenderError(DetailsOf(tried)[0]));
  return facts;
}

}  // namespace cordon
