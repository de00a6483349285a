// SPDX-License-Identifier: Apache-2.0
// What a sandbox must not leave behind, seen from the host: processes, control groups, mounts,
// descriptors. Nothing here asks the job or the library under test.
#ifndef CORDON_TESTS_SUPPORT_HOST_WATCH_H_
#define CORDON_TESTS_SUPPORT_HOST_WATCH_H_

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace cordon {

// What could be read: reading about a process that has just ended fails half way (ESRCH), which an
// iterator over a stream would throw.
inline std::string FileText(const std::string& path) {
  std::string text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char part[4096];
  ssize_t got = 0;
  while ((got = ::read(fd, part, sizeof(part))) > 0) text.append(part, static_cast<size_t>(got));
  ::close(fd);
  return text;
}

// Names in a directory; an unreadable one is empty.
inline std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// Processes whose command line holds `token`, this one left out. A zombie has no command line.
inline std::vector<std::string> ProcessesWith(const std::string& token) {
  std::vector<std::string> found;
  for (const std::string& name : NamesIn("/proc")) {
    if (std::isdigit(static_cast<unsigned char>(name[0])) == 0) continue;
    if (name == std::to_string(::getpid())) continue;
    const std::string line = FileText("/proc/" + name + "/cmdline");
    if (line.find(token) != std::string::npos) found.push_back(name);
  }
  return found;
}

// Direct children of this process, zombies included.
inline std::vector<std::string> ChildrenOfTest() {
  std::vector<std::string> found;
  for (const std::string& task : NamesIn("/proc/self/task")) {
    std::ifstream file("/proc/self/task/" + task + "/children");
    for (std::string pid; file >> pid;) found.push_back(pid);
  }
  return found;
}

// Waits, at most a second, until no process has `token` in its command line.
inline std::vector<std::string> LeftoversAfterASecond(const std::string& token) {
  std::vector<std::string> found = ProcessesWith(token);
  for (int i = 0; i < 100 && !found.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    found = ProcessesWith(token);
  }
  return found;
}

// Control groups whose name begins with `prefix`, in any hierarchy and at any depth.
inline std::vector<std::string> GroupsNamed(const std::string& prefix) {
  std::vector<std::string> found;
  std::error_code error;
  using Iterator = std::filesystem::recursive_directory_iterator;
  for (Iterator it("/sys/fs/cgroup", std::filesystem::directory_options::skip_permission_denied,
                   error);
       it != Iterator(); it.increment(error)) {
    if (it->path().filename().string().compare(0, prefix.size(), prefix) == 0) {
      found.push_back(it->path().string());
    }
  }
  return found;
}

// Control groups that process `pid` made have names that begin so.
inline std::string GroupPrefixOf(pid_t pid) { return "cordon-" + std::to_string(pid) + "-"; }

// Control groups that this process made; but for the one that it stands in itself, when it had to
// leave a delegated group to make others in it.
inline std::vector<std::string> GroupsOfTest() {
  std::vector<std::string> found;
  const std::string own = FileText("/proc/self/cgroup");
  for (const std::string& group : GroupsNamed(GroupPrefixOf(::getpid()))) {
    const std::string name = std::filesystem::path(group).filename().string();
    if (own.find("/" + name + "\n") == std::string::npos) found.push_back(group);
  }
  return found;
}

inline std::vector<std::string> DescriptorsOfTest() { return NamesIn("/proc/self/fd"); }

// Mount table without the numbers that change by themselves.
inline std::string MountsOfTest() { return FileText("/proc/self/mountinfo"); }

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_HOST_WATCH_H_
