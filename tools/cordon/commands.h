// SPDX-License-Identifier: Apache-2.0
// The verbs of the command. Each takes parsed options and returns the exit code; human text goes to
// stderr, what was asked for to stdout (the job owns stdout in `run`).
#ifndef CORDON_TOOLS_CORDON_COMMANDS_H_
#define CORDON_TOOLS_CORDON_COMMANDS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/compile.h"
#include "policy/normalize.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"

namespace cordon::cli {

// Exit codes of timeout(1), env(1) and docker.
inline constexpr int kExitWidened = 1;    // `diff`: the second policy allows more
inline constexpr int kExitOutputs = 123;  // `run`: the job was good, its --copy-out was not
inline constexpr int kExitTimeLimit = 124;
inline constexpr int kExitCordon = 125;    // Cordon itself failed; the job did not run
inline constexpr int kExitLint = 1;        // `check`: no error, but a lint of --fail-on or above
inline constexpr int kExitNotAllGood = 1;  // `batch`: a job did not end as expected
inline constexpr int kExitStopped = 130;   // `batch`: by a signal, before all jobs had run
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

// For whoever has put the words of `run` into another order.
inline constexpr char kRunUsage[] = "cordon run --policy POLICY [OPTIONS] -- COMMAND [ARGS...]";

struct RunOptions {
  std::string policy = "base/strict";
  std::string plan;  // a file of `compile` in place of a policy
  std::string report;
  int report_fd = -1;
  std::string in;
  std::string out;
  std::string err;
  std::string cpu_time;
  std::string wall_time;
  std::string memory;
  std::string processes;
  std::string output_limit;
  std::string timeline;
  std::string cancel_grace;
  std::string cancel_signal;
  std::vector<std::string> health_command;  // one word each
  std::string health_interval;
  std::string health_timeout;
  std::string health_retries;
  std::string health_start_period;
  std::vector<std::string> binds;
  std::vector<std::string> environment;
  std::vector<std::string> copy_in;
  std::vector<std::string> copy_out;
  std::string working_directory;
  bool quiet = false;
  std::vector<std::string> command;
};

struct CheckOptions {
  std::vector<std::string> policies;
  std::string lint = "open";       // off; open: what no policy accepts; all
  std::string fail_on = "danger";  // never, note, warning, danger
  bool json = false;
  bool list = false;  // the table of lints, and nothing else
};

int Run(const RunOptions& options);
// The same without a word: the one report of the run, of a failed set-up too. `source` finds the
// policy.
v1::Report RunForReport(const RunOptions& options, ProfileSource& source);
// The exit code that a report means, and one line on stderr of how a job ended, when not by itself.
int ExitCodeOf(const v1::Report& report);
void Describe(const v1::Report& report);
struct ReportPlaces {
  std::string path;  // "": no file
  int fd = -1;       // -1: no descriptor
};
// An error: there is no report. `failure`: of what the report is about, told in its place.
using HeldRun = std::function<absl::StatusOr<v1::Report>(absl::Status* failure)>;
// The frame of both: looks at where the report goes, runs while signals are held, writes the
// report, and then says the failure, or how the job ended unless `quiet`. Gives the exit status.
int RunAndConclude(const ReportPlaces& places, bool quiet, const HeldRun& run);
int Check(const CheckOptions& options);

struct ExplainOptions {
  std::string policy;
  bool apparmor = false;    // print the policy's AppArmor profile instead
  std::string abi = "3.0";  // of that profile; or "4.0"
};
int Explain(const ExplainOptions& options, bool json);

struct BatchOptions {
  std::string jobs;  // the list; "-": JSON lines from standard input
  uint32_t at_once = 1;
  std::string journal;
  std::string store;  // of artifacts; "": beside the journal
  std::string report;
  std::string junit;
  std::string html;
  std::string shard_text;  // "I/N"
  uint32_t shard = 1;
  uint32_t shard_count = 1;
  bool json = false;
  bool quiet = false;
  bool dry_run = false;  // read the list and its policies, run nothing
};
int RunBatchCommand(BatchOptions options);

struct ReportOptions {
  std::vector<std::string> results;  // files that batches have written
  std::string title = "cordon batch";
  std::string report;
  std::string junit;
  std::string html;
};
int WriteReport(const ReportOptions& options);

struct TalkOptions {
  std::string jobs;  // the list
  std::string name;  // of the job in it; "" when there is one only
  std::string report;
  int report_fd = -1;
  bool quiet = false;
};
int RunTalkCommand(TalkOptions options);

struct CompileOptions {
  std::string policy;
  std::string output;  // a file; "" for stdout
  std::string format;  // "binary", "text", "json", "filter"; "" decides by the file's name
};
int Compile(const CompileOptions& options);
int Diff(const std::string& before, const std::string& after, bool json);
int Doctor(bool json);
int Profiles();

// Compiled for a host that can do everything: what is said of a policy is not said of this machine.
absl::StatusOr<CompiledPlan> CompileForAnyHost(const NormalPolicy& policy);

// Prints each error of a status as "cordon: ..." to stderr.
void PrintErrors(const absl::Status& status);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_COMMANDS_H_
