// SPDX-License-Identifier: Apache-2.0
// The shipped profiles, as text that is part of the program. Names are those of the files below
// profiles/ without the suffix ("judge/cpp"); sorted by name.
#ifndef CORDON_PROFILES_EMBEDDED_H_
#define CORDON_PROFILES_EMBEDDED_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cordon {

struct EmbeddedProfile {
  absl::string_view name;
  absl::string_view text;
};

absl::Span<const EmbeddedProfile> EmbeddedProfiles();

}  // namespace cordon

#endif  // CORDON_PROFILES_EMBEDDED_H_
