// SPDX-License-Identifier: Apache-2.0
// Policies from text, for tests: parsed, validated, normalised. The file is called "p".
#ifndef CORDON_TESTS_SUPPORT_POLICY_TEXT_H_
#define CORDON_TESTS_SUPPORT_POLICY_TEXT_H_

#include <google/protobuf/text_format.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/normalize.h"
#include "policy/parse.h"
#include "policy/validate.h"

namespace cordon {

inline absl::StatusOr<ParsedPolicy> ParseText(absl::string_view text,
                                              absl::string_view name = "p") {
  return ParsePolicy(text, PolicyForm::kText, name);
}

inline absl::Status ValidateText(absl::string_view text) {
  const absl::StatusOr<ParsedPolicy> parsed = ParseText(text);
  return parsed.ok() ? ValidatePolicy(*parsed) : parsed.status();
}

inline absl::StatusOr<NormalPolicy> NormalizeText(absl::string_view text,
                                                  absl::string_view name = "p") {
  absl::StatusOr<ParsedPolicy> parsed = ParseText(text, name);
  if (!parsed.ok()) return parsed.status();
  return NormalPolicy::Make(*std::move(parsed));
}

inline std::string PrintText(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_POLICY_TEXT_H_
