// SPDX-License-Identifier: Apache-2.0
// cordon_bench_limits: how exact limits of time are. Runs jobs that compute for ever into a limit
// of CPU time while all processors are loaded by others, and into a limit of wall time, and prints
// by how much they went beyond it: by their own clocks, which they leave in a mapped file, or by
// the report, whichever says more. The clean-up is counted in.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "tools/bench/measure.h"

namespace cordon::bench {
namespace {

constexpr int kSlots = 256;
constexpr uid_t kNobody = 65534;
constexpr int kExitOfTimeLimit = 124;

struct Slot {
  int64_t monotonic_ns;
  int64_t process_cpu_ns;
};

struct Folder {
  std::filesystem::path path;  // holds the program and its policy
  std::string stamps;          // in a folder that the job may write to
};

struct Row {
  const char* name;
  const char* flag;
  const char* limit;
  int64_t limit_ns;
  bool cpu;   // CPU time, not wall time
  bool load;  // a process that computes on each processor beside it
  int threads;
};

bool MakeFolder(const std::string& own_path, Folder* folder) {
  std::string made = (std::filesystem::temp_directory_path() / "cordon-bench-XXXXXX").string();
  if (mkdtemp(made.data()) == nullptr || chmod(made.c_str(), 0755) != 0) return false;
  folder->path = made;
  std::error_code error;
  std::filesystem::create_directory(made + "/out", error);
  folder->stamps = made + "/out/stamps";
  std::filesystem::copy_file(std::filesystem::path(own_path).parent_path() / "cordon_bench_spin",
                             made + "/spin", error);
  std::ofstream(folder->stamps) << std::string(sizeof(Slot) * kSlots, '\0');
  std::ofstream(made + "/policy.textproto")
      << "extends: \"base/compute\"\nmounts {\n  bind { source: \"" << made
      << "\" target: \"/bench\" }\n  bind { source: \"" << made
      << "/out\" target: \"/out\" read_only: false }\n}\n";
  // A job that root starts has the ids of the owner of what it may write.
  const bool owned = geteuid() != 0 || (chown((made + "/out").c_str(), kNobody, kNobody) == 0 &&
                                        chown(folder->stamps.c_str(), kNobody, kNobody) == 0);
  return !error && owned;
}

std::vector<pid_t> StartLoad(long processes) {
  std::vector<pid_t> load;
  for (long i = 0; i < processes; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      for (volatile int on = 1; on != 0;) continue;
    }
    if (pid > 0) load.push_back(pid);
  }
  return load;
}

void StopLoad(const std::vector<pid_t>& load) {
  for (const pid_t pid : load) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

// Beyond the limit, in nanoseconds; -1, with a line on stderr, when the run was none.
int64_t Beyond(const std::string& cordon, const Folder& folder, const Row& row) {
  const int fd = open(folder.stamps.c_str(), O_RDWR | O_CLOEXEC);
  void* mapped = mmap(nullptr, sizeof(Slot) * kSlots, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  if (mapped == MAP_FAILED) return -1;
  Slot* slots = static_cast<Slot*>(mapped);
  std::fill(slots, slots + kSlots, Slot{});
  const std::string report = (folder.path / "report.json").string();
  const RunResult result =
      RunOnce({cordon, "run", "--quiet", "--policy", (folder.path / "policy.textproto").string(),
               "--report", report, row.flag, row.limit, "--", "/bench/spin", "/out/stamps",
               std::to_string(row.threads)});
  int64_t last_ns = 0;
  int64_t cpu_ns = 0;
  for (int i = 1; i < kSlots; ++i) {
    last_ns = std::max(last_ns, slots[i].monotonic_ns);
    cpu_ns = std::max(cpu_ns, slots[i].process_cpu_ns);
  }
  const int64_t wall_ns = last_ns - slots[0].monotonic_ns;
  munmap(mapped, sizeof(Slot) * kSlots);
  if (result.exit_code != kExitOfTimeLimit || last_ns == 0) {
    std::fprintf(stderr, "cordon_bench_limits: %s: not ended by its limit (exit code %d)\n",
                 row.name, result.exit_code);
    return -1;
  }
  if (row.cpu) {
    cpu_ns = std::max(cpu_ns, ReportedDuration(report, "cpu_time") +
                                  ReportedDuration(report, "cleanup_cpu_time"));
    return cpu_ns - row.limit_ns;
  }
  return std::max(wall_ns, ReportedDuration(report, "wall_time")) - row.limit_ns;
}

bool Measure(const std::string& cordon, const Folder& folder, const Row& row, int rounds) {
  const std::vector<pid_t> load = StartLoad(row.load ? sysconf(_SC_NPROCESSORS_ONLN) : 0);
  std::vector<int64_t> beyond;
  for (int round = 0; round < rounds; ++round) {
    beyond.push_back(Beyond(cordon, folder, row));
    if (beyond.back() < 0) break;
  }
  StopLoad(load);
  if (beyond.back() < 0) return false;
  const auto ms = [&](double share) { return static_cast<double>(Quantile(beyond, share)) / 1e6; };
  std::printf("%-44s %8.2f %8.2f %8.2f %8.2f\n", row.name, ms(0.5), ms(0.9), ms(0.99), ms(1));
  return true;
}

int Main(int argc, char** argv) {
  std::string cordon = "build/cordon";
  int rounds = 100;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--cordon") cordon = argv[i + 1];
    if (std::string(argv[i]) == "--rounds") rounds = std::atoi(argv[i + 1]);
  }
  if (argc % 2 == 0 || rounds < 1) {
    std::fputs("usage: cordon_bench_limits [--cordon FILE] [--rounds N]\n", stderr);
    return 2;
  }
  std::error_code error;
  const std::string own = std::filesystem::read_symlink("/proc/self/exe", error).string();
  Folder folder;
  bool ok = MakeFolder(own, &folder);
  if (!ok) std::fputs("cordon_bench_limits: cannot place cordon_bench_spin\n", stderr);
  const int cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  const Row rows[] = {
      {"CPU limit of 1 s", "--cpu-time", "1s", 1'000'000'000, true, false, 1},
      {"CPU limit of 1 s, all processors loaded", "--cpu-time", "1s", 1'000'000'000, true, true, 1},
      {"CPU limit of 1 s, a thread per processor", "--cpu-time", "1s", 1'000'000'000, true, false,
       cpus},
      {"the same, all processors loaded", "--cpu-time", "1s", 1'000'000'000, true, true, cpus},
      {"wall limit of 300 ms", "--wall-time", "300ms", 300'000'000, false, false, 1},
      {"wall limit of 300 ms, all processors loaded", "--wall-time", "300ms", 300'000'000, false,
       true, 1},
  };
  if (ok) std::printf("%d rounds; time used beyond a limit, in ms\n\n", rounds);
  if (ok) std::printf("%-44s %8s %8s %8s %8s\n", "case", "median", "p90", "p99", "worst");
  for (const Row& row : rows) ok = ok && Measure(cordon, folder, row, rounds);
  std::filesystem::remove_all(folder.path, error);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace cordon::bench

int main(int argc, char** argv) { return cordon::bench::Main(argc, argv); }
