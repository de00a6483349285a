// SPDX-License-Identifier: Apache-2.0
// The command `cordon`: parses flags, calls a verb of commands.h, returns its exit code.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "tools/cordon/commands.h"

namespace {

using cordon::cli::CheckOptions;
using cordon::cli::RunOptions;

void AddRun(CLI::App* run, RunOptions* options) {
  run->footer("Usage: cordon run [OPTIONS] -- COMMAND [ARGS...]");
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
  // One value per flag: without this, "--bind A B -- cmd" would swallow what follows.
  run->add_option("--bind", options->binds,
                  "SRC:DST[:ro|rw], a bind mount beyond the policy (the report lists it)")
      ->allow_extra_args(false);
  run->add_option("--env", options->environment, "NAME=VALUE, added to the job's environment")
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

struct ExplainOptions {
  std::string policy;
  bool apparmor = false;
  std::string abi = "3.0";
};

void AddExplain(CLI::App* explain, ExplainOptions* options) {
  explain->add_option("POLICY", options->policy, "Profile name or policy file")->required();
  CLI::Option* apparmor =
      explain->add_flag("--apparmor", options->apparmor, "Print its AppArmor profile instead");
  explain->add_option("--apparmor-abi", options->abi, "3.0 (Debian 12) or 4.0")
      ->check(CLI::IsMember({"3.0", "4.0"}))
      ->needs(apparmor)
      ->capture_default_str();
}

int Explain(const ExplainOptions& options, bool json) {
  if (options.apparmor) return cordon::cli::ExplainAppArmor(options.policy, options.abi);
  return cordon::cli::Explain(options.policy, json);
}

// Everything behind the first "--" of `run` is the job's, whatever it looks like.
std::vector<std::string> SplitCommand(int argc, char** argv, std::vector<std::string>* command) {
  std::vector<std::string> own;
  int i = 1;
  for (; i < argc && std::string(argv[i]) != "--"; ++i) own.emplace_back(argv[i]);
  for (++i; i < argc; ++i) command->emplace_back(argv[i]);
  return own;
}

int Main(int argc, char** argv) {
  CLI::App app{"Runs untrusted programs in a sandbox whose every layer is confirmed by the kernel",
               "cordon"};
  app.set_version_flag("--version", CORDON_VERSION);
  app.require_subcommand(1);
  RunOptions run_options;
  CLI::App* run = app.add_subcommand("run", "Run a command under a policy");
  AddRun(run, &run_options);
  std::string format = "text";
  CheckOptions check_options;
  CLI::App* check = app.add_subcommand("check", "Check policies: list every error, then lints");
  AddCheck(check, &check_options);
  AddFormat(check, &format);
  ExplainOptions explained;
  CLI::App* explain = app.add_subcommand("explain", "Say in words what a policy allows");
  AddExplain(explain, &explained);
  AddFormat(explain, &format);
  cordon::cli::CompileOptions compile_options;
  CLI::App* compile = app.add_subcommand("compile", "Write the plan that a policy becomes here");
  compile->add_option("POLICY", compile_options.policy, "Profile name or policy file")->required();
  compile->add_option("-o,--output", compile_options.output, "File to write; default stdout");
  compile
      ->add_option("--format", compile_options.format,
                   "binary (for `run --plan`), text, json, or filter (the system call filter as "
                   "a listing); default by the name of the file, text on stdout")
      ->check(CLI::IsMember({"binary", "text", "json", "filter"}));
  std::string before;
  std::string after;
  CLI::App* diff = app.add_subcommand(
      "diff", "Say what policy B allows that policy A does not; exit 1 if there is anything");
  diff->add_option("A", before, "Profile name or policy file")->required();
  diff->add_option("B", after, "Profile name or policy file")->required();
  AddFormat(diff, &format);
  CLI::App* doctor = app.add_subcommand("doctor", "Say what this host can enforce");
  AddFormat(doctor, &format);
  CLI::App* profiles = app.add_subcommand("profiles", "List the shipped profiles");

  std::vector<std::string> own = SplitCommand(argc, argv, &run_options.command);
  std::vector<std::string> reversed(own.rbegin(), own.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code != 0 && run->parsed() && run_options.command.empty()) {
      std::fprintf(stderr, "The job's command comes behind \"--\": %s\n",
                   "cordon run [OPTIONS] -- COMMAND [ARGS...]");
    }
    return code == 0 ? 0 : cordon::cli::kExitCordon;
  }
  if (!run_options.command.empty() && !run->parsed()) {
    std::fprintf(stderr, "cordon: \"--\" is for `cordon run` only\n");
    return cordon::cli::kExitCordon;
  }
  if (run->parsed()) return cordon::cli::Run(run_options);
  const bool json = format == "json";
  check_options.json = json;
  if (check->parsed()) return cordon::cli::Check(check_options);
  if (explain->parsed()) return Explain(explained, json);
  if (compile->parsed()) return cordon::cli::Compile(compile_options);
  if (diff->parsed()) return cordon::cli::Diff(before, after, json);
  if (doctor->parsed()) return cordon::cli::Doctor(json);
  if (profiles->parsed()) return cordon::cli::Profiles();
  return cordon::cli::kExitCordon;
}

}  // namespace

int main(int argc, char** argv) {
  // A caller without stdio must not make its files our 0, 1 or 2.
  if (const absl::Status status = cordon::EnsureStdio(); !status.ok()) {
    return cordon::cli::kExitCordon;
  }
  cordon::IgnoreSigpipe();
  if (::geteuid() != ::getuid() || ::getegid() != ::getgid()) {
    std::fprintf(stderr, "cordon: refuses to run setuid or setgid; it needs no privilege\n");
    return cordon::cli::kExitCordon;
  }
  return Main(argc, argv);
}
