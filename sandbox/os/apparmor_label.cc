// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/apparmor_label.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

// Kernel: security/apparmor/policy.c, aa_profile_mode_names; "mixed" is of stacks whose parts
// differ.
constexpr absl::string_view kModes[] = {"enforce", "complain", "kill", "unconfined",
                                        "user",    "prompt",   "mixed"};

absl::Status Malformed(absl::string_view text) {
  constexpr size_t kShown = 100;
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(text.substr(0, kShown)),
                            "\" is no label of AppArmor"))
      .Layer("apparmor");
}

// A name may hold blanks and parentheses itself: only a known mode at the very end is one.
std::string TakeMode(absl::string_view* text) {
  for (const absl::string_view mode : kModes) {
    if (!absl::EndsWith(*text, absl::StrCat(" (", mode, ")"))) continue;
    text->remove_suffix(mode.size() + 3);
    return std::string(mode);
  }
  return "";
}

}  // namespace

absl::StatusOr<AppArmorLabel> ParseAppArmorLabel(absl::string_view text) {
  const absl::string_view whole = text;
  absl::ConsumeSuffix(&text, "\n");
  if (text.empty() || absl::StrContains(text, '\n') || absl::StrContains(text, '\0')) {
    return Malformed(whole);
  }
  AppArmorLabel label;
  label.mode = TakeMode(&text);
  for (absl::string_view each : absl::StrSplit(text, "//&")) {
    AppArmorLabel::Part part;
    if (absl::ConsumePrefix(&each, ":")) {
      const size_t end = each.find(':');
      if (end == absl::string_view::npos || end == 0) return Malformed(whole);
      part.policy_namespace = std::string(each.substr(0, end));
      each.remove_prefix(end + 1);
      absl::ConsumePrefix(&each, "//");
    }
    if (each.empty()) return Malformed(whole);
    part.profile = std::string(each);
    label.parts.push_back(std::move(part));
  }
  return label;
}

bool IsUnconfined(const AppArmorLabel& label) {
  if (label.parts.size() == 1 && label.mode == "unconfined") return true;
  return std::all_of(label.parts.begin(), label.parts.end(),
                     [](const AppArmorLabel::Part& part) { return part.profile == "unconfined"; });
}

}  // namespace cordon
