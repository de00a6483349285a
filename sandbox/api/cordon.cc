// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/cordon.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/field_path.h"
#include "policy/batch/talk.h"
#include "policy/parse.h"
#include "policy/proto/batch.pb.h"
#include "policy/violations.h"
#include "sandbox/api/run_job.h"
#include "sandbox/api/run_talk.h"
#include "sandbox/api/stdio_files.h"
#include "sandbox/host/probe.h"
#include "sandbox/host/scope.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/memory_file.h"
#include "sandbox/os/procfs.h"
#include "sandbox/supervise/supervisor.h"

namespace cordon {
namespace {

constexpr char kNull[] = "/dev/null";

Error Unfit(absl::string_view message) {
  Error error(absl::StatusCode::kFailedPrecondition, message);
  error.Stage("prepare");
  return error;
}

// Real, effective, saved and file system ids of a line of status.
bool AllTheSame(const std::string& ids) {
  const std::vector<std::string> parts = absl::StrSplit(ids, absl::ByAnyChar(" \t"));
  for (const std::string& each : parts) {
    if (each != parts[0]) return false;
  }
  return true;
}

// What the command settles for itself (tools/cordon/main.cc), and a library must not.
absl::Status CheckProcess() {
  CORDON_ASSIGN_OR_RETURN(const std::string text, ReadAt(kCwd, "/proc/thread-self/status"));
  std::map<std::string, std::string> status = ParseStatus(text);
  if (!AllTheSame(status["Uid"]) || !AllTheSame(status["Gid"])) {
    return Unfit("the process runs set-user-id or set-group-id; Cordon needs no privilege");
  }
  uint64_t ignored = 0;
  if (!absl::SimpleHexAtoi(status["SigIgn"], &ignored)) {
    return Unfit("/proc/thread-self/status does not say which signals are ignored");
  }
  if ((ignored >> (SIGCHLD - 1) & 1) != 0) {
    return Unfit("SIGCHLD is ignored, so that the kernel would not say how a job ended")
        .Hint("signal(SIGCHLD, SIG_DFL)");
  }
  for (const int fd : {0, 1, 2}) {
    // Otherwise a descriptor of a run lands there, and a caller's printf in a job's input.
    if (CheckDescriptor(fd, "").ok()) continue;
    return Unfit(absl::StrCat("descriptor ", fd, " is closed")).Hint("open /dev/null there");
  }
  return absl::OkStatus();
}

Error Ambiguous(absl::string_view name, absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("at most one of fd, path and text says ", what))
      .Field(name);
}

// One end of the caller's: a descriptor of his, or one of ours.
struct End {
  int number = -1;
  UniqueFd owned;
  std::string* text = nullptr;
  int fd() const { return owned.valid() ? owned.get() : number; }
};

absl::StatusOr<End> EndOf(const Input& input) {
  constexpr char kName[] = "in";
  const int set = (input.fd >= 0 ? 1 : 0) + (!input.path.empty() ? 1 : 0) + input.text.has_value();
  if (set > 1) return Ambiguous(kName, "what the job reads");
  End end;
  end.number = input.fd;
  if (input.text.has_value()) {
    CORDON_ASSIGN_OR_RETURN(end.owned, MemoryFile("input of a job", *input.text));
  } else if (input.fd < 0) {
    CORDON_ASSIGN_OR_RETURN(end.owned,
                            OpenInputFile(kName, input.path.empty() ? kNull : input.path));
  }
  return end;
}

absl::StatusOr<End> EndOf(absl::string_view name, const Output& output) {
  const int set =
      (output.fd >= 0 ? 1 : 0) + (!output.path.empty() ? 1 : 0) + (output.text != nullptr ? 1 : 0);
  if (set > 1) return Ambiguous(name, "where output goes");
  End end;
  end.number = output.fd;
  end.text = output.text;
  if (output.text != nullptr) {
    output.text->clear();
    CORDON_ASSIGN_OR_RETURN(end.owned, MemoryFile("output of a job", ""));
  } else if (output.fd < 0) {
    CORDON_ASSIGN_OR_RETURN(end.owned,
                            OpenOutputFile(name, output.path.empty() ? kNull : output.path));
  }
  return end;
}

struct Ends {
  End in;
  End out;
  End err;
};

// `options`: of a run, or a member of a talk.
template <typename Options>
absl::StatusOr<Ends> EndsOf(const Options& options) {
  Ends ends;
  CORDON_ASSIGN_OR_RETURN(ends.in, EndOf(options.in));
  CORDON_ASSIGN_OR_RETURN(ends.out, EndOf("out", options.out));
  // Two positions in one file would overwrite each other; one keeps the order of what was written.
  const bool same_text = options.err.text != nullptr && options.err.text == options.out.text;
  if (same_text) {
    ends.err.number = ends.out.fd();
    return ends;
  }
  CORDON_ASSIGN_OR_RETURN(ends.err, EndOf("err", options.err));
  if (!options.err.path.empty()) {
    CORDON_RETURN_IF_ERROR(ShareOneFile(ends.out.fd(), &ends.err.owned));
  }
  return ends;
}

Streams StreamsOf(const Ends& ends) {
  return {ends.in.fd(), ends.out.fd(), ends.err.fd(), false, false};
}

absl::Status TakeText(const End& end, uint64_t limit) {
  if (end.text == nullptr) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(*end.text, ContentOfFile(end.fd(), "output of a job", limit));
  return absl::OkStatus();
}

// The relays keep to the limit; a text is the caller's in any case.
absl::Status TakeTexts(const Ends& ends, const v1::Plan& plan) {
  absl::Status taken = TakeText(ends.out, plan.watch().output_bytes());
  taken.Update(TakeText(ends.err, plan.watch().output_bytes()));
  return WithStage(taken, "run");
}

// What is checked of a talk: the same as in a list of jobs.
v1::BatchJob TalkOf(const std::vector<TalkMember>& members, const TalkOptions& options) {
  constexpr char kHasOne[] = "a stream of the caller's";
  const auto has_one = [](const Output& output) {
    return output.fd >= 0 || !output.path.empty() || output.text != nullptr;
  };
  v1::BatchJob talk;
  talk.set_verdict_of(options.verdict_of);
  for (const TalkMember& member : members) {
    v1::BatchJob* one = talk.add_sandbox();
    one->set_name(member.name);
    *one->mutable_argv() = member.job.argv();
    const Input& in = member.in;
    if (in.fd >= 0 || !in.path.empty() || in.text.has_value()) one->set_stdin(kHasOne);
    if (has_one(member.out)) one->set_stdout(kHasOne);
    if (has_one(member.err)) one->set_stderr(kHasOne);
  }
  for (const TalkConnection& each : options.connect) {
    v1::Connection* connection = talk.add_connect();
    connection->set_from(each.from);
    connection->set_to(each.to);
  }
  return talk;
}

absl::Status OfMember(size_t index, const absl::Status& status) {
  std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (v1::ErrorDetail& detail : details) {
    const std::string member = IndexedField("sandbox", index);
    detail.set_policy_field(
        detail.policy_field().empty() ? member : ChildField(member, detail.policy_field()));
  }
  return ErrorFromDetails(status.code(), details);
}

}  // namespace

absl::StatusOr<Host> Host::Open(const HostOptions& options) {
  CORDON_RETURN_IF_ERROR(CheckProcess());
  absl::Status scope;
  if (options.own_scope) scope = EnterOwnScope(options.scope_helper);
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ProbeHost());
  ExplainScope(scope, &facts);
  return Host(std::move(facts));
}

struct CancelHandle::State {
  UniqueFd event;
};

absl::StatusOr<CancelHandle> CancelHandle::Make() {
  CORDON_ASSIGN_OR_RETURN(UniqueFd event, MakeEventFd());
  auto state = std::make_shared<State>();
  state->event = std::move(event);
  return CancelHandle(std::move(state));
}

void CancelHandle::Cancel() const {
  const int saved = errno;  // of what a signal handler has interrupted
  constexpr uint64_t kOne = 1;
  char bytes[sizeof(kOne)];
  std::memcpy(bytes, &kOne, sizeof(kOne));
  // EAGAIN: it has been called 2^64 - 2 times, and is readable.
  (void)WriteSome(fd(), bytes, sizeof(bytes));
  errno = saved;
}

int CancelHandle::fd() const { return state_->event.get(); }

struct Runner::State {
  v1::HostFacts facts;
  ReadyPolicy ready;
};

absl::StatusOr<Runner> Runner::Make(const Host& host, const NormalPolicy& policy) {
  CORDON_ASSIGN_OR_RETURN(CompiledPlan plan, CompiledPlan::Make(policy, host.facts()));
  return Runner(std::make_shared<State>(State{host.facts(), {policy, std::move(plan)}}));
}

const NormalPolicy& Runner::policy() const { return state_->ready.policy; }
const v1::Plan& Runner::plan() const { return state_->ready.plan->proto(); }

absl::StatusOr<v1::Report> Runner::Run(const v1::JobSpec& job, const RunOptions& options) const {
  CORDON_ASSIGN_OR_RETURN(const WriteSignalHold hold, WriteSignalHold::Make());
  CORDON_ASSIGN_OR_RETURN(const Ends ends, EndsOf(options));
  v1::Report report = BeginReport(policy().name(), &state_->facts);
  const Control control = {options.signals, options.cancel ? options.cancel->fd() : -1};
  PolicySource profiles;
  const absl::Status ran =
      RunUnder(state_->ready, profiles, state_->facts, job, StreamsOf(ends), control, &report);
  const absl::Status taken = TakeTexts(ends, plan());
  CORDON_RETURN_IF_ERROR(ran);
  CORDON_RETURN_IF_ERROR(taken);
  return report;
}

absl::StatusOr<v1::Report> Runner::RunTalk(const std::vector<TalkMember>& members,
                                           const TalkOptions& options) {
  CORDON_ASSIGN_OR_RETURN(const WriteSignalHold hold, WriteSignalHold::Make());
  const v1::BatchJob talk = TalkOf(members, options);
  const SourceMap nowhere;
  Violations violations(nowhere);
  CheckTalk(talk, "", &violations);
  CORDON_RETURN_IF_ERROR(violations.ToStatus());
  std::vector<Ends> ends;
  std::vector<TalkPart> parts;
  for (size_t i = 0; i < members.size(); ++i) {
    absl::StatusOr<Ends> mine = EndsOf(members[i]);
    if (!mine.ok()) return OfMember(i, mine.status());
    ends.push_back(*std::move(mine));
    const Runner::State& state = *members[i].runner.state_;
    TalkPart part;
    part.name = members[i].name;
    part.policy = state.ready.policy.name();
    part.streams = StreamsOf(ends.back());
    part.facts = &state.facts;
    part.prepare = [&state, &job = members[i].job](v1::Report* report) {
      report->set_kernel_release(state.facts.kernel_release());
      return PrepareUnder(state.ready, state.facts, job, report);
    };
    parts.push_back(std::move(part));
  }
  PolicySource profiles;
  const Control control = {options.signals, options.cancel ? options.cancel->fd() : -1};
  absl::Status failure;
  v1::Report report =
      ReportOfTalk(parts, LinksOf(talk), DeciderOf(talk), profiles, control, &failure);
  for (size_t i = 0; i < members.size(); ++i) {
    const absl::Status taken = TakeTexts(ends[i], members[i].runner.plan());
    const bool failed = report.sandbox(static_cast<int>(i)).report().verdict() == v1::SETUP_FAILED;
    if (failed && !failure.ok()) return OfMember(i, failure);
    if (!taken.ok()) return OfMember(i, taken);
  }
  CORDON_RETURN_IF_ERROR(failure);
  return report;
}

v1::Report ReportOfFailure(const absl::Status& error) {
  v1::Report report = BeginReport("");
  FillFailure(error.ok() ? absl::InternalError("there was no error") : error, &report);
  return report;
}

absl::string_view Version() { return CORDON_VERSION; }

}  // namespace cordon
