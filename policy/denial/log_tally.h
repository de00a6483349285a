// SPDX-License-Identifier: Apache-2.0
// What the lists of denials have in common: how the log's records are read and what of them is not
// there, and how equal denials become one entry of a bounded list. Pure.
#ifndef CORDON_POLICY_DENIAL_LOG_TALLY_H_
#define CORDON_POLICY_DENIAL_LOG_TALLY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "policy/denial/audit_fields.h"
#include "policy/proto/report.pb.h"

namespace cordon {

class LogTally {
 public:
  // What `reader` says of the text of a record of /dev/kmsg; a process's own line is another kind.
  AuditLine Read(absl::string_view record, absl::FunctionRef<AuditLine(absl::string_view)> reader);
  // The log has overwritten records that were not read yet.
  void Overwritten() { ++lost_; }

  // Adds to denials_unknown, in the name of `layer`.
  void Fill(absl::string_view layer, v1::Report* report) const;

 private:
  uint64_t unreadable_ = 0;
  uint64_t lost_ = 0;
};

class DenialEntries {
 public:
  static constexpr size_t kMostShown = 64;

  // `denial` has the bytes of the log; its count is one. They are escaped when they are shown.
  void Add(const v1::Denial& denial);

  // Adds to denial and denials_more.
  void Fill(v1::Report* report) const;

 private:
  std::vector<v1::Denial> shown_;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, size_t> places_;
  uint64_t more_ = 0;
};

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_LOG_TALLY_H_
