// SPDX-License-Identifier: Apache-2.0
// cordon_example_talk POLICY GRADER CONTESTANT: runs two shell commands that talk, each in a
// sandbox of its own, and prints what the grader wrote to its stderr and how it all ended. The
// grader decides: exit code 0 is a yes.
#include <cordon/cordon.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

using cordon::v1::Report;

cordon::TalkMember Member(const char* name, const cordon::Runner& runner, const char* command) {
  cordon::TalkMember member{name, runner, {}};
  for (const char* word : {"sh", "-c", command}) member.job.add_argv(word);
  return member;
}

absl::StatusOr<Report> Talk(char** words, std::string* notes) {
  CORDON_ASSIGN_OR_RETURN(const cordon::Host host, cordon::Host::Open());
  CORDON_ASSIGN_OR_RETURN(const cordon::NormalPolicy policy, cordon::LoadPolicy(words[0]));
  CORDON_ASSIGN_OR_RETURN(const cordon::Runner runner, cordon::Runner::Make(host, policy));
  std::vector<cordon::TalkMember> members = {Member("grader", runner, words[1]),
                                             Member("contestant", runner, words[2])};
  members[0].err.text = notes;
  cordon::TalkOptions options;
  options.connect = {{"grader.stdout", "contestant.stdin"}, {"contestant.stdout", "grader.stdin"}};
  options.verdict_of = "grader";
  options.signals = true;  // Ctrl-C cancels both
  return cordon::Runner::RunTalk(members, options);
}

void Print(const char* name, const Report& report) {
  std::printf("%s %s", name, cordon::v1::Verdict_Name(report.verdict()).c_str());
  if (report.has_exit_code()) std::printf(" %d", report.exit_code());
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: cordon_example_talk POLICY GRADER CONTESTANT\n");
    return 2;
  }
  std::string notes;
  const absl::StatusOr<Report> report = Talk(argv + 1, &notes);
  if (!report.ok()) {
    for (const cordon::v1::ErrorDetail& detail : cordon::DetailsOf(report.status())) {
      std::fprintf(stderr, "cordon_example_talk: %s\n", cordon::RenderError(detail).c_str());
    }
    return 1;
  }
  std::printf("%s", notes.c_str());
  Print("verdict", *report);
  std::printf("decided by %s: %s\n", report->decided_by().c_str(), report->decided_why().c_str());
  for (const cordon::v1::SandboxReport& each : report->sandbox()) {
    Print(each.name().c_str(), each.report());
  }
  return 0;
}
