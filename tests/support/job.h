// SPDX-License-Identifier: Apache-2.0
// Runs the payload program under a small policy of its own, through the library. Entry points:
// JobPolicyText, PlanOf, RunPayload.
#ifndef CORDON_TESTS_SUPPORT_JOB_H_
#define CORDON_TESTS_SUPPORT_JOB_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "policy/compile.h"
#include "sandbox/sandbox.h"
#include "sandbox/supervise/supervisor.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/policy_text.h"

namespace cordon {

// A folder that a job may write to, whoever runs the test: root gives it to nobody.
class SharedFolder {
 public:
  SharedFolder() {
    char name[] = "/tmp/cordon_test_XXXXXX";
    path_ = ::mkdtemp(name) != nullptr ? name : "";
    ::chmod(path_.c_str(), 0755);
    if (IsRoot() && ::chown(path_.c_str(), 65534, 65534) != 0) path_.clear();
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  ~SharedFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An anonymous file for a stream of a job.
class StreamFile {
 public:
  explicit StreamFile(const std::string& content = "")
      : fd_(::memfd_create("stream", MFD_CLOEXEC)) {
    for (size_t done = 0; done < content.size();) {
      const ssize_t put = ::write(fd_.get(), content.data() + done, content.size() - done);
      if (put <= 0) break;
      done += static_cast<size_t>(put);
    }
    ::lseek(fd_.get(), 0, SEEK_SET);
  }
  int fd() const { return fd_.get(); }
  std::string Text() const {
    std::string text;
    char block[65536];
    for (;;) {
      const ssize_t got = ::pread(fd_.get(), block, sizeof(block), static_cast<off_t>(text.size()));
      if (got <= 0) return text;
      text.append(block, static_cast<size_t>(got));
    }
  }

 private:
  UniqueFd fd_;
};

struct JobOptions {
  // Wide, as for jobs that are not about time: an emulated machine needs much of it.
  std::string wall_time = "100s";
  std::string cpu_time = "100s";
  std::string memory = "64MiB";
  int processes = 16;
  std::string output = "1MiB";
  std::string file_size = "1MiB";
  std::string limits;  // more lines of the limits block
  std::string mounts;  // more lines of the mounts block
  std::string more;    // more top-level text
  std::string directory = "/work";
  std::string landlock = "IF_AVAILABLE";  // enforcement, and more text of the block
  std::string cgroup = "IF_AVAILABLE";
  std::string apparmor = "IF_AVAILABLE";
  std::string seccomp = R"(
    allow: ["stdio", "memory", "self", "time", "signal", "rpath", "wpath", "cpath", "fattr", "exec",
            "flock", "thread", "proc", "sched", "limits"]
    kill: "dangerous")";
  std::string input;
  Streams streams = {-1, -1, -1, false, false};  // -1: files of RunPayload's own
  Control control;
  v1::LaunchPlan launch;  // what RunPayload's launch has beside the program and its environment
};

inline std::string JobPolicyText(const JobOptions& options) {
  return absl::StrCat(
      "mounts { bind { source: \"", CORDON_PAYLOAD_FOLDER, "\" target: \"/payload\" }\n",
      "  tmpfs { target: \"/work\" size: \"8MiB\" } proc {} dev {} ", options.mounts, " }\n",
      "working_directory: \"", options.directory, "\"\n", "limits { wall_time: \"",
      options.wall_time, "\" cpu_time: \"", options.cpu_time, "\" memory: \"", options.memory,
      "\" processes: ", options.processes, " output: \"", options.output, "\" file_size: \"",
      options.file_size, "\" ", options.limits, " }\n", "cgroup { enforcement: ", options.cgroup,
      " }\n", "landlock { enforcement: ", options.landlock, "}\n",
      "apparmor { enforcement: ", options.apparmor, " }\n", "seccomp {", options.seccomp, "}\n",
      options.more);
}

// For a job that a test launches without the supervisor, which would take a filter's listener: its
// payload would wait for that for ever.
inline JobOptions WithoutListener(JobOptions options = {}) {
  options.seccomp += " kill_evidence: KERNEL";
  return options;
}

inline absl::StatusOr<CompiledPlan> PlanOf(const JobOptions& options) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, NormalizeText(JobPolicyText(options)));
  return CompiledPlan::Make(policy, HostFactsOfTest());
}

inline absl::StatusOr<v1::LaunchPlan> LaunchOf(const CompiledPlan& plan,
                                               const std::vector<std::string>& arguments) {
  v1::JobSpec job;
  job.add_argv("/payload/payload");
  for (const std::string& word : arguments) job.add_argv(word);
  return CompileLaunch(job, plan);
}

struct JobResult {
  absl::StatusOr<v1::Report> report = absl::UnknownError("not run");
  std::string out;
  std::string err;
  const char* verdict() const {
    return report.ok() ? v1::Verdict_Name(report->verdict()).c_str() : "no report";
  }
};

inline JobResult RunPayload(const std::vector<std::string>& arguments,
                            const JobOptions& options = {}) {
  JobResult result;
  const StreamFile in(options.input);
  const StreamFile out;
  const StreamFile err;
  Streams streams = options.streams;
  if (streams.in < 0) streams.in = in.fd();
  if (streams.out < 0) streams.out = out.fd();
  if (streams.err < 0) streams.err = err.fd();
  const auto run = [&]() -> absl::StatusOr<v1::Report> {
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(options));
    CORDON_ASSIGN_OR_RETURN(v1::LaunchPlan launch, LaunchOf(plan, arguments));
    launch.MergeFrom(options.launch);
    CORDON_ASSIGN_OR_RETURN(const std::unique_ptr<Sandbox> sandbox,
                            Sandbox::Prepare(plan, HostFactsOfTest()));
    return RunJob(*sandbox, launch, streams, options.control);
  };
  result.report = run();
  result.out = out.Text();
  result.err = err.Text();
  return result;
}

// The evidence of that name, or null.
inline const v1::Evidence* EvidenceOf(const v1::Report& report, const std::string& name) {
  for (const v1::Evidence& each : report.evidence()) {
    if (each.name() == name) return &each;
  }
  return nullptr;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_JOB_H_
