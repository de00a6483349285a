// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/talk.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/supervise/deadlock.h"

namespace cordon {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kNever = ~uint64_t{0};
// How many times the CPU time of a look the pause behind it is.
constexpr uint64_t kPausePerLook = 20;
// How long an end that is certain is waited for when the others are ended.
constexpr uint64_t kEndingMs = 10'000;
// Tokens of the epoll; others are positions of jobs.
constexpr uint64_t kSignalToken = kNever;
constexpr uint64_t kCancelToken = kNever - 1;

const char* StreamName(int stream) { return stream == 1 ? "stdout" : "stderr"; }

absl::StatusOr<std::string> PipeLink(int fd) {
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd));
  return absl::StrCat("pipe:[", info.inode, "]");
}

class Talk {
 public:
  Talk(std::vector<Talker> talkers, const std::vector<TalkLink>& links, size_t decider,
       const Control& control)
      : control_(control), decider_(decider), jobs_(talkers.size()) {
    for (size_t i = 0; i < talkers.size(); ++i) jobs_[i].talker = std::move(talkers[i]);
    for (const TalkLink& link : links) links_.push_back({link, UniqueFd(), {}});
  }

  absl::Status Start();
  absl::Status Run();
  TalkResult Result();

 private:
  struct Job {
    Talker talker;
    pid_t init = 0;
    std::map<std::string, std::string> streams;  // as in TalkerLook
    std::unique_ptr<Supervision> watch;          // while it is not over
    uint64_t ending_ns = 0;  // its end was certain, though not reported; 0: not seen
    TalkResult::End end;
  };
  struct Link {
    TalkLink link;
    UniqueFd sink;  // the only write end of the reader's stdin
    v1::StreamReport report;
  };

  std::string NameOf(const Link& link) const {
    return absl::StrCat(jobs_[link.link.from].talker.name, ".", StreamName(link.link.stream));
  }
  absl::Status Connect(Link* link);
  absl::Status ListenForCancels();
  absl::Status Handle(const Epoll::Event& event);
  absl::Status Hear(size_t job);
  void KeepStreams(size_t job);
  void KeepEnd(size_t job, absl::StatusOr<v1::Report> report);
  bool SeenEnding(Job* job);
  void LookForEnds();
  absl::Status EndDecided(uint64_t now_ns);
  absl::Status EndOthers(size_t but, const std::string& why);
  absl::Status CancelAll(int signal);
  absl::Status Look();
  int Timeout() const;

  const Control control_;
  SignalFd signals_;
  size_t decider_;
  std::vector<Job> jobs_;
  std::vector<Link> links_;
  Epoll epoll_;
  uint64_t began_ns_ = 0;
  size_t running_ = 0;
  std::vector<TalkerLook> before_;  // the last look
  uint64_t next_look_ns_ = 0;
  absl::Status looked_;            // the first look at an end that failed
  uint64_t patience_ns_ = kNever;  // until when the others may end by themselves
  std::string decided_;
  bool cancelled_ = false;
};

absl::Status Talk::Connect(Link* link) {
  Job& from = jobs_[link->link.from];
  Job& to = jobs_[link->link.to];
  link->sink = std::move(to.talker.sandbox->child().stdin_write);
  CORDON_RETURN_IF_ERROR(SetNonBlocking(link->sink.get()));
  const bool out = link->link.stream == 1;
  (out ? from.talker.streams.out : from.talker.streams.err) = link->sink.get();
  (out ? from.talker.streams.out_linked : from.talker.streams.err_linked) = true;
  (out ? from.talker.streams.escape_out : from.talker.streams.escape_err) = false;
  to.talker.streams.in = -1;
  const Child& child = from.talker.sandbox->child();
  CORDON_ASSIGN_OR_RETURN(const std::string written,
                          PipeLink(out ? child.stdout_read.get() : child.stderr_read.get()));
  CORDON_ASSIGN_OR_RETURN(const std::string read, PipeLink(link->sink.get()));
  from.streams[written] = absl::StrCat(StreamName(link->link.stream), ", to ", to.talker.name);
  to.streams[read] = absl::StrCat("stdin, from ", NameOf(*link));
  link->report.set_from(NameOf(*link));
  link->report.set_to(absl::StrCat(to.talker.name, ".stdin"));
  return absl::OkStatus();
}

absl::Status Talk::ListenForCancels() {
  if (control_.signals) {
    CORDON_ASSIGN_OR_RETURN(signals_, SignalFd::Make());
    CORDON_RETURN_IF_ERROR(epoll_.Add(signals_.fd(), EPOLLIN, kSignalToken).status());
  }
  if (control_.cancel_fd < 0) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const bool added, epoll_.Add(control_.cancel_fd, EPOLLIN, kCancelToken));
  return added ? absl::OkStatus() : ErrnoStatus("epoll_ctl", "", EPERM);
}

absl::Status Talk::Start() {
  CORDON_ASSIGN_OR_RETURN(epoll_, Epoll::Make());
  CORDON_RETURN_IF_ERROR(ListenForCancels());
  for (Link& link : links_) CORDON_RETURN_IF_ERROR(Connect(&link));
  began_ns_ = MonotonicNs();
  next_look_ns_ = began_ns_ + kTalkLookMs * kMs;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    Job& job = jobs_[i];
    job.init = job.talker.sandbox->child().pid;
    job.talker.streams.before_cut = [this] { LookForEnds(); };
    absl::StatusOr<std::unique_ptr<Supervision>> watch =
        Supervision::Begin(*job.talker.sandbox, job.talker.launch, job.talker.streams);
    if (!watch.ok()) {
      KeepEnd(i, watch.status());
      return EndOthers(i, absl::StrCat(job.talker.name, " could not be started"));
    }
    job.watch = *std::move(watch);
    ++running_;
    CORDON_RETURN_IF_ERROR(epoll_.Add(job.watch->fd(), EPOLLIN, static_cast<uint64_t>(i)).status());
  }
  return absl::OkStatus();
}

absl::Status Talk::Run() {
  while (running_ > 0) {
    CORDON_ASSIGN_OR_RETURN(const std::vector<Epoll::Event> events, epoll_.Wait(Timeout()));
    for (const Epoll::Event& event : events) {
      CORDON_RETURN_IF_ERROR(Handle(event));
    }
    const uint64_t now = MonotonicNs();
    if (now >= patience_ns_) CORDON_RETURN_IF_ERROR(EndDecided(now));
    if (now >= next_look_ns_) CORDON_RETURN_IF_ERROR(Look());
    CORDON_RETURN_IF_ERROR(looked_);
  }
  return absl::OkStatus();
}

int Talk::Timeout() const {
  const uint64_t now = MonotonicNs();
  const uint64_t next = std::min(next_look_ns_, patience_ns_);
  return next <= now ? 0 : static_cast<int>((next - now) / kMs + 1);
}

absl::Status Talk::Handle(const Epoll::Event& event) {
  if (event.token == kSignalToken) {
    const int number = signals_.Read();
    return number == 0 ? absl::OkStatus() : CancelAll(number);
  }
  if (event.token == kCancelToken) {
    epoll_.Remove(control_.cancel_fd);  // it stays readable
    return CancelAll(0);
  }
  return Hear(static_cast<size_t>(event.token));
}

absl::Status Talk::Hear(size_t index) {
  Job& job = jobs_[index];
  if (job.watch == nullptr) return absl::OkStatus();
  if (const absl::Status stepped = job.watch->Step(); !stepped.ok()) {
    KeepStreams(index);
    KeepEnd(index, stepped);
    return EndOthers(index, absl::StrCat(job.talker.name, " could not be watched"));
  }
  KeepStreams(index);
  if (!job.watch->finished()) return absl::OkStatus();
  absl::StatusOr<v1::Report> report = job.watch->Finish();
  const bool failed = !report.ok();
  KeepEnd(index, std::move(report));
  if (failed) return EndOthers(index, absl::StrCat(job.talker.name, " could not be run"));
  const v1::Report& known = *job.end.report;
  if (index == decider_ && (known.verdict() != v1::EXITED || known.exit_code() != 0)) {
    decided_ = absl::StrCat(job.talker.name, " has ended: ", v1::Verdict_Name(known.verdict()));
    if (known.has_exit_code()) absl::StrAppend(&decided_, " ", known.exit_code());
    patience_ns_ = MonotonicNs() + kTalkGraceMs * kMs;
  }
  return absl::OkStatus();
}

// What one sandbox does to another one it does through streams that end. So the ends are looked at
// before any of that is passed on: an end that is certain by then comes before all that follows
// from it, whenever the init of either gets to report.
void Talk::LookForEnds() {
  for (Job& job : jobs_) SeenEnding(&job);
}

// A look that fails ends the talk: who ended first would be a guess.
bool Talk::SeenEnding(Job* job) {
  if (job->ending_ns == 0 && job->watch != nullptr && job->watch->ended_ns() == 0) {
    const absl::StatusOr<bool> ends = job->watch->Ending();
    looked_.Update(ends.status());
    if (ends.value_or(false)) job->ending_ns = MonotonicNs();
  }
  return job->ending_ns != 0;
}

// A reader sees the end of its input when the writer has closed the stream, and not only when it is
// dead: then the only other write end, ours, goes, too.
void Talk::KeepStreams(size_t index) {
  const Supervision& watch = *jobs_[index].watch;
  for (Link& link : links_) {
    if (link.link.from != index || !link.sink.valid()) continue;
    const OutputRelay& output = watch.Output(link.link.stream);
    link.report.set_bytes(output.delivered());
    if (!output.done()) continue;
    LookForEnds();
    link.sink.Reset();
  }
}

// Order: the watch looks at the sandbox until it goes; then whatever still runs in it dies. Behind
// a report nothing does.
void Talk::KeepEnd(size_t index, absl::StatusOr<v1::Report> report) {
  Job& job = jobs_[index];
  job.end.report = std::move(report);
  const bool launched = job.watch != nullptr;
  if (launched) {
    uint64_t ended = job.watch->ended_ns();
    if (ended != 0 && job.ending_ns != 0) ended = std::min(ended, job.ending_ns);
    for (Link& link : links_) {
      if (link.link.from != index) continue;
      // The program had ended before: then nothing was taken from it.
      const uint64_t cut = job.watch->Output(link.link.stream).cut_ns();
      link.report.set_cut(cut != 0 && (ended == 0 || cut < ended));
      job.end.cut_off |= link.report.cut();
    }
    job.end.ended_ns = ended - std::min(ended, began_ns_);
    epoll_.Remove(job.watch->fd());
    job.watch.reset();
    --running_;
  }
  if (job.end.report.ok() && job.talker.keep && launched) {
    job.end.left = std::move(job.talker.sandbox);
  }
  job.talker.sandbox.reset();
  for (Link& link : links_) {
    if (link.link.from == index) link.sink.Reset();
  }
}

// How one ended that was ending already is its own doing: it is left to say so.
absl::Status Talk::EndDecided(uint64_t now_ns) {
  patience_ns_ = kNever;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    Job& job = jobs_[i];
    if (i == decider_ || job.watch == nullptr) continue;
    if (SeenEnding(&job) && job.watch->ended_ns() == 0 &&
        now_ns < job.ending_ns + kEndingMs * kMs) {
      patience_ns_ = std::min(patience_ns_, job.ending_ns + kEndingMs * kMs);
      continue;
    }
    CORDON_RETURN_IF_ERROR(job.watch->EndFor(KillReason::kDecided, {decided_}));
  }
  return absl::OkStatus();
}

absl::Status Talk::EndOthers(size_t but, const std::string& why) {
  for (size_t i = 0; i < jobs_.size(); ++i) {
    Job& job = jobs_[i];
    if (i == but) continue;
    if (job.watch != nullptr) {
      CORDON_RETURN_IF_ERROR(job.watch->EndFor(KillReason::kDecided, {why}));
    } else if (job.talker.sandbox != nullptr) {  // its gate was never opened
      v1::Report report;
      report.set_verdict(v1::CANCELLED);
      report.set_setup_only(true);
      v1::Evidence* evidence = report.add_evidence();
      evidence->set_name("talk.decided");
      evidence->set_observed(why);
      evidence->set_source("talk");
      KeepEnd(i, std::move(report));
    }
  }
  return absl::OkStatus();
}

absl::Status Talk::CancelAll(int signal) {
  cancelled_ = true;
  for (Job& job : jobs_) {
    if (job.watch != nullptr) CORDON_RETURN_IF_ERROR(job.watch->Cancel(signal));
  }
  return absl::OkStatus();
}

absl::Status Talk::Look() {
  const uint64_t began = ThreadCpuNs();
  std::vector<TalkerLook> now;
  for (Job& job : jobs_) {
    if (job.watch == nullptr || !job.watch->alive()) continue;
    TalkerLook look;
    look.name = job.talker.name;
    look.quiet = job.watch->ended_ns() == 0 && job.watch->Quiet();
    if (look.quiet) {
      look.waits = LookAtWaits(job.init);
      // What its end leaves behind is ended by its init, and waits for nobody.
      look.quiet = !look.waits.stuck || !SeenEnding(&job);
      look.streams = job.streams;
      for (const Link& link : links_) {
        if (&jobs_[link.link.to] == &job && link.sink.valid()) {
          look.unread = BytesInPipe(link.sink.get());
        }
      }
    }
    now.push_back(std::move(look));
    if (!now.back().waits.stuck) break;  // no deadlock, whatever the others do
  }
  const std::vector<std::string> found = FindDeadlock(before_, now);
  before_ = std::move(now);
  // What it cost, not how long others kept it waiting: a busy host must not space the looks.
  const uint64_t cost = ThreadCpuNs() - began;
  next_look_ns_ = MonotonicNs() + std::max(kTalkLookMs * kMs, cost * kPausePerLook);
  if (found.empty()) return absl::OkStatus();
  // The decider last: what all of them share is told of one of the others.
  for (const bool decider : {false, true}) {
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].watch == nullptr || (i == decider_) != decider) continue;
      CORDON_RETURN_IF_ERROR(jobs_[i].watch->EndFor(KillReason::kDeadlock, found));
    }
  }
  return absl::OkStatus();
}

TalkResult Talk::Result() {
  TalkResult result;
  for (Job& job : jobs_) result.ends.push_back(std::move(job.end));
  for (Link& link : links_) result.streams.push_back(std::move(link.report));
  result.cancelled = cancelled_;
  return result;
}

}  // namespace

absl::StatusOr<TalkResult> WatchTalk(std::vector<Talker> talkers,
                                     const std::vector<TalkLink>& links, size_t decider,
                                     const Control& control) {
  Talk talk(std::move(talkers), links, decider, control);
  absl::Status status = talk.Start();
  if (status.ok()) status = talk.Run();
  if (!status.ok()) return WithStep(WithLayer(WithStage(status, "run"), "supervisor"), "talk");
  return talk.Result();
}

}  // namespace cordon
