// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/relay.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr size_t kBuffer = size_t{64} * 1024;
// A pipe takes this much whole or not at all (PIPE_BUF), so that what two supervisors write to one
// is mixed by blocks, as it would be with two jobs.
constexpr size_t kBlock = 4096;
// Rounds per wake-up, so that a flood on one stream cannot keep the loop from its timers.
constexpr int kRounds = 16;

}  // namespace

OutputRelay::OutputRelay(UniqueFd source, int sink, bool escape, uint64_t token,
                         OutputBudget* budget, bool linked, StreamLimit limit)
    : source_(std::move(source)),
      sink_(BorrowedFd::Own(sink)),
      escape_(escape),
      token_(token),
      limit_(limit),
      budget_(budget),
      linked_(linked) {}

absl::Status OutputRelay::Start(Epoll* epoll) {
  CORDON_RETURN_IF_ERROR(SetNonBlocking(source_.get()));
  pending_.reserve(kBuffer);
  if (!linked_) {
    CORDON_ASSIGN_OR_RETURN(sink_, BorrowedFd::ForWriting(sink_.fd()));
  }
  // A regular file cannot be polled and never blocks.
  CORDON_ASSIGN_OR_RETURN(sink_pollable_, epoll->Add(sink_.fd(), EPOLLOUT, token_ + 1));
  // Watched only while something waits for it: a consumer that is gone would be reported without
  // end, whatever the interest.
  if (sink_pollable_) epoll->Remove(sink_.fd());
  CORDON_RETURN_IF_ERROR(epoll->Add(source_.get(), EPOLLIN, token_).status());
  source_watched_ = true;
  return WatchSink(epoll);
}

void OutputRelay::Append(const char* data, size_t size) {
  if (escape_) {
    terminal_.Append(absl::string_view(data, size), &pending_);
  } else {
    pending_.append(data, size);
  }
}

uint64_t OutputRelay::Admit(uint64_t size) {
  const uint64_t own_left = limit_.bytes - std::min(limit_.bytes, seen_);
  const uint64_t left = budget_->limit - std::min(budget_->limit, budget_->used);
  seen_ += size;
  if (size > own_left && limit_.truncate) size = own_left;
  if (size > own_left) exceeded_ = true;
  budget_->used += size;
  if (size > left || exceeded_) budget_->exceeded = true;
  return std::min({size, own_left, left});
}

absl::Status OutputRelay::Fill() {
  if (end_ || pending_.size() >= kBuffer) return absl::OkStatus();
  char buffer[kBuffer];
  const IoResult got = ReadSome(source_.get(), buffer, sizeof(buffer));
  if (got.state == IoState::kError) return ErrnoStatus("read", "output of the job", got.error);
  if (got.state == IoState::kEnd) {
    end_ = true;
    terminal_.Finish(&pending_);
  }
  if (got.state != IoState::kProgress) return absl::OkStatus();
  Append(buffer, static_cast<size_t>(Admit(got.bytes)));
  return absl::OkStatus();
}

absl::Status OutputRelay::Flush() {
  while (!pending_.empty()) {
    const bool others = sink_pollable_ && !linked_;
    const size_t size = others ? std::min(pending_.size(), kBlock) : pending_.size();
    const IoResult put = sink_.Put(pending_.data(), size);
    if (put.state == IoState::kWouldBlock) break;
    if (put.state == IoState::kError) {
      // The consumer is gone (EPIPE) or its disk is full: the job must notice as it would without
      // us, so its pipe loses the reader. A full disk is told to the caller.
      Cut();
      return put.error == EPIPE ? absl::OkStatus()
                                : ErrnoStatus("write", "output of the job", put.error);
    }
    pending_.erase(0, put.bytes);
    delivered_ += put.bytes;
  }
  return absl::OkStatus();
}

void OutputRelay::Cut() {
  if (before_cut_) before_cut_();
  if (!end_) cut_ns_ = MonotonicNs();
  pending_.clear();
  source_.Reset();
  end_ = true;
}

// Of a job's stdin it must be known at once that nobody reads it any more: who writes would go on
// otherwise, and learn it one write too late.
absl::Status OutputRelay::WatchSink(Epoll* epoll) {
  const bool want = sink_pollable_ && (!pending_.empty() || (linked_ && !end_));
  const uint32_t events = pending_.empty() ? 0 : uint32_t{EPOLLOUT};
  if (want && sink_watched_ && events != sink_events_) {
    CORDON_RETURN_IF_ERROR(epoll->Modify(sink_.fd(), events, token_ + 1));
  } else if (want && !sink_watched_) {
    CORDON_RETURN_IF_ERROR(epoll->Add(sink_.fd(), events, token_ + 1).status());
  } else if (!want && sink_watched_) {
    epoll->Remove(sink_.fd());
  }
  sink_watched_ = want;
  sink_events_ = events;
  return absl::OkStatus();
}

bool OutputRelay::Quiet() const {
  if (done_) return true;
  const bool more = !end_ && pending_.size() < kBuffer && BytesInPipe(source_.get()) > 0;
  if (pending_.empty()) return !end_ && !more;
  return linked_ && !more && !Writable(sink_.fd());
}

absl::Status OutputRelay::Watch(Epoll* epoll) {
  const bool want_source = source_.valid() && !end_ && pending_.size() < kBuffer;
  if (want_source != source_watched_ && source_.valid()) {
    // Interest in nothing still reports a hang-up, which would spin while a consumer is slow.
    if (want_source) {
      CORDON_RETURN_IF_ERROR(epoll->Add(source_.get(), EPOLLIN, token_).status());
    } else {
      epoll->Remove(source_.get());
    }
    source_watched_ = want_source;
  }
  CORDON_RETURN_IF_ERROR(WatchSink(epoll));
  if (end_ && pending_.empty() && !done_) {
    done_ = true;
    if (source_watched_ && source_.valid()) epoll->Remove(source_.get());
    source_.Reset();
  }
  return absl::OkStatus();
}

absl::Status OutputRelay::Step(Epoll* epoll) {
  if (done_) return absl::OkStatus();
  if (linked_ && !end_ && ReaderIsGone(sink_.fd())) Cut();
  for (int round = 0; round < kRounds && !end_ && pending_.size() < kBuffer; ++round) {
    const uint64_t before = seen_;
    CORDON_RETURN_IF_ERROR(Fill());
    CORDON_RETURN_IF_ERROR(Flush());
    if (seen_ == before) break;
  }
  CORDON_RETURN_IF_ERROR(Flush());
  return Watch(epoll);
}

void OutputRelay::Abandon(Epoll* epoll) {
  if (done_) return;
  pending_.clear();
  end_ = true;
  Watch(epoll).IgnoreError();
}

InputRelay::InputRelay(int source, UniqueFd sink, uint64_t token)
    : source_(BorrowedFd::Own(source)), sink_(std::move(sink)), token_(token), buffer_(kBuffer) {}

absl::Status InputRelay::Start(Epoll* epoll) {
  if (!sink_.valid()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(SetNonBlocking(sink_.get()));
  CORDON_ASSIGN_OR_RETURN(source_, BorrowedFd::ForReading(source_.fd()));
  CORDON_ASSIGN_OR_RETURN(source_pollable_, epoll->Add(source_.fd(), EPOLLIN, token_));
  source_events_ = source_pollable_ ? uint32_t{EPOLLIN} : 0;
  return Step(epoll);
}

// False: there is nothing now.
absl::StatusOr<bool> InputRelay::Fill() {
  if (source_pollable_ && !Readable(source_.fd(), 0)) return false;
  const IoResult got = source_.Get(buffer_.data(), buffer_.size());
  if (got.state == IoState::kWouldBlock) return false;
  // A descriptor that is not open for reading has nothing to say (nohup(1) makes such a stdin). Of
  // any other error it is not known what would have come: the job must not take it for the end.
  if (got.state == IoState::kError && got.error != EBADF) {
    return ErrnoStatus("read", "input of the job", got.error);
  }
  begin_ = 0;
  size_ = got.bytes;
  end_ = got.state != IoState::kProgress;
  return true;
}

// One state per step: fill when empty, write until the pipe is full, then wait for it.
absl::Status InputRelay::Step(Epoll* epoll) {
  if (!sink_.valid()) return absl::OkStatus();
  for (int round = 0; round < kRounds; ++round) {
    if (size_ == 0 && !end_) {
      CORDON_ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) break;
    }
    if (size_ == 0) break;
    const IoResult put = WriteSome(sink_.get(), buffer_.data() + begin_, size_);
    if (put.state == IoState::kWouldBlock) break;
    if (put.state == IoState::kError) {  // the job closed its end
      Stop(epoll);
      return absl::OkStatus();
    }
    begin_ += put.bytes;
    size_ -= put.bytes;
    sent_ += put.bytes;
  }
  if (end_ && size_ == 0) {
    Stop(epoll);
    return absl::OkStatus();
  }
  return Watch(epoll);
}

absl::Status InputRelay::Watch(Epoll* epoll) {
  // With something to write wait for the pipe; otherwise for the source. A source that cannot be
  // polled is always ready, so then the pipe's readiness drives the next round.
  const bool want_sink = size_ > 0 || !source_pollable_;
  if (want_sink != sink_watched_) {
    if (want_sink) {
      CORDON_RETURN_IF_ERROR(epoll->Add(sink_.get(), EPOLLOUT, token_ + 1).status());
    } else {
      epoll->Remove(sink_.get());
    }
    sink_watched_ = want_sink;
  }
  // What is for the terminal's foreground stays ready: only what is new is a reason to look.
  const uint32_t ready = source_.ForForeground() ? uint32_t{EPOLLIN} | EPOLLET : uint32_t{EPOLLIN};
  const uint32_t want = source_pollable_ && size_ == 0 ? ready : 0;
  if (want == source_events_) return absl::OkStatus();
  if (want == 0) {
    epoll->Remove(source_.fd());
  } else if (source_events_ == 0) {
    CORDON_RETURN_IF_ERROR(epoll->Add(source_.fd(), want, token_).status());
  } else {
    CORDON_RETURN_IF_ERROR(epoll->Modify(source_.fd(), want, token_));
  }
  source_events_ = want;
  return absl::OkStatus();
}

bool InputRelay::Quiet() const { return !sink_.valid() || (size_ > 0 && !Writable(sink_.get())); }

void InputRelay::CloseSink(Epoll* epoll) {
  if (sink_watched_) epoll->Remove(sink_.get());
  sink_watched_ = false;
  sink_.Reset();
}

void InputRelay::Stop(Epoll* epoll) {
  if (source_events_ != 0) epoll->Remove(source_.fd());
  source_events_ = 0;
  CloseSink(epoll);
}

}  // namespace cordon
