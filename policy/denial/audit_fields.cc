// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/audit_fields.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cordon {
namespace {

absl::string_view TakeWhile(absl::string_view* text, bool (*fits)(char)) {
  const auto end = std::find_if_not(text->begin(), text->end(), fits);
  const absl::string_view taken = text->substr(0, static_cast<size_t>(end - text->begin()));
  text->remove_prefix(taken.size());
  return taken;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsKey(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool IsPlain(char c) { return c > ' ' && c <= '~' && c != '"'; }
bool IsPlainOrBlank(char c) { return IsPlain(c) || c == ' '; }

// "1795729743.470:11729): "
bool TakeStamp(absl::string_view* text) {
  return !TakeWhile(text, IsDigit).empty() && absl::ConsumePrefix(text, ".") &&
         TakeWhile(text, IsDigit).size() == 3 && absl::ConsumePrefix(text, ":") &&
         !TakeWhile(text, IsDigit).empty() && absl::ConsumePrefix(text, "): ");
}

// Sentences of the kernel's own, with blanks in them.
bool IsSentence(absl::string_view key) { return key == "info" || key == "flags"; }

bool HexDigits(absl::string_view text) {
  return text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
           return IsDigit(c) || (c >= 'A' && c <= 'F');
         });
}

}  // namespace

// Kernel: the limit of printk counts what it leaves out under the name of the function that asked.
bool SaysLost(absl::string_view text) {
  return (absl::StartsWith(text, "kauditd_printk_skb: ") &&
          absl::EndsWith(text, " callbacks suppressed")) ||
         absl::StartsWith(text, "audit: audit_lost=") ||
         absl::StartsWith(text, "audit: rate limit exceeded") ||
         absl::StartsWith(text, "audit: backlog limit exceeded");
}

bool TakeAuditStart(absl::string_view type, absl::string_view* text) {
  return absl::ConsumePrefix(text, absl::StrCat("audit: type=", type, " audit(")) &&
         TakeStamp(text);
}

bool AuditFields::Take(absl::string_view* text) {
  const absl::string_view key = TakeWhile(text, IsKey);
  if (key.empty() || !absl::ConsumePrefix(text, "=")) return false;
  Value value;
  value.quoted = absl::ConsumePrefix(text, "\"");
  if (value.quoted) {
    value.bytes = std::string(TakeWhile(text, IsSentence(key) ? IsPlainOrBlank : IsPlain));
    if (!absl::ConsumePrefix(text, "\"")) return false;
  } else {
    value.bytes = std::string(TakeWhile(text, IsPlain));
    if (value.bytes.empty()) return false;
  }
  return fields_.emplace(std::string(key), std::move(value)).second;
}

bool AuditFields::Parse(absl::string_view text) {
  for (;;) {
    if (!Take(&text)) return false;
    if (text.empty()) return true;
    if (!absl::ConsumePrefix(&text, " ")) return false;
    absl::ConsumePrefix(&text, " ");  // behind `capability` there are two
  }
}

std::string AuditFields::Word(absl::string_view key) const {
  const auto found = fields_.find(key);
  return found == fields_.end() ? "" : found->second.bytes;
}

std::string AuditFields::Name(absl::string_view key) {
  const auto found = fields_.find(key);
  if (found == fields_.end()) return "";
  if (found->second.quoted) return found->second.bytes;
  if (!HexDigits(found->second.bytes)) {
    good_ = false;
    return "";
  }
  return absl::HexStringToBytes(found->second.bytes);
}

absl::optional<uint32_t> AuditFields::Number(absl::string_view key) {
  const auto found = fields_.find(key);
  if (found == fields_.end()) return absl::nullopt;
  uint32_t number = 0;
  const std::string& bytes = found->second.bytes;
  const bool digits = std::all_of(bytes.begin(), bytes.end(), IsDigit);
  if (found->second.quoted || !digits || !absl::SimpleAtoi(bytes, &number)) good_ = false;
  return number;
}

}  // namespace cordon
