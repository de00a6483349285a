// SPDX-License-Identifier: Apache-2.0
// Cordon as a library: what `cordon run` does, for a program that runs jobs itself. Installed as
// <cordon/cordon.h>; tools/example/ is a program that uses it.
//
//   absl::StatusOr<cordon::Host> host = cordon::Host::Open();
//   absl::StatusOr<cordon::NormalPolicy> policy = cordon::LoadPolicy("judge/cpp");
//   absl::StatusOr<cordon::Runner> runner = cordon::Runner::Make(*host, *policy);
//   cordon::v1::JobSpec job;
//   job.add_argv("./a.out");
//   std::string answer;
//   cordon::RunOptions options;
//   options.in.text = "3 4\n";
//   options.out.text = &answer;
//   absl::StatusOr<cordon::v1::Report> report = runner->Run(job, options);
//
// As strict as the command: a layer that the policy REQUIRES and that cannot be had is an error,
// and the report has a row for every layer. Nothing is left out in silence, nothing is printed.
//
// Errors are values. The details of a status (DetailsOf and RenderError of policy/base/status.h)
// name field, place, step, call and errno. INVALID_ARGUMENT: the policy or the job is wrong.
// FAILED_PRECONDITION: this host or this process cannot give what is asked for. A job that was
// killed, by whatever limit, is no error but a report with a verdict.
//
// What it needs of the calling process:
//   * Linux 5.14 or newer on x86-64; real and effective ids that are the same.
//   * SIGCHLD is not ignored, and nobody else reaps its children (waitpid(-1)): each job's init is
//     one, from the start of Run to its end.
//   * Descriptors 0, 1 and 2 are open. A run needs up to 40 more.
//   * The thread that calls Run lives until it returns: the kernel ends the job with it, and so
//     with the process.
// What it changes of the process: its control group (HostOptions), and, from the first job on whose
// filter asks the supervisor (kill_evidence, NOTIFY), one signal that nobody handles, SIGURG as a
// rule, has a handler that does nothing. Such a job has a thread of the library's while Run runs.
#ifndef CORDON_SANDBOX_API_CORDON_H_
#define CORDON_SANDBOX_API_CORDON_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/base/status.h"
#include "policy/compile.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/api/policy_source.h"

namespace cordon {

struct HostOptions {
  // Where systemd manages the control groups and this process has none in which it may make others:
  // move it into a transient scope of its own, as the command does. False: it stays where it is,
  // and policies that need a group fail there with what to do.
  bool own_scope = false;
  std::string scope_helper;  // path of cordon-scope; "": in the folder of the running program
};

// What this host can enforce, found by trying. A value: copies are cheap enough, any thread may
// read one.
class Host {
 public:
  // Call it once, early: with `own_scope` while the process has one thread. FAILED_PRECONDITION
  // when the process is not as described above.
  static absl::StatusOr<Host> Open(const HostOptions& options = {});

  const v1::HostFacts& facts() const { return facts_; }

 private:
  explicit Host(v1::HostFacts facts) : facts_(std::move(facts)) {}
  v1::HostFacts facts_;
};

// Ends jobs before their time. Copies are one handle.
class CancelHandle {
 public:
  static absl::StatusOr<CancelHandle> Make();

  // Every job that runs with this handle is killed, with all its processes, and one that starts
  // later is at once; their verdict is CANCELLED. For ever: the next run takes a new handle. May be
  // called from any thread and from a signal handler, more than once.
  void Cancel() const;

  // Readable from the first Cancel on; for an event loop of the caller's.
  int fd() const;

 private:
  struct State;
  explicit CancelHandle(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// What the job reads. At most one is set; none: end of file at once. The job never holds a
// descriptor of the caller's: it has a pipe, and Run writes the other end.
struct Input {
  int fd = -1;                       // not owned; read from where it stands
  std::string path;                  // a file of the host
  absl::optional<std::string> text;  // these bytes
};

// Where the job's output goes, up to the policy's limit on it. At most one is set; none: it is
// read, counted and dropped.
struct Output {
  int fd = -1;                  // not owned; a slow reader slows the job, never its limits
  std::string path;             // a file that is made or emptied; regular, and no link
  std::string* text = nullptr;  // what was written, set when Run returns; both may be the same one
};

struct RunOptions {
  Input in;
  Output out;
  Output err;
  absl::optional<CancelHandle> cancel;
  // SIGINT, SIGTERM and SIGHUP to the calling thread cancel the job; it blocks them meanwhile.
  bool signals = false;
};

struct TalkMember;
struct TalkOptions;

// A policy that was compiled for a host: every layer, and a system call filter that is proven.
// Making one costs some milliseconds, which its jobs need not pay again. Copies share it.
class Runner {
 public:
  // An error lists everything that the host lacks for this policy.
  static absl::StatusOr<Runner> Make(const Host& host, const NormalPolicy& policy);

  const NormalPolicy& policy() const;
  const v1::Plan& plan() const;  // what each layer will be told

  // Runs one job to its end, in a sandbox of its own, and cleans up: when this returns no process,
  // mount or control group of the job is left. Blocks; any number of threads may run jobs of one
  // Runner at the same time.
  //
  // A program with a slash in its name is a file of the host and, where the policy does not show
  // it, bound read-only into the job; a name without one is looked for in the PATH of the job's
  // environment. Bind sources of the job are absolute; host paths of files that are copied in or
  // out are relative to the current directory.
  //
  // Of a job that ended with SYSCALL_VIOLATION the report names the call and, in
  // `violation.allow_with`, the smallest text with which a policy that `extends` this one would
  // allow it, or why there is none. Ceilings of the policy are read for that, files among them.
  //
  // An error means that the job did not run, or (stage "run" in its details) that no verdict could
  // be reached; it is dead then, too.
  absl::StatusOr<v1::Report> Run(const v1::JobSpec& job, const RunOptions& options = {}) const;

  // Runs 2 to 16 members to their ends, as `cordon talk` does. No program runs before every sandbox
  // stands verified; each has its own limits. When all wait for each other, for ever, those that
  // live end with DEADLOCK, soon. The report is that of the whole: the verdict is the one of the
  // member `verdict_of`, unless another one failed by itself before (`decided_by`, `decided_why`;
  // the rules are in README.md), the usage is of all, and `sandbox` has the report of each, in
  // their order.
  //
  // An error means that one of them could not be run, or (stage "run") that no verdict could be
  // reached; its details begin with the member, "sandbox[1].limits.memory". All are dead then. What
  // Run says of files, threads and signals holds here, too; a member needs up to 40 descriptors.
  static absl::StatusOr<v1::Report> RunTalk(const std::vector<TalkMember>& members,
                                            const TalkOptions& options);

 private:
  struct State;
  explicit Runner(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// One of several sandboxes that talk: a job as of Run, some of whose streams are connected.
struct TalkMember {
  std::string name;  // in connections and reports: letters, digits and . _ - / + =
  Runner runner;
  v1::JobSpec job;
  // Of streams that are not connected. No two members share a path or a text.
  Input in = {};
  Output out = {};
  Output err = {};
};

// One's output becomes another one's input. The bytes pass through Cordon, which counts them in the
// writer's output; the two share no pipe.
struct TalkConnection {
  std::string from;  // "NAME.stdout" or "NAME.stderr"
  std::string to;    // "NAME.stdin"
};

struct TalkOptions {
  std::vector<TalkConnection> connect;  // each stream once at most, each member at least once
  std::string verdict_of;               // the member whose end is the answer, such as a grader
  absl::optional<CancelHandle> cancel;  // cancels all of them
  bool signals = false;                 // as in RunOptions
};

// The report that `cordon run` writes for such an error: verdict SETUP_FAILED, with all details.
v1::Report ReportOfFailure(const absl::Status& error);

// The version of the library that is linked.
absl::string_view Version();

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_CORDON_H_
