// SPDX-License-Identifier: Apache-2.0
// How --help of the command and its verbs reads. The manual pages and the completion are made from
// it (tools/gen/cli_help.py).
#ifndef CORDON_TOOLS_CORDON_HELP_H_
#define CORDON_TOOLS_CORDON_HELP_H_

#include <CLI/CLI.hpp>

namespace cordon::cli {

// When all verbs have their options: names what each value is, and what stands behind `run`.
void SetUpHelp(CLI::App* app);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_HELP_H_
