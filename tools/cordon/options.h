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
void AddExplain(CLI::App* explain, ExplainOptions* options);
void AddCompile(CLI::App* compile, CompileOptions* options);
// --format=text|json
void AddFormat(CLI::App* command, std::string* format);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_OPTIONS_H_
