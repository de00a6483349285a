// SPDX-License-Identifier: Apache-2.0
// The list that check functions fill: every violation with its field, its place and what is
// allowed instead.
#ifndef CORDON_POLICY_VIOLATIONS_H_
#define CORDON_POLICY_VIOLATIONS_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/parse.h"
#include "policy/proto/error.pb.h"

namespace cordon {

class Violations {
 public:
  // `places` must outlive the list.
  explicit Violations(const SourceMap& places) : places_(places) {}

  void Add(absl::string_view field, absl::string_view message, absl::string_view hint = "");
  // Adds the message of an error under the field; nothing for OK.
  void AddIfError(absl::string_view field, const absl::Status& status);

  // Ranges and grammar of all quantities (quantity.h) of one message at `path`.
  void CheckQuantities(const google::protobuf::Message& message, absl::string_view path);

  bool empty() const { return errors_.empty(); }
  // No more will be kept: there is no point in looking on.
  bool full() const;
  // OK, or INVALID_ARGUMENT with all that was added, at most kMaxErrors.
  absl::Status ToStatus() const;

 private:
  const SourceMap& places_;
  std::vector<v1::ErrorDetail> errors_;
};

}  // namespace cordon

#endif  // CORDON_POLICY_VIOLATIONS_H_
