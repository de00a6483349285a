// SPDX-License-Identifier: Apache-2.0
// Which lines of the kernel's log are Landlock's denials of one job. Pure.
//
// A job's processes are in one domain, which its main process made and no other job shares, so that
// each denial has an owner, whoever of the job it was. Domains inside that one, which the job makes
// itself, say nothing (sandbox/layers/landlock.cc).
#ifndef CORDON_POLICY_DENIAL_LANDLOCK_LIST_H_
#define CORDON_POLICY_DENIAL_LANDLOCK_LIST_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/strings/string_view.h"
#include "policy/denial/job_in_log.h"
#include "policy/denial/landlock_line.h"
#include "policy/denial/log_tally.h"
#include "policy/proto/report.pb.h"

namespace cordon {

class LandlockList {
 public:
  static constexpr size_t kMostShown = DenialEntries::kMostShown;
  static constexpr size_t kMostDomains = 256;

  explicit LandlockList(const JobInLog& job) : job_(job) {}

  // A record of /dev/kmsg, in the order of the log.
  void Add(absl::string_view record);
  // The log has overwritten records that were not read yet.
  void Overwritten() { tally_.Overwritten(); }

  // Adds to denial, denials_more and denials_unknown.
  void Fill(v1::Report* report) const;

 private:
  enum class Owner { kUnknown, kJob, kOther };
  struct Domain {
    Owner owner = Owner::kUnknown;
    DenialEntries entries;
  };
  void AddDenial(const LandlockLine& line);
  void AddOwner(const LandlockLine& line);

  JobInLog job_;
  std::map<uint64_t, Domain> domains_;
  LogTally tally_;
  uint64_t homeless_ = 0;
};

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_LANDLOCK_LIST_H_
