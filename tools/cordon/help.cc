// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/help.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"

namespace cordon::cli {
namespace {

// One name means one kind of value in every verb. FILE, DIR and POLICY are completed by the shell.
struct ValueName {
  const char* value;
  std::vector<std::string> options;
};

const std::vector<ValueName>& ValueNames() {
  static const auto* const kNames = new std::vector<ValueName>{
      {"POLICY", {"--policy", "POLICY", "A", "B"}},
      {"FILE",
       {"--plan", "--report", "--stdin", "--stdout", "--stderr", "--journal", "--junit", "--html",
        "--output", "JOBS", "RESULTS"}},
      {"DIR", {"--store"}},
      {"TIME",
       {"--cpu-time", "--wall-time", "--timeline", "--cancel-grace", "--health-interval",
        "--health-timeout", "--health-start-period"}},
      {"SIZE", {"--memory", "--output-limit"}},
      {"NUMBER", {"--pids", "--jobs", "--health-retries"}},
      {"SRC:DST[:ro|rw]", {"--bind"}},
      {"SRC:DST[:MODE]", {"--copy-in"}},
      {"SRC:DST[:optional]", {"--copy-out"}},
      {"VARIABLE", {"--env"}},
      {"PATH", {"--workdir"}},
      {"FD", {"--report-fd"}},
      {"I/N", {"--shard"}},
      {"SIGNAL", {"--cancel-signal"}},
      {"WORD", {"--health-cmd"}},
      {"NAME", {"--job"}},
      {"FORMAT", {"--format"}},
      {"VERSION", {"--apparmor-abi"}},
      {"GRAVITY", {"--fail-on"}},
      {"WHICH", {"--lint"}},
  };
  return *kNames;
}

// Many commands mean their own stdin or stdout by "-". A file of that name is a surprise.
std::string RefuseDash(const std::string& path) {
  if (path != "-") return "";
  return "\"-\" does not stand for a stream: name one, such as /dev/stdout, or the file, as ./-";
}

void NameValue(CLI::Option* option) {
  if (option->get_items_expected_max() == 0) return;  // a flag
  for (const ValueName& each : ValueNames()) {
    const auto& names = each.options;
    if (std::find(names.begin(), names.end(), option->get_name()) == names.end()) continue;
    option->type_name(each.value);
    const bool file = absl::string_view(each.value) == "FILE";
    if (file && option->get_name() != "JOBS") option->check(RefuseDash);
  }
}

// The job's own command is split off before CLI11 sees anything.
class RunFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    while (!usage.empty() && usage.back() == '\n') usage.pop_back();
    return usage + " -- COMMAND [ARGS...]\n";
  }
};

}  // namespace

void SetUpHelp(CLI::App* app) {
  constexpr char kRun[] =
      "Example: cordon run --policy judge/cpp --cpu-time 1s --stdin 01.in -- ./a.out\n"
      "A command with a slash is a file of this host, put read-only into the job's folder; one\n"
      "without is looked for in the job's own PATH.\n"
      "Exit status: that of the job; 124: a time limit ended it; 125: Cordon failed, and says "
      "why;\n"
      "126, 127: the command cannot be executed, is not there; 128 + N: it died of signal N.";
  app->footer("`cordon VERB --help` lists the options of a verb; the manual is cordon(1).");
  for (CLI::App* verb : app->get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : verb->get_options()) NameValue(option);
    if (verb->get_name() != "run") continue;
    verb->formatter(std::make_shared<RunFormatter>());
    verb->footer(kRun);
  }
}

std::string UnknownVerb(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty() || words[0].empty() || words[0][0] == '-') return "";
  std::string verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == words[0]) return "";
    absl::StrAppend(&verbs, verbs.empty() ? "" : ", ", verb->get_name());
  }
  return absl::StrCat("there is no verb \"", EscapeForPeople(words[0]), "\"; there are ", verbs);
}

}  // namespace cordon::cli
