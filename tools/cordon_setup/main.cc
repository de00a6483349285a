// SPDX-License-Identifier: Apache-2.0
// cordon-setup: what an administrator does once for Cordon on a host, and how to take it back. The
// only program of the tree that is meant for root. It reads no policy and no data of jobs.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "sandbox/os/companion.h"
#include "sandbox/os/file.h"
#include "tools/cordon_setup/apply.h"
#include "tools/cordon_setup/host.h"
#include "tools/cordon_setup/plan.h"

namespace {

using cordon::DetailsOf;
using cordon::RenderError;
namespace setup = cordon::setup;

constexpr int kProgramMs = 60000;
constexpr char kHelp[] =
    "Prints each action before doing it, the content of each file below it:\n"
    "  the controllers cpu, cpuset, io, memory and pids for every user's manager of systemd;\n"
    "  the AppArmor profile cordon-job, and the profile that lets cordon make user namespaces\n"
    "  where a host gives those to named programs only;\n"
    "  for each --user an AppArmor policy namespace of that user's own.\n"
    "What was done is recorded in /var/lib/cordon/setup.state. --undo leaves what was changed "
    "since,\n"
    "and a profile or a namespace that a process is confined by, and says so.\n"
    "Exit status 0: done, or nothing to do. 1: not done, or not all; it can be run again, and "
    "what\n"
    "was done before can be undone.";

struct Options {
  bool dry_run = false;
  bool undo = false;
  std::string root;
  std::string cordon;
  std::vector<std::string> users;
};

int Fail(const absl::Status& status) {
  for (const auto& detail : DetailsOf(status)) {
    std::fprintf(stderr, "cordon-setup: %s\n", RenderError(detail).c_str());
  }
  return 1;
}

absl::Status Perform(const Options& options) {
  setup::Means means;
  means.root = options.root == "/" ? "" : options.root;
  means.dry_run = options.dry_run;
  // At once: what is said is said before it is done, whatever ends the run.
  means.say = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  means.run = [](const std::vector<std::string>& argv) {
    return cordon::RunCompanion(argv[0], {argv.begin() + 1, argv.end()}, kProgramMs).status();
  };
  if (options.undo) return setup::Undo(means);
  std::vector<uint32_t> uids;
  for (const std::string& user : options.users) {
    CORDON_ASSIGN_OR_RETURN(const uint32_t uid,
                            setup::UidOf(user, setup::TextOf(means.root, "/etc/passwd")));
    uids.push_back(uid);
  }
  return setup::Apply(setup::PlanOf(setup::LookAt(means.root, options.cordon), uids), means);
}

int Main(int argc, char** argv) {
  CLI::App app{"Prepares a host for Cordon, once, as root", "cordon-setup"};
  app.footer(kHelp);
  Options options;
  app.add_flag("--dry-run", options.dry_run, "Print every action, do none; needs no root");
  app.add_flag("--undo", options.undo, "Take back what was done, and nothing else");
  app.add_option("--user", options.users, "A user who runs jobs (name or uid); may be repeated")
      ->type_name("USER");
  app.add_option("--root", options.root, "Work on the tree below this folder, run no program")
      ->type_name("DIR");
  app.add_option("--cordon", options.cordon, "Path of the command; default: beside this program")
      ->type_name("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!options.dry_run && ::geteuid() != 0) {
    std::fprintf(stderr,
                 "cordon-setup: only root may change a host; --dry-run shows what it "
                 "would do: sudo cordon-setup\n");
    return 1;
  }
  if (options.cordon.empty()) {
    const absl::StatusOr<std::string> beside = cordon::BesideThisProgram("cordon");
    if (beside.ok()) options.cordon = *beside;
  }
  // Whatever the caller's mask is: the files are for everybody to read.
  ::umask(022);
  if (options.dry_run) std::printf("dry run: nothing is changed\n");
  const absl::Status status = Perform(options);
  return status.ok() ? 0 : Fail(status);
}

}  // namespace

int main(int argc, char** argv) {
  if (!cordon::EnsureStdio().ok()) return 1;
  return Main(argc, argv);
}
