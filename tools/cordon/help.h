// SPDX-License-Identifier: Apache-2.0
// How --help of the command and its verbs reads. The manual pages and the completion are made from
// it (tools/gen/cli_help.py).
#ifndef CORDON_TOOLS_CORDON_HELP_H_
#define CORDON_TOOLS_CORDON_HELP_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cordon::cli {

// When all verbs have their options: names what each value is, and what stands behind `run`. A
// file named "-" is an error from then on.
void SetUpHelp(CLI::App* app);

// What to say of a first word that is no verb; "" when it is one, or an option, or nothing.
std::string UnknownVerb(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_HELP_H_
