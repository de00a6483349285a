// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/companion.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr size_t kMaxOutput = 4096;

// posix_spawn's two tables, freed on every way out.
class SpawnTables {
 public:
  SpawnTables() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnTables() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnTables(const SpawnTables&) = delete;
  SpawnTables& operator=(const SpawnTables&) = delete;

  int Start(const std::string& program, char* const* argv, int output, pid_t* pid) {
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 2);
    return ::posix_spawn(pid, program.c_str(), &actions_, &attributes_, argv, environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// Everything up to EOF; false when it did not come in time.
bool ReadToEnd(int fd, int timeout_ms, std::string* text) {
  const uint64_t deadline = MonotonicNs() + static_cast<uint64_t>(timeout_ms) * 1'000'000;
  for (;;) {
    const uint64_t now = MonotonicNs();
    if (now >= deadline) return false;
    struct pollfd wait = {fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>((deadline - now) / 1'000'000) + 1);
    if (ready <= 0) continue;
    char part[512];
    const ssize_t got = ::read(fd, part, sizeof(part));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const size_t room = kMaxOutput - text->size();
    text->append(part, std::min(room, static_cast<size_t>(got)));
  }
}

}  // namespace

absl::StatusOr<std::string> RunCompanion(const std::string& program,
                                         const std::vector<std::string>& arguments,
                                         int timeout_ms) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  CORDON_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  pid_t pid = 0;
  const int error = SpawnTables().Start(program, argv.data(), pipe.write.get(), &pid);
  if (error != 0) return ErrnoStatus("posix_spawn", program, error);
  pipe.write = UniqueFd();
  std::string text;
  const bool in_time = ReadToEnd(pipe.read.get(), timeout_ms, &text);
  if (!in_time) ::kill(pid, SIGKILL);
  int status = 0;
  pid_t waited = 0;
  do {
    waited = ::waitpid(pid, &status, 0);
  } while (waited < 0 && errno == EINTR);
  const bool succeeded =
      in_time && (waited == pid ? WIFEXITED(status) && WEXITSTATUS(status) == 0 : text.empty());
  if (succeeded) return text;
  if (!in_time) text = absl::StrCat("did not end within ", timeout_ms, " ms");
  if (text.empty()) text = "ended without success and without a word";
  return Error(
      absl::StatusCode::kUnavailable,
      EscapeForPeople(absl::StrCat(LastComponent(program), ": ", absl::StripSuffix(text, "\n"))));
}

absl::StatusOr<std::string> BesideThisProgram(const std::string& name) {
  CORDON_ASSIGN_OR_RETURN(const std::string self, ReadLinkAt(kCwd, "/proc/self/exe"));
  return absl::StrCat(ParentPath(self) == "/" ? "" : ParentPath(self), "/", name);
}

absl::StatusOr<std::string> ReadAttribute(const std::string& path, const std::string& name) {
  char value[256];
  const ssize_t got = ::getxattr(path.c_str(), name.c_str(), value, sizeof(value));
  if (got < 0) return ErrnoStatus("getxattr", path, errno == ENODATA ? ENOENT : errno);
  return std::string(value, static_cast<size_t>(got));
}

}  // namespace cordon
