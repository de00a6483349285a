// SPDX-License-Identifier: Apache-2.0
// The command `cordon`: parses flags, calls a verb of commands.h, returns its exit code.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/help.h"
#include "tools/cordon/options.h"

namespace {

using cordon::cli::BatchOptions;
using cordon::cli::CheckOptions;
using cordon::cli::CompileOptions;
using cordon::cli::ExplainOptions;
using cordon::cli::ReportOptions;
using cordon::cli::RunOptions;
using cordon::cli::TalkOptions;

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
  cordon::cli::AddRun(run, &run_options);
  std::string format = "text";
  CheckOptions check_options;
  CLI::App* check = app.add_subcommand("check", "Check policies: list every error, then lints");
  cordon::cli::AddCheck(check, &check_options);
  cordon::cli::AddFormat(check, &format);
  BatchOptions batch_options;
  CLI::App* batch = app.add_subcommand("batch", "Run a list of jobs, some at a time");
  cordon::cli::AddBatch(batch, &batch_options);
  cordon::cli::AddFormat(batch, &format);
  ReportOptions report_options;
  CLI::App* report = app.add_subcommand("report", "Show what batches have written; runs nothing");
  cordon::cli::AddReport(report, &report_options);
  TalkOptions talk_options;
  CLI::App* talk = app.add_subcommand("talk", "Run one job of several sandboxes that talk");
  cordon::cli::AddTalk(talk, &talk_options);
  ExplainOptions explained;
  CLI::App* explain = app.add_subcommand("explain", "Say in words what a policy allows");
  cordon::cli::AddExplain(explain, &explained);
  cordon::cli::AddFormat(explain, &format);
  CompileOptions compile_options;
  CLI::App* compile = app.add_subcommand("compile", "Write the plan that a policy becomes here");
  cordon::cli::AddCompile(compile, &compile_options);
  std::string before;
  std::string after;
  CLI::App* diff = app.add_subcommand(
      "diff", "Say what policy B allows that policy A does not; exit 1 if there is anything");
  diff->add_option("A", before, "Profile name or policy file")->required();
  diff->add_option("B", after, "Profile name or policy file")->required();
  cordon::cli::AddFormat(diff, &format);
  CLI::App* doctor = app.add_subcommand("doctor", "Say what this host can enforce, from real jobs");
  doctor->footer(cordon::cli::kDoctorHelp);
  cordon::cli::AddFormat(doctor, &format);
  CLI::App* profiles = app.add_subcommand("profiles", "List the shipped profiles");

  cordon::cli::SetUpHelp(&app);
  std::vector<std::string> own = SplitCommand(argc, argv, &run_options.command);
  if (const std::string unknown = cordon::cli::UnknownVerb(app, own); !unknown.empty()) {
    std::fprintf(stderr, "cordon: %s\n", unknown.c_str());
    return cordon::cli::kExitCordon;
  }
  std::vector<std::string> reversed(own.rbegin(), own.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (run->parsed() && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
      std::fprintf(stderr, "Usage: %s\n", cordon::cli::kRunUsage);
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
  batch_options.json = json;
  if (batch->parsed()) return cordon::cli::RunBatchCommand(batch_options);
  if (report->parsed()) return cordon::cli::WriteReport(report_options);
  if (talk->parsed()) return cordon::cli::RunTalkCommand(talk_options);
  if (check->parsed()) return cordon::cli::Check(check_options);
  if (explain->parsed()) return cordon::cli::Explain(explained, json);
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
  if (const absl::Status status = cordon::RaiseSoftLimits(); !status.ok()) {
    cordon::cli::PrintErrors(status);
    return cordon::cli::kExitCordon;
  }
  cordon::SettleSignals();
  cordon::IgnoreSigpipe();
  if (::geteuid() != ::getuid() || ::getegid() != ::getgid()) {
    std::fprintf(stderr, "cordon: refuses to run setuid or setgid; it needs no privilege\n");
    return cordon::cli::kExitCordon;
  }
  return Main(argc, argv);
}
