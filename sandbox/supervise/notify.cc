// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/notify.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/bpf/call_words.h"
#include "sandbox/os/children.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

// The id of a thread of ours in its own pid namespace, the last of NSpid; 0 when it is gone.
uint32_t ThreadInside(uint32_t thread) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat("/proc/", thread, "/status"));
  if (!text.ok()) return 0;
  const std::map<std::string, std::string> status = ParseStatus(*text);
  const auto ids = status.find("NSpid");
  if (ids == status.end()) return 0;
  const std::vector<absl::string_view> all =
      absl::StrSplit(ids->second, absl::ByAnyChar("\t "), absl::SkipEmpty());
  uint32_t inside = 0;
  return !all.empty() && absl::SimpleAtoi(all.back(), &inside) ? inside : 0;
}

}  // namespace

const CallLog::Shape& CallLog::ShapeOf(uint32_t number) {
  const auto found = shapes_.find(number);
  if (found != shapes_.end()) return found->second;
  Shape shape;
  shape.name = SyscallName(number, architecture_);
  shape.arguments = ArgumentsOf(shape.name, architecture_);
  return shapes_.emplace(number, std::move(shape)).first->second;
}

v1::NotifiedCall CallLog::NewEntry(const Shape& shape) const {
  v1::NotifiedCall entry;
  entry.set_call(shape.name);
  entry.set_architecture(std::string(ArchitectureName(architecture_)));
  return entry;
}

uint32_t CallLog::Add(const CallSample& call, const std::function<uint32_t()>& thread) {
  const Shape& shape = ShapeOf(call.number);
  Key key = {call.number, {}};
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    key.second[i] = BitsRead(shape.arguments[i], call.args[i]);
  }
  const auto known = index_.find(key);
  if (known != index_.end()) {
    v1::NotifiedCall& entry = entries_[known->second];
    entry.set_count(entry.count() + 1);
  } else if (entries_.size() < kMaxEntries) {
    index_.emplace(key, entries_.size());
    v1::NotifiedCall& entry = entries_.emplace_back(NewEntry(shape));
    for (size_t i = 0; i < shape.arguments.size(); ++i) {
      entry.add_argument(ArgumentText(shape.arguments[i], call.args[i]));
    }
    entry.set_thread(thread());
    entry.set_count(1);
  } else {
    const auto other = others_.try_emplace(call.number, NewEntry(shape));
    v1::NotifiedCall& entry = other.first->second;
    if (other.second) entry.set_thread(thread());
    entry.set_count(entry.count() + 1);
  }
  const v1::SyscallRule* rule = DecidingRule(*rules_, call);
  const bool listed = rule != nullptr && rule->action().action() == v1::Seccomp::NOTIFY;
  // The filter was proven to ask for nothing else; if it did, the answer is no.
  return listed ? rule->action().errno_value() : uint32_t{EPERM};
}

bool CallLog::EndsJob(const CallSample& call) const {
  const v1::SyscallRule* rule = DecidingRule(*rules_, call);
  const v1::SeccompAction& action = rule != nullptr ? rule->action() : rules_->default_action();
  return action.action() == v1::Seccomp::KILL;
}

bool CallLog::EveryCallEndsJob() const {
  return std::none_of(rules_->rule().begin(), rules_->rule().end(), [](const auto& rule) {
    return rule.action().action() == v1::Seccomp::NOTIFY;
  });
}

v1::CallViolation CallLog::Violation(const CallSample& call, uint32_t thread) {
  const Shape& shape = ShapeOf(call.number);
  v1::CallViolation violation;
  violation.set_call(shape.name);
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    violation.add_argument(ArgumentText(shape.arguments[i], call.args[i]));
  }
  violation.set_architecture(std::string(ArchitectureName(architecture_)));
  violation.set_thread(thread);
  violation.set_number(call.number);
  violation.set_words(CallInWords(call.number, call.args, architecture_));
  const v1::SyscallRule* rule = DecidingRule(*rules_, call);
  violation.set_decided_by(rule != nullptr ? rule->field() : "seccomp.default_action");
  return violation;
}

void CallLog::Fill(v1::Report* report) const {
  for (const v1::NotifiedCall& entry : entries_) *report->add_notified_call() = entry;
  for (const auto& [number, entry] : others_) *report->add_notified_call() = entry;
}

absl::StatusOr<Notifier> Notifier::Make(UniqueFd listener, const v1::SeccompRules& rules,
                                        Architecture architecture) {
  CORDON_ASSIGN_OR_RETURN(SeccompListener adopted, SeccompListener::Adopt(std::move(listener)));
  CORDON_ASSIGN_OR_RETURN(std::unique_ptr<CallReceiver> receiver,
                          CallReceiver::Make(std::move(adopted)));
  return Notifier(std::move(receiver), rules, architecture);
}

uint32_t Notifier::ThreadOf(const SeccompListener::Call& call) const {
  const uint32_t inside = ThreadInside(call.thread);
  // Still waiting: the id is that thread's, and not one that was given out again.
  return receiver_->listener().Waits(call.id) ? inside : 0;
}

absl::Status Notifier::Step() {
  for (int i = 0; i < kMaxPerStep && !violation_.has_value(); ++i) {
    CORDON_ASSIGN_OR_RETURN(const std::optional<CallReceiver::Arrival> arrival, receiver_->Take());
    if (!arrival.has_value()) return absl::OkStatus();
    if (!arrival->has_value()) {
      if (!log_.EveryCallEndsJob()) continue;
      violation_.emplace().set_words("a call that was interrupted before it could be read");
      return absl::OkStatus();
    }
    const SeccompListener::Call& call = **arrival;
    if (log_.EndsJob(call.sample)) {
      violation_ = log_.Violation(call.sample, ThreadOf(call));
      return absl::OkStatus();
    }
    const uint32_t answer = log_.Add(call.sample, [&] { return ThreadOf(call); });
    CORDON_RETURN_IF_ERROR(receiver_->listener().Deny(call.id, answer));
  }
  return absl::OkStatus();
}

}  // namespace cordon
