// SPDX-License-Identifier: Apache-2.0
// Lints about mounts and the search path. Lexical: what lies behind a path of the host is not
// known here.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/lint/context.h"

namespace cordon {
namespace {

using Entry = v1::MountEntry;
using Paths = absl::Span<const absl::string_view>;

std::string FieldOfBind(int index) {
  return IndexedField("mounts.bind", static_cast<size_t>(index));
}

std::string Shown(absl::string_view path) {
  return absl::StrCat("\"", EscapeForPeople(path), "\"");
}

bool IsOrIsBelowAny(absl::string_view path, Paths folders) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](absl::string_view folder) { return PathIsBelow(path, folder); });
}

bool ContainsAny(absl::string_view folder, Paths paths) {
  return std::any_of(paths.begin(), paths.end(),
                     [&](absl::string_view path) { return PathIsBelow(path, folder); });
}

bool IsAny(absl::string_view path, Paths paths) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

template <typename Wrong>
void ForEachBind(const LintContext& context, LintSink* sink, const Wrong& wrong) {
  for (int i = 0; i < context.policy().mounts().bind_size(); ++i) {
    const std::string message = wrong(context.policy().mounts().bind(i));
    if (!message.empty()) sink->Add(FieldOfBind(i), message);
  }
}

// The entry of the plan that `path` lies in; nullptr: the root, which is read-only.
const Entry* EntryAt(const v1::Plan& plan, absl::string_view path) {
  const Entry* deepest = nullptr;
  for (const Entry& entry : plan.mount().entry()) {
    if (!PathIsBelow(path, entry.target())) continue;
    if (deepest == nullptr || entry.target().size() > deepest->target().size()) deepest = &entry;
  }
  return deepest;
}

bool IsWritable(const Entry& entry) {
  return !entry.read_only() && (entry.kind() == Entry::BIND || entry.kind() == Entry::TMPFS);
}

// ---- what of the host is shown

// The programs, libraries and settings that everything on a host trusts.
constexpr absl::string_view kSystem[] = {"/bin",   "/boot",    "/etc",      "/lib",  "/lib32",
                                         "/lib64", "/libx32",  "/opt",      "/root", "/sbin",
                                         "/usr",   "/var/lib", "/var/spool"};

void WritableHostSystem(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    const std::string& source = bind.source();
    if (bind.read_only() || !(IsOrIsBelowAny(source, kSystem) || ContainsAny(source, kSystem))) {
      return std::string();
    }
    return absl::StrCat("lets the job write the host's ", Shown(source));
  });
}

constexpr absl::string_view kProgramFolders[] = {"/bin",   "/etc",    "/lib",  "/lib32",
                                                 "/lib64", "/libx32", "/sbin", "/usr"};

void WritableProgramPath(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    if (bind.read_only() || !IsOrIsBelowAny(bind.target(), kProgramFolders)) return std::string();
    return absl::StrCat("puts a folder that the job can write at ", Shown(bind.target()));
  });
}

constexpr absl::string_view kRun[] = {"/run", "/var/run"};

void BindRun(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    const absl::string_view name = LastComponent(bind.source());
    const bool known = name == "docker.sock" || name == "containerd.sock" ||
                       name == "podman.sock" || name == "crio.sock";
    if (!known && !IsOrIsBelowAny(bind.source(), kRun)) return std::string();
    return absl::StrCat("shows the job ", Shown(bind.source()),
                        known ? ", and whoever talks to it is root on the host"
                              : ", where daemons keep their sockets");
  });
}

constexpr absl::string_view kSys[] = {"/sys"};
constexpr absl::string_view kDev[] = {"/dev"};
constexpr absl::string_view kShared[] = {"/tmp", "/var/tmp", "/dev/shm"};

void BindSys(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    if (!IsOrIsBelowAny(bind.source(), kSys)) return std::string();
    return absl::StrCat("shows the job ", Shown(bind.source()));
  });
}

void BindDevice(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    if (!IsOrIsBelowAny(bind.source(), kDev) || IsAny(bind.source(), kShared)) {
      return std::string();
    }
    return absl::StrCat("gives the job the device ", Shown(bind.source()));
  });
}

void BindShared(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    if (!IsAny(bind.source(), kShared)) return std::string();
    return absl::StrCat("shows the job the host's ", Shown(bind.source()));
  });
}

// Top-level folders without one purpose.
constexpr absl::string_view kWide[] = {"/etc", "/home", "/media", "/mnt",
                                       "/opt", "/root", "/srv",   "/var"};

void BindWide(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    const std::string& source = bind.source();
    const bool home = ParentPath(source) == "/home";
    if (!home && !IsAny(source, kWide)) return std::string();
    return absl::StrCat("shows the job the whole of ", Shown(source),
                        home || source == "/home" || source == "/root"
                            ? ", with the keys and histories of whoever lives there"
                            : "");
  });
}

constexpr absl::string_view kSecretPlaces[] = {
    "/etc/credstore",   "/etc/gshadow", "/etc/krb5.keytab", "/etc/shadow",     "/etc/ssh",
    "/etc/ssl/private", "/etc/sudoers", "/var/lib/docker",  "/var/lib/kubelet"};
constexpr absl::string_view kSecretNames[] = {
    ".aws",         ".azure", ".docker",         ".git-credentials", ".gnupg",  ".kube",
    ".netrc",       ".npmrc", ".password-store", ".pgpass",          ".pypirc", ".ssh",
    ".vault-token", "gcloud", "id_ecdsa",        "id_ed25519",       "id_rsa"};

void BindSecrets(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    bool secret = IsOrIsBelowAny(bind.source(), kSecretPlaces);
    for (absl::string_view part : absl::StrSplit(bind.source(), '/')) {
      secret |= IsAny(part, kSecretNames);
    }
    if (!secret) return std::string();
    return absl::StrCat("shows the job ", Shown(bind.source()));
  });
}

void WritableExecutable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  for (const Entry& entry : context.plan.mount().entry()) {
    if (!IsWritable(entry) || entry.no_exec()) continue;
    sink->Add(entry.field(),
              absl::StrCat("lets the job execute what it writes in ", Shown(entry.target())));
  }
}

// ---- what the job's files do to its limits

void TmpfsOverMemory(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  uint64_t sum = 0;
  for (const Entry& entry : context.plan.mount().entry()) {
    if (IsWritable(entry) && entry.kind() == Entry::TMPFS) sum += entry.size_bytes();
  }
  const uint64_t memory = context.plan.cgroup().memory_max_bytes();
  if (sum <= memory) return;
  sink->Add("mounts.tmpfs", absl::StrCat("hold ", FormatSize(sum),
                                         " together with /dev/shm; the "
                                         "job has ",
                                         FormatSize(memory), " of memory"));
}

void FileSizeUnreachable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  uint64_t largest = 0;
  for (const Entry& entry : context.plan.mount().entry()) {
    if (!IsWritable(entry)) continue;
    if (entry.kind() == Entry::BIND) return;
    largest = std::max(largest, entry.size_bytes());
  }
  for (const v1::RlimitEntry& entry : context.plan.rlimit().entry()) {
    if (entry.name() != "RLIMIT_FSIZE" || entry.soft() <= largest || largest == 0) continue;
    sink->Add(
        "limits.file_size",
        absl::StrCat(entry.soft() == kUnlimited ? std::string("is unlimited")
                                                : absl::StrCat("is ", FormatSize(entry.soft())),
                     "; the largest place to write has ", FormatSize(largest)));
  }
}

void FileSizeUnlimited(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  if (context.policy().limits().file_size() != "unlimited" && context.plan.rlimit().enabled()) {
    return;
  }
  ForEachBind(context, sink, [](const v1::Bind& bind) {
    if (bind.read_only()) return std::string();
    return absl::StrCat("lets the job fill the disk behind ", Shown(bind.source()));
  });
}

void MaskHidesNothing(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Mounts& mounts = context.policy().mounts();
  for (int i = 0; i < mounts.masked_size(); ++i) {
    const std::string& masked = mounts.masked(i);
    bool below = mounts.has_proc() && PathIsBelow(masked, "/proc");
    below |= mounts.has_dev() && PathIsBelow(masked, "/dev");
    for (const v1::Bind& bind : mounts.bind()) below |= PathIsBelow(masked, bind.target());
    for (const v1::File& file : mounts.file()) below |= masked == file.path();
    if (below) continue;
    sink->Add(IndexedField("mounts.masked", static_cast<size_t>(i)),
              absl::StrCat("hides ", Shown(masked), ", where no bind puts anything"));
  }
}

void FullProc(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  const v1::Mounts& mounts = context.policy().mounts();
  if (mounts.has_proc() && !mounts.proc().process_only()) {
    sink->Add("mounts.proc.process_only", "is false: /proc shows more than the job's processes");
  }
}

// ---- the search path

struct PathMember {
  std::string field;
  std::string text;
};

std::vector<PathMember> SearchPath(const v1::Policy& policy) {
  std::vector<PathMember> members;
  for (int i = 0; i < policy.environment_size(); ++i) {
    if (policy.environment(i).name() != "PATH") continue;
    const std::string field = IndexedField("environment", static_cast<size_t>(i));
    for (absl::string_view text : absl::StrSplit(policy.environment(i).value(), ':')) {
      members.push_back({field, std::string(text)});
    }
  }
  return members;
}

void PathWritable(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  for (const PathMember& member : SearchPath(context.policy())) {
    const absl::StatusOr<std::string> folder = CanonicalAbsolutePath(member.text);
    if (!folder.ok()) continue;
    const Entry* entry = EntryAt(context.plan, *folder);
    if (entry == nullptr || !IsWritable(*entry) || entry->no_exec()) continue;
    sink->Add(member.field, absl::StrCat("searches ", Shown(*folder), ", which the job can write"));
  }
}

void PathRelative(const Lint& /*lint*/, const LintContext& context, LintSink* sink) {
  for (const PathMember& member : SearchPath(context.policy())) {
    if (absl::StartsWith(member.text, "/")) continue;
    sink->Add(member.field, absl::StrCat("searches ", Shown(member.text),
                                         ", which is wherever the job happens to be"));
  }
}

constexpr Lint kLints[] = {
    {"writable-host-system", v1::DANGER,
     "what the host runs or trusts would be the job's to write (hier(7))",
     "bind a folder made for the job's results", WritableHostSystem},
    {"writable-program-path", v1::WARNING,
     "one process of the job may replace the programs, libraries or settings of the next "
     "(ld.so(8): /etc/ld.so.preload, for one)",
     "put it at a path of its own, such as /out", WritableProgramPath},
    {"bind-run", v1::DANGER,
     "a socket can be connected to through a read-only mount, and the one of a container engine "
     "gives root (unix(7))",
     "bind the one file that the job needs from somewhere else", BindRun},
    {"bind-sys", v1::WARNING,
     "/sys describes the host and configures its devices and control groups (sysfs(5), "
     "CVE-2022-0492)",
     "bind the one file that the job reads, or leave it out", BindSys},
    {"bind-device", v1::DANGER,
     "a device is a door to its driver, and often around every other wall (ioctl(2))",
     "use mounts.dev, which gives five harmless ones", BindDevice},
    {"bind-shared-tmp", v1::WARNING,
     "everybody on the host leaves files and sockets there: agents, displays, other jobs "
     "(hier(7))",
     "use a tmpfs, or a folder of the job's own", BindShared},
    {"bind-wide", v1::WARNING,
     "a whole folder of this kind holds more than any job needs, and grows (hier(7))",
     "bind the files or folders that the job reads", BindWide},
    {"bind-secrets", v1::DANGER, "this is where keys and passwords are kept (shadow(5), ssh(1))",
     "leave it out; hand a job what it needs as a file of its own", BindSecrets},
    {"writable-executable", v1::NOTE,
     "files that are written and executed carry what a job downloads or builds to the next one "
     "(mount(8), noexec)",
     "set executable: false, unless the job builds what it runs", WritableExecutable},
    {"tmpfs-over-memory", v1::WARNING,
     "files in a tmpfs are memory: the job is ended with MEMORY_LIMIT where it should have met a "
     "full disk (tmpfs(5))",
     "make the sizes smaller, or the memory larger", TmpfsOverMemory},
    {"file-size-unreachable", v1::NOTE,
     "the place to write is full before the limit is reached: the job sees ENOSPC, not "
     "OUTPUT_LIMIT (setrlimit(2))",
     "lower file_size, or enlarge the tmpfs", FileSizeUnreachable},
    {"file-size-unlimited", v1::WARNING,
     "no other limit counts what is written to a folder of the host (setrlimit(2))",
     "set limits.file_size, and bind a file system with a quota", FileSizeUnlimited},
    {"mask-hides-nothing", v1::NOTE,
     "a masked path that does not exist is passed over: this may be a typing mistake "
     "(policy/proto/policy.proto)",
     "correct the path or take it out", MaskHidesNothing},
    {"full-proc", v1::NOTE,
     "/proc/sys, /proc/kallsyms and the like describe the kernel and the machine (proc(5))",
     "leave process_only out; its default is true", FullProc},
    {"path-writable", v1::WARNING,
     "one process of the job decides which program the next one runs (execvp(3))",
     "take the folder out of PATH, or set executable: false", PathWritable},
    {"path-relative", v1::WARNING,
     "an empty or relative member of PATH means the current directory (execvp(3))",
     "name folders by absolute paths", PathRelative},
};

}  // namespace

absl::Span<const Lint> MountLints() { return kLints; }

}  // namespace cordon
