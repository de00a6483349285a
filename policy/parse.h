// SPDX-License-Identifier: Apache-2.0
// Bytes of a policy -> Policy message plus the place of every field. Entry point: ParsePolicy.
// Size and nesting are checked before anything is parsed; unknown fields, unknown enum numbers,
// duplicated singular fields, NUL and control bytes are errors in all forms. Semantic checks are
// validate.h's.
#ifndef CORDON_POLICY_PARSE_H_
#define CORDON_POLICY_PARSE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/policy.pb.h"

namespace cordon {

enum class PolicyForm { kText, kJson, kBinary };

// Where each field of a policy was written. Paths are as in "mounts.bind[3].source".
class SourceMap {
 public:
  explicit SourceMap(absl::string_view file = "") : file_(file) {}
  void Set(absl::string_view field_path, int line, int column);  // 1-based
  // Takes over the entries of another map (its file name stays with them).
  void SetFrom(absl::string_view field_path, const SourceMap& other, absl::string_view other_path);
  // "file:line:column" of the field, or of its nearest known parent, or the file name alone.
  std::string Find(absl::string_view field_path) const;
  const std::string& file() const { return file_; }
  // True when the field itself was written, not only something around it.
  bool Has(absl::string_view field_path) const;
  const std::map<std::string, std::string>& entries() const { return places_; }

 private:
  std::string file_;
  std::map<std::string, std::string> places_;  // field path -> "file:line:column"
};

struct ParsedPolicy {
  std::string name;  // profile name or file name
  v1::Policy policy;
  SourceMap places;
  std::vector<std::string> bases;  // names of what was merged below it, nearest first
};

// `name` is used in messages. All errors found are in the status (see base/status.h DetailsOf).
absl::StatusOr<ParsedPolicy> ParsePolicy(absl::string_view bytes, PolicyForm form,
                                         absl::string_view name);

// For finding more errors in a text or JSON policy that ParsePolicy refused, never for running it:
// what can be read when fields that do not exist are passed over. nullopt when nothing can, and for
// the binary form, which has no places.
std::optional<ParsedPolicy> ParseWhatCanBeRead(absl::string_view bytes, PolicyForm form,
                                               absl::string_view name);

// "a/b.textproto" of "a/b.textproto:3:14": the part of a place that names the file.
absl::string_view FileOfPlace(absl::string_view place);

// By suffix: .json is JSON; .pb, .binpb, .bin are binary; anything else is text.
PolicyForm FormOfFile(absl::string_view file_name);

}  // namespace cordon

#endif  // CORDON_POLICY_PARSE_H_
