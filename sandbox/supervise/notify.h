// SPDX-License-Identifier: Apache-2.0
// What a filter asks about: a call under NOTIFY is denied with the errno of its rule and listed,
// one under KILL is never answered and ends the job. Nothing here can let a call go on; an error
// leaves it waiting until the job is killed. Entry points: CallLog (pure), Notifier.
#ifndef CORDON_SANDBOX_SUPERVISE_NOTIFY_H_
#define CORDON_SANDBOX_SUPERVISE_NOTIFY_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/os/call_receiver.h"
#include "sandbox/os/seccomp_listener.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// Calls by what they are and what the kernel would have read of their arguments. Bounded whatever a
// job tries: the first kMaxEntries that differ have an entry each; later ones are counted by call,
// so that no flood of others can hide that a call was tried.
class CallLog {
 public:
  static constexpr size_t kMaxEntries = 64;

  // `rules` must outlive the log.
  CallLog(const v1::SeccompRules& rules, Architecture architecture)
      : rules_(&rules), architecture_(architecture) {}

  // Counts a call and gives the errno that the policy wants for it. `thread` is asked for the id
  // inside when the call gets an entry of its own.
  uint32_t Add(const CallSample& call, const std::function<uint32_t()>& thread);
  // The rules say KILL.
  bool EndsJob(const CallSample& call) const;
  // No rule only lists: a call that was asked about is one under KILL, whichever it was.
  bool EveryCallEndsJob() const;
  // Such a call, for the report. `thread` is the id inside.
  v1::CallViolation Violation(const CallSample& call, uint32_t thread);
  void Fill(v1::Report* report) const;

 private:
  struct Shape {
    std::string name;
    std::vector<ArgumentType> arguments;
  };
  using Key = std::pair<uint32_t, std::array<uint64_t, 6>>;

  const Shape& ShapeOf(uint32_t number);
  v1::NotifiedCall NewEntry(const Shape& shape) const;

  const v1::SeccompRules* rules_;
  Architecture architecture_;
  std::map<uint32_t, Shape> shapes_;  // by number; the rules name few
  std::map<Key, size_t> index_;       // of entries_
  std::vector<v1::NotifiedCall> entries_;
  std::map<uint32_t, v1::NotifiedCall> others_;  // by number
};

class Notifier {
 public:
  // The listener of a filter with these rules, which must outlive it.
  static absl::StatusOr<Notifier> Make(UniqueFd listener, const v1::SeccompRules& rules,
                                       Architecture architecture);

  // From now on calls are received; what was made before counts too.
  absl::Status Start() { return receiver_->Start(); }

  // Answers what waits, at most kMaxPerStep calls: a flood must not keep the caller from its
  // deadlines. Never blocks. After an error or a violation nothing is answered any more: end the
  // job.
  absl::Status Step();
  static constexpr int kMaxPerStep = 64;

  // The first call under KILL. It waits, and never happens.
  const std::optional<v1::CallViolation>& violation() const { return violation_; }
  void Fill(v1::Report* report) const { log_.Fill(report); }
  int fd() const { return receiver_->fd(); }

 private:
  Notifier(std::unique_ptr<CallReceiver> receiver, const v1::SeccompRules& rules,
           Architecture architecture)
      : receiver_(std::move(receiver)), log_(rules, architecture) {}

  // The caller's id in its own pid namespace; 0 when it is gone.
  uint32_t ThreadOf(const SeccompListener::Call& call) const;

  std::unique_ptr<CallReceiver> receiver_;
  CallLog log_;
  std::optional<v1::CallViolation> violation_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_NOTIFY_H_
