// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "policy/base/sha1.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/helper.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr char kReplace[] = "/sys/kernel/security/apparmor/.replace";
constexpr int kParserTimeoutMs = 30000;
constexpr size_t kSha1Digits = 40;

std::string Line(const absl::StatusOr<std::string>& text) {
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : std::string();
}

// "cordon-job.3": the kernel numbers the folders of profiles.
bool IsFolderOf(absl::string_view folder, absl::string_view name) {
  if (!absl::ConsumePrefix(&folder, name) || !absl::ConsumePrefix(&folder, ".")) return false;
  return !folder.empty() && std::all_of(folder.begin(), folder.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// What the child that changes a policy namespace needs, made before it is forked.
struct NamespaceChange {
  std::string change;  // for attr/apparmor/current
  std::string uid_map;
  std::string gid_map;
  const char* file;  // of securityfs
  absl::string_view content;
};

// 0, or errno. System calls only.
int PutFile(const char* path, const char* data, size_t size) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t put = ::write(fd, data, size);
  const int error = put < 0 ? errno : (static_cast<size_t>(put) == size ? 0 : EIO);
  ::close(fd);
  return error;
}

// Steps of the child, for the exit code and the message.
constexpr absl::string_view kSteps[] = {"write attr/apparmor/current",
                                        "unshare CLONE_NEWUSER",
                                        "write setgroups",
                                        "write uid_map",
                                        "write gid_map",
                                        "write policy"};

// Kernel: a policy namespace takes policy from CAP_MAC_ADMIN of a user namespace that is one level
// below the initial one, of a process whose label is in the policy namespace; apparmor_parser and
// the kernel want it to be uid 0 there.
int EnterAndChange(const NamespaceChange& load, int* error) {
  const auto put = [](const char* path, const std::string& text) {
    return PutFile(path, text.data(), text.size());
  };
  if ((*error = put("/proc/self/attr/apparmor/current", load.change)) != 0) return 0;
  if (::unshare(CLONE_NEWUSER) != 0) {
    *error = errno;
    return 1;
  }
  if ((*error = PutFile("/proc/self/setgroups", "deny", 4)) != 0) return 2;
  if ((*error = put("/proc/self/uid_map", load.uid_map)) != 0) return 3;
  if ((*error = put("/proc/self/gid_map", load.gid_map)) != 0) return 4;
  *error = PutFile(load.file, load.content.data(), load.content.size());
  return 5;
}

absl::Status ChangeNamespace(absl::string_view policy_namespace, const char* file,
                             absl::string_view content) {
  const NamespaceChange load = {absl::StrCat("changeprofile :", policy_namespace, "://unconfined"),
                                absl::StrCat("0 ", EffectiveUid(), " 1\n"),
                                absl::StrCat("0 ", EffectiveGid(), " 1\n"), file, content};
  CORDON_ASSIGN_OR_RETURN(const Pipe report, MakePipe());
  CORDON_ASSIGN_OR_RETURN(const Clone3Result child, Clone3(0, -1));
  if (child.pid == 0) {
    int outcome[2] = {0, 0};
    outcome[0] = EnterAndChange(load, &outcome[1]);
    const ssize_t told = ::write(report.write.get(), outcome, sizeof(outcome));
    ::_exit(told == sizeof(outcome) && outcome[1] == 0 ? 0 : 1);
  }
  CORDON_RETURN_IF_ERROR(WaitPidfd(child.pidfd.get(), true).status());
  int outcome[2] = {0, EIO};
  // It has ended; what it wrote is in the pipe, and this process holds the other end itself.
  CORDON_RETURN_IF_ERROR(SetNonBlocking(report.read.get()));
  const ssize_t got = ::read(report.read.get(), outcome, sizeof(outcome));
  if (got == sizeof(outcome) && outcome[1] == 0) return absl::OkStatus();
  const size_t step = static_cast<size_t>(outcome[0]);
  return ErrnoStatus(step < std::size(kSteps) ? kSteps[step] : "load",
                     absl::StrCat(":", policy_namespace, ":"), outcome[1]);
}

absl::Status ChangePolicy(absl::string_view policy_namespace, const char* file,
                          absl::string_view content) {
  if (!policy_namespace.empty()) return ChangeNamespace(policy_namespace, file, content);
  return WriteAt(kCwd, file, content);
}

}  // namespace

absl::StatusOr<LoadedProfile> FindAppArmorProfile(absl::string_view policy_namespace,
                                                  absl::string_view name) {
  const std::string folder =
      policy_namespace.empty()
          ? absl::StrCat(kAppArmorPolicy, "/profiles")
          : absl::StrCat(kAppArmorPolicy, "/namespaces/", policy_namespace, "/profiles");
  return FindAppArmorProfileBelow(folder, name);
}

absl::StatusOr<LoadedProfile> FindAppArmorProfileBelow(const std::string& folder,
                                                       absl::string_view name) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd profiles, OpenAt(kCwd, folder, O_RDONLY | O_DIRECTORY));
  CORDON_ASSIGN_OR_RETURN(const std::vector<std::string> folders, ListDirectory(profiles.get()));
  for (const std::string& each : folders) {
    if (!IsFolderOf(each, name)) continue;
    const auto read = [&](const char* file) {
      return Line(ReadAt(profiles.get(), absl::StrCat(each, "/", file)));
    };
    if (read("name") != name) continue;
    LoadedProfile profile;
    profile.found = true;
    profile.mode = read("mode");
    profile.hash = read("raw_sha256");
    if (profile.hash.empty()) profile.hash = read("raw_sha1");
    return profile;
  }
  return LoadedProfile();
}

bool HasKernelHash(absl::string_view binary, absl::string_view hash) {
  if (hash.empty()) return false;
  return hash == (hash.size() == kSha1Digits ? Sha1Hex(binary) : Sha256Hex(binary));
}

absl::StatusOr<std::string> CompileAppArmorText(absl::string_view text) {
  // No cache of its own, no configuration of the host's: the text alone decides.
  CORDON_ASSIGN_OR_RETURN(
      const HelperResult result,
      RunHelper(kAppArmorParserProgram, {"--config-file=/dev/null", "-q", "-K", "-S"}, text,
                kParserTimeoutMs));
  if (result.code == CLD_EXITED && result.status == 0 && !result.out.empty()) return result.out;
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat(kAppArmorParserProgram, " does not take the compiled profile: ",
                            result.err.empty() ? absl::StrCat("status ", result.status)
                                               : EscapeForPeople(result.err)))
      .Layer("apparmor");
}

absl::Status LoadAppArmorProfile(absl::string_view policy_namespace, absl::string_view binary) {
  return ChangePolicy(policy_namespace, kReplace, binary);
}

absl::Status RemoveAppArmorProfile(absl::string_view policy_namespace, absl::string_view name) {
  return ChangePolicy(policy_namespace, kAppArmorRemove, name);
}

absl::StatusOr<AppArmorLabel> OwnAppArmorLabel() {
  CORDON_ASSIGN_OR_RETURN(const std::string text, ReadAt(kCwd, "/proc/self/attr/apparmor/current"));
  return ParseAppArmorLabel(text);
}

}  // namespace cordon
