// SPDX-License-Identifier: Apache-2.0
// The nearest known name to a misspelt one, for error messages. Entry point: NearestName.
#ifndef CORDON_POLICY_BPF_SUGGEST_H_
#define CORDON_POLICY_BPF_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cordon {

// The candidate with the fewest single-character edits (insert, delete, replace, swap of
// neighbours; letter case does not count), or "" when none is near enough to be a likely typo.
std::string NearestName(absl::string_view name, absl::Span<const absl::string_view> candidates);

// `did you mean "NAME"?`, or "" when there is no near name.
std::string DidYouMean(absl::string_view name, absl::Span<const absl::string_view> candidates);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_SUGGEST_H_
