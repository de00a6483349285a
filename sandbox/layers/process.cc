// SPDX-License-Identifier: Apache-2.0
// process: descriptors, no_new_privs, the out-of-memory order, umask, the working directory.
#include <asm/unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "sandbox/layers/layer.h"

namespace cordon {

namespace {

constexpr char kKeyringProbe[] = "process.keyring";
constexpr char kPersonalityProbe[] = "process.personality";
constexpr char kUmask[] = "0022";
constexpr char kOomScore[] = "1000";

absl::Status CheckStatus(const std::map<std::string, std::string>& status,
                         absl::string_view whose) {
  for (const char* field : {"NoNewPrivs", "Threads"}) {
    const std::string found = FieldOf(status, field);
    if (found != "1") return Mismatch("process", absl::StrCat(field, whose), "1", found);
  }
  return absl::OkStatus();
}

// What exec does not reset: a signal that is blocked or ignored stays so in the program.
absl::Status CheckSignals(const std::map<std::string, std::string>& twin) {
  constexpr char kNone[] = "0000000000000000";
  for (const char* field : {"SigBlk", "SigIgn"}) {
    const std::string found = FieldOf(twin, field);
    if (found == kNone) continue;
    return Mismatch("process", absl::StrCat(field, " of the twin"), kNone, found);
  }
  return absl::OkStatus();
}

std::string Listed(const std::map<std::string, std::string>& descriptors) {
  return absl::StrJoin(descriptors, ", ", absl::PairFormatter(" "));
}

// Pipes of the supervisor on the first numbers; `rest` is left with what is behind them.
absl::Status TakePipes(const ReadBack& back, size_t count, absl::string_view whose,
                       std::map<std::string, std::string>* rest) {
  for (size_t i = 0; i < count && i < back.pipes.size(); ++i) {
    const auto found = rest->find(absl::StrCat(i));
    if (found == rest->end() || found->second != back.pipes[i]) {
      return Mismatch("process", absl::StrCat("descriptor ", i, " of ", whose), back.pipes[i],
                      found == rest->end() ? "nothing" : found->second);
    }
    rest->erase(found);
  }
  return absl::OkStatus();
}

// stdio, control, status, the detached procfs, and the pipe from the twin.
absl::Status CheckInitDescriptors(const ReadBack& back) {
  std::map<std::string, std::string> rest = back.descriptors;
  CORDON_RETURN_IF_ERROR(TakePipes(back, 5, "init", &rest));
  size_t roots = 0;
  size_t pipes = 0;
  for (const auto& [number, target] : rest) {
    roots += target == "/" ? 1 : 0;
    pipes += absl::StartsWith(target, "pipe:") ? 1 : 0;
  }
  if (rest.size() == 2 && roots == 1 && pipes == 1) return absl::OkStatus();
  return Mismatch("process", "open descriptors of init", "0 to 4, a procfs and a pipe",
                  Listed(back.descriptors));
}

// stdio and the pipe that exec closes.
absl::Status CheckTwinDescriptors(const ReadBack& back, const TwinBack& twin) {
  std::map<std::string, std::string> rest = twin.descriptors;
  CORDON_RETURN_IF_ERROR(TakePipes(back, 3, "the twin", &rest));
  if (rest.size() == 1 && rest.count("3") == 1 && absl::StartsWith(rest["3"], "pipe:")) {
    return absl::OkStatus();
  }
  return Mismatch("process", "open descriptors of the twin", "0 to 3", Listed(twin.descriptors));
}

// Kernel: /proc/PID/personality is closed to users where Yama is strictest, so the twin is asked.
absl::Status CheckInherited(const TwinBack& twin) {
  const int64_t personality = twin.Answer(kPersonalityProbe, child::kProbeConfined);
  if (personality != 0) {
    return Mismatch("process", "personality of the twin", "0", AnswerText(personality));
  }
  if (twin.place.nice < 0) {
    return Mismatch("process", "nice value of the twin", "0 or more",
                    absl::StrCat(twin.place.nice));
  }
  if (twin.place.real_time_priority == 0) return absl::OkStatus();
  return Mismatch("process", "real-time priority of the twin", "0",
                  absl::StrCat(twin.place.real_time_priority));
}

absl::Status CheckPlace(const ProcessPlace& place, pid_t pid, absl::string_view whose) {
  if (place.session != pid || place.group != pid) {
    return Mismatch("process", absl::StrCat("session and group of ", whose), "its own",
                    absl::StrCat(place.session, " and ", place.group));
  }
  if (place.terminal == 0) return absl::OkStatus();
  return Mismatch("process", absl::StrCat("controlling terminal of ", whose), "none",
                  absl::StrCat(place.terminal));
}

// A path says nothing of a directory that the root does not lead to: its mount must be inside.
absl::Status CheckDirectory(const VerifyInput& input) {
  const TwinBack& twin = input.twin;
  const std::string& directory = input.plan.process().working_directory();
  if (twin.directory != directory && !twin.directory_is_planned) {
    return Mismatch("process", "working directory of the twin", directory, twin.directory);
  }
  const auto root = input.back.places.find("/");
  if (root == input.back.places.end() || twin.root.mount != root->second.mount) {
    return Mismatch("process", "root of the twin", "that of init",
                    absl::StrCat("mount ", twin.root.mount));
  }
  for (const MountInfo& mount : input.back.mounts) {
    if (mount.id == twin.place_of_directory.mount) return absl::OkStatus();
  }
  return Mismatch("process", "working directory of the twin", "inside its root",
                  absl::StrCat("mount ", twin.place_of_directory.mount));
}

// A kernel without keyrings has none to leak through.
absl::Status CheckKeyring(const VerifyInput& input) {
  const int64_t found = input.twin.Answer(kKeyringProbe, child::kProbeConfined);
  const int64_t ours = input.back.own_keyring;
  if ((found > 0 && found != ours) || (found == -ENOSYS && ours == -ENOSYS)) {
    return absl::OkStatus();
  }
  return Mismatch("process", "session keyring of the twin", "one of its own",
                  found == ours ? "the supervisor's" : AnswerText(found));
}

}  // namespace

absl::Status LowerProcess(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase == Phase::kTwin) {
    constexpr uint64_t kGetId = 0;                            // KEYCTL_GET_KEYRING_ID
    constexpr uint64_t kSession = static_cast<uint64_t>(-3);  // KEY_SPEC_SESSION_KEYRING
    builder->AddProbe(kKeyringProbe,
                      MakeProbe(__NR_keyctl, {kGetId, kSession, 0}, child::kProbeConfined));
    constexpr uint64_t kAsk = 0xffffffff;  // changes nothing
    builder->AddProbe(kPersonalityProbe,
                      MakeProbe(__NR_personality, {kAsk}, child::kProbeConfined));
  }
  if (phase != Phase::kPayload) return absl::OkStatus();
  const std::string& cwd = input.plan.process().working_directory();
  builder->Add(child::Opcode::kPayloadSession, {"process", "", ""});
  builder->Add(child::Opcode::kCloseInitFds, {"process", "", ""});
  builder->Add(child::Opcode::kSetOomScore, {"process", "", "oom_score_adj"});
  builder->Add(child::Opcode::kChdir, {"process", "working_directory", cwd});
  builder->Add(child::Opcode::kSetUmask, {"process", "", ""});
  return absl::OkStatus();
}

absl::Status VerifyProcess(const VerifyInput& input) {
  CORDON_RETURN_IF_ERROR(CheckStatus(input.back.status, ""));
  CORDON_RETURN_IF_ERROR(CheckStatus(input.twin.standing, " of the twin"));
  CORDON_RETURN_IF_ERROR(CheckInitDescriptors(input.back));
  CORDON_RETURN_IF_ERROR(CheckTwinDescriptors(input.back, input.twin));
  CORDON_RETURN_IF_ERROR(CheckPlace(input.back.place, input.back.pid, "init"));
  CORDON_RETURN_IF_ERROR(CheckPlace(input.twin.place, input.twin.pid, "the twin"));
  CORDON_RETURN_IF_ERROR(CheckSignals(input.twin.standing));
  const std::string umask = FieldOf(input.twin.standing, "Umask");
  if (umask != kUmask) return Mismatch("process", "Umask of the twin", kUmask, umask);
  if (input.twin.oom_score_adj != kOomScore) {
    return Mismatch("process", "oom_score_adj of the twin", kOomScore, input.twin.oom_score_adj);
  }
  CORDON_RETURN_IF_ERROR(CheckDirectory(input));
  CORDON_RETURN_IF_ERROR(CheckInherited(input.twin));
  return CheckKeyring(input);
}

}  // namespace cordon
