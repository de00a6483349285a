// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/options.h"

#include "sandbox/api/batch.h"

namespace cordon::cli {

void AddRun(CLI::App* run, RunOptions* options) {
  CLI::Option* policy = run->add_option("--policy", options->policy, "Profile name or policy file")
                            ->capture_default_str();
  run->add_option("--plan", options->plan, "A plan of `cordon compile` in place of a policy")
      ->excludes(policy);
  run->add_option("--report", options->report, "Write the report (JSON) to this file");
  run->add_option("--report-fd", options->report_fd, "Write the report to this descriptor");
  run->add_option("--stdin", options->in, "Read the job's input from this file");
  run->add_option("--stdout", options->out, "Write the job's output to this file");
  run->add_option("--stderr", options->err, "Write the job's error output to this file");
  run->add_option("--cpu-time", options->cpu_time, "CPU time limit, such as 1.5s; only tightens");
  run->add_option("--wall-time", options->wall_time, "Wall time limit; only tightens");
  run->add_option("--memory", options->memory, "Memory limit, such as 256MiB; only tightens");
  run->add_option("--pids", options->processes, "Limit on processes and threads; only tightens");
  run->add_option("--output-limit", options->output_limit, "Limit on output; only tightens");
  run->add_option(
      "--timeline", options->timeline,
      "Sample CPU time, memory and processes this often, such as 100ms, for the report");
  run->add_option("--cancel-grace", options->cancel_grace,
                  "How long a job that is cancelled may take to end; default 0, killed at once");
  run->add_option("--cancel-signal", options->cancel_signal,
                  "What it gets first then; default SIGTERM");
  run->add_option("--health-cmd", options->health_command,
                  "A word of a command that is run inside again and again; once for each word")
      ->allow_extra_args(false);
  run->add_option("--health-interval", options->health_interval, "Between two; default 30s");
  run->add_option("--health-timeout", options->health_timeout, "Of one; default 30s");
  run->add_option("--health-retries", options->health_retries,
                  "Failures in a row that end the job; default 3");
  run->add_option("--health-start-period", options->health_start_period,
                  "Failures in it do not count before the first success; default 0");
  // One value per flag: without this, "--bind A B -- cmd" would swallow what follows.
  run->add_option("--bind", options->binds,
                  "SRC:DST[:ro|rw], a bind mount beyond the policy (the report lists it)")
      ->allow_extra_args(false);
  run->add_option("--env", options->environment, "NAME=VALUE, added to the job's environment")
      ->allow_extra_args(false);
  run->add_option("--copy-in", options->copy_in,
                  "SRC:DST[:MODE], a copy of a file in a tmpfs of the policy; MODE such as 0755")
      ->allow_extra_args(false);
  run->add_option("--copy-out", options->copy_out,
                  "SRC:DST[:optional], a file or a folder of a tmpfs, taken when the job is over")
      ->allow_extra_args(false);
  run->add_option("--workdir", options->working_directory, "Directory inside where it starts");
  run->add_flag("--quiet,-q", options->quiet, "Say nothing about how the job ended");
}

void AddCheck(CLI::App* check, CheckOptions* options) {
  check->add_option("POLICY", options->policies, "Profile names or policy files");
  check
      ->add_option("--lint", options->lint,
                   "Lints to print: off, open (those that no policy accepts), all")
      ->check(CLI::IsMember({"off", "open", "all"}))
      ->capture_default_str();
  check->add_option("--fail-on", options->fail_on, "Exit with 1 for an open lint this grave")
      ->check(CLI::IsMember({"never", "note", "warning", "danger"}))
      ->capture_default_str();
  check->add_flag("--list-lints", options->list, "Print every lint there is");
}

void AddFormat(CLI::App* command, std::string* format) {
  command->add_option("--format", *format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void AddBatch(CLI::App* batch, BatchOptions* options) {
  batch
      ->add_option("JOBS", options->jobs,
                   "List of jobs: .textproto, .json or .jsonl; \"-\": JSON lines from standard "
                   "input, from a pipe each run as soon as it is there")
      ->required();
  batch->add_option("--jobs,-j", options->at_once, "Jobs at a time")
      ->check(CLI::Range(1, static_cast<int>(kMostAtOnce)))
      ->capture_default_str();
  batch->add_option("--journal", options->journal,
                    "Keep results in this file; with one of the same jobs, go on where it ends");
  batch->add_option(
      "--store", options->store,
      "Folder for what jobs leave for each other; default: the journal's name, .store");
  batch->add_option("--report", options->report, "Write all results (JSON) to this file");
  batch->add_option("--junit", options->junit, "Write them as JUnit XML to this file");
  batch->add_option("--html", options->html, "Write them as one page for people to this file");
  batch->add_option("--shard", options->shard_text,
                    "I/N: only part I of N; jobs that depend on each other stay together");
  batch->add_flag("--dry-run", options->dry_run,
                  "Compare the list with its policies, and run nothing");
  batch->add_flag("--quiet,-q", options->quiet, "Say nothing while the jobs run");
}

void AddReport(CLI::App* report, ReportOptions* options) {
  report
      ->add_option("RESULTS", options->results,
                   "Files of --report, --journal or --format json, such as those of all shards")
      ->required();
  report->add_option("--html", options->html, "Write one page for people to this file");
  report->add_option("--junit", options->junit, "Write JUnit XML to this file");
  report->add_option("--report", options->report, "Write all results (JSON) to this file");
  report->add_option("--title", options->title, "Heading of the page")->capture_default_str();
}

void AddTalk(CLI::App* talk, TalkOptions* options) {
  talk->add_option("JOBS", options->jobs, "List of jobs: .textproto, .json or .jsonl")->required();
  talk->add_option("--job", options->name, "Name of the job in it; needed when there are several");
  talk->add_option("--report", options->report, "Write the report (JSON) to this file");
  talk->add_option("--report-fd", options->report_fd, "Write the report to this descriptor");
  talk->add_flag("--quiet,-q", options->quiet, "Say nothing about how the job ended");
}

void AddExplain(CLI::App* explain, ExplainOptions* options) {
  explain->add_option("POLICY", options->policy, "Profile name or policy file")->required();
  CLI::Option* apparmor =
      explain->add_flag("--apparmor", options->apparmor, "Print its AppArmor profile instead");
  explain->add_option("--apparmor-abi", options->abi, "3.0 (Debian 12) or 4.0")
      ->check(CLI::IsMember({"3.0", "4.0"}))
      ->needs(apparmor)
      ->capture_default_str();
}

void AddCompile(CLI::App* compile, CompileOptions* options) {
  compile->add_option("POLICY", options->policy, "Profile name or policy file")->required();
  compile->add_option("-o,--output", options->output, "File to write; default stdout");
  compile
      ->add_option("--format", options->format,
                   "binary (for `run --plan`), text, json, or filter (the system call filter as "
                   "a listing); default by the name of the file, text on stdout")
      ->check(CLI::IsMember({"binary", "text", "json", "filter"}));
}

}  // namespace cordon::cli
