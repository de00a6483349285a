// SPDX-License-Identifier: Apache-2.0
// The flags of each verb. Entry points: Add*, which put them on a verb of CLI11.
#ifndef CORDON_TOOLS_CORDON_OPTIONS_H_
#define CORDON_TOOLS_CORDON_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "tools/cordon/commands.h"

namespace cordon::cli {

void AddRun(CLI::App* run, RunOptions* options);
void AddCheck(CLI::App* check, CheckOptions* options);
void AddBatch(CLI::App* batch, BatchOptions* options);
void AddReport(CLI::App* report, ReportOptions* options);
void AddTalk(CLI::App* talk, TalkOptions* options);
void AddExplain(CLI::App* explain, ExplainOptions* options);
void AddCompile(CLI::App* compile, CompileOptions* options);
inline constexpr char kDoctorHelp[] =
    "Runs a short job under base/strict, judge/cpp and ci/cmake and says for each layer whether "
    "it\n"
    "is available, was engaged in a job, and was verified by what the kernel shows.\n"
    "Exit status 0: all three ran in full, which means with every layer that they REQUIRE. Layers\n"
    "that they ask for IF_AVAILABLE and that this host lacks are notes. 1: one did not run; the\n"
    "lines \"to do\" say what to type. 125: the host could not be examined.";
// --format=text|json
void AddFormat(CLI::App* command, std::string* format);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_OPTIONS_H_
