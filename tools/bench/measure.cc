// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/measure.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace cordon::bench {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

int64_t ToNs(const timeval& value) {
  return int64_t{value.tv_sec} * kNsPerSecond + int64_t{value.tv_usec} * 1000;
}

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The first number behind that place; 0 when there is none.
int64_t NumberBehind(const std::string& text, size_t at) {
  if (at == std::string::npos) return 0;
  const size_t digits = text.find_first_of("0123456789", at);
  return digits == std::string::npos ? 0 : std::strtoll(text.c_str() + digits, nullptr, 10);
}

}  // namespace

RunResult RunOnce(const std::vector<std::string>& argv) {
  std::vector<std::string> copies = argv;
  std::vector<char*> pointers;
  pointers.reserve(copies.size() + 1);
  for (std::string& argument : copies) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);

  RunResult result;
  pid_t pid = -1;
  const int64_t began = NowNs();
  const int error = posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  int status = 0;
  rusage usage = {};
  if (error == 0 && wait4(pid, &status, 0, &usage) == pid) {
    result.wall_ns = NowNs() - began;
    result.cpu_ns = ToNs(usage.ru_utime) + ToNs(usage.ru_stime);
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    result.ok = result.exit_code == 0;
    if (!result.ok) result.failure = "wait status " + std::to_string(status);
  } else {
    result.failure = error != 0 ? std::strerror(error) : "wait4 failed";
  }
  posix_spawn_file_actions_destroy(&actions);
  return result;
}

int64_t ReportedPeakRss(const std::string& report_path) {
  const std::string text = TextOf(report_path);
  return NumberBehind(text, text.find("\"supervisor_peak_rss_bytes\""));
}

int64_t ReportedDuration(const std::string& report_path, const std::string& name) {
  const std::string text = TextOf(report_path);
  const size_t key = text.find("\"" + name + "\"");
  if (key == std::string::npos) return 0;
  const size_t begin = text.find_first_of("0123456789", key);
  const size_t end = text.find('"', begin);
  int64_t ns = NumberBehind(text, begin) * kNsPerSecond;
  const size_t point = text.find('.', begin);
  if (begin == std::string::npos || point >= end) return ns;
  int64_t digit = kNsPerSecond / 10;
  for (size_t at = point + 1; at < end && digit > 0 && text[at] != 's'; ++at, digit /= 10) {
    ns += digit * (text[at] - '0');
  }
  return ns;
}

int64_t ReportedSteps(const std::string& report_path, const std::vector<std::string>& names) {
  const std::string text = TextOf(report_path);
  int64_t sum = 0;
  for (const std::string& name : names) {
    const std::string key = "\"name\": \"" + name + "\"";
    for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
      sum += NumberBehind(text, text.find("\"duration_ns\"", at));
    }
  }
  return sum;
}

int64_t Quantile(std::vector<int64_t> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  return values[static_cast<size_t>(at + 0.5)];
}

void Samples::Add(const RunResult& result) {
  wall_ns_.push_back(result.wall_ns);
  cpu_ns_.push_back(result.cpu_ns);
}

int64_t Samples::WallAt(double share) const { return Quantile(wall_ns_, share); }

int64_t Samples::CpuMedian() const { return Quantile(cpu_ns_, 0.5); }

}  // namespace cordon::bench
