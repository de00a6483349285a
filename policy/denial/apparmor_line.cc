// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/apparmor_line.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cordon {
namespace {

// AUDIT_AVC, which every security module uses.
constexpr absl::string_view kStart = "audit: type=1400 audit(";
constexpr absl::string_view kDenied = "apparmor=\"DENIED\" ";

struct Value {
  std::string bytes;
  bool quoted = false;
};
using Fields = std::map<std::string, Value, std::less<>>;

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

bool TakeField(absl::string_view* text, Fields* fields) {
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
  return fields->emplace(std::string(key), std::move(value)).second;
}

bool TakeFields(absl::string_view text, Fields* fields) {
  for (;;) {
    if (!TakeField(&text, fields)) return false;
    if (text.empty()) return true;
    if (!absl::ConsumePrefix(&text, " ")) return false;
    absl::ConsumePrefix(&text, " ");  // behind `capability` there are two
  }
}

bool HexDigits(absl::string_view text) {
  return text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
           return IsDigit(c) || (c >= 'A' && c <= 'F');
         });
}

class Reader {
 public:
  explicit Reader(const Fields& fields) : fields_(fields) {}

  bool Has(absl::string_view key) const { return fields_.find(key) != fields_.end(); }

  // The kernel's own word; empty when it says none.
  std::string Word(absl::string_view key) const {
    const auto found = fields_.find(key);
    return found == fields_.end() ? "" : found->second.bytes;
  }

  // A name that somebody chose.
  std::string Name(absl::string_view key) {
    const auto found = fields_.find(key);
    if (found == fields_.end()) return "";
    if (found->second.quoted) return found->second.bytes;
    if (!HexDigits(found->second.bytes)) {
      good_ = false;
      return "";
    }
    return absl::HexStringToBytes(found->second.bytes);
  }

  absl::optional<uint32_t> Number(absl::string_view key) {
    const auto found = fields_.find(key);
    if (found == fields_.end()) return absl::nullopt;
    uint32_t number = 0;
    const std::string& bytes = found->second.bytes;
    const bool digits = std::all_of(bytes.begin(), bytes.end(), IsDigit);
    if (found->second.quoted || !digits || !absl::SimpleAtoi(bytes, &number)) good_ = false;
    return number;
  }

  bool good() const { return good_; }

 private:
  const Fields& fields_;
  bool good_ = true;
};

std::string ObjectOf(Reader* reader) {
  if (reader->Has("name")) return reader->Name("name");
  if (reader->Has("family")) {
    return absl::StrCat("network ", reader->Word("family"), " ", reader->Word("sock_type"));
  }
  if (reader->Has("capname")) return absl::StrCat("capability ", reader->Word("capname"));
  if (reader->Has("signal")) {
    return absl::StrCat("signal ", reader->Word("signal"), " to ", reader->Name("peer"));
  }
  return reader->Has("peer") ? absl::StrCat("ptrace ", reader->Name("peer")) : "";
}

// Kernel: the limit of printk counts what it leaves out under the name of the function that asked.
bool SaysLost(absl::string_view text) {
  return (absl::StartsWith(text, "kauditd_printk_skb: ") &&
          absl::EndsWith(text, " callbacks suppressed")) ||
         absl::StartsWith(text, "audit: audit_lost=") ||
         absl::StartsWith(text, "audit: rate limit exceeded") ||
         absl::StartsWith(text, "audit: backlog limit exceeded");
}

}  // namespace

AuditLine ReadAuditLine(absl::string_view text, AppArmorDenial* denial) {
  if (SaysLost(text)) return AuditLine::kLost;
  if (!absl::ConsumePrefix(&text, kStart) || !TakeStamp(&text)) return AuditLine::kOther;
  if (!absl::ConsumePrefix(&text, kDenied)) return AuditLine::kOther;
  Fields fields;
  if (!TakeFields(text, &fields)) return AuditLine::kUnreadable;
  Reader reader(fields);
  AppArmorDenial read;
  read.operation = reader.Word("operation");
  read.profile = reader.Name("profile");
  read.policy_namespace = reader.Name("namespace");
  read.object = ObjectOf(&reader);
  read.denied = reader.Word(reader.Has("denied_mask") ? "denied_mask" : "requested_mask");
  read.process = reader.Name("comm");
  read.pid = reader.Number("pid");
  read.user = reader.Number("fsuid");
  if (!reader.good() || read.operation.empty() || !read.pid.has_value()) {
    return AuditLine::kUnreadable;
  }
  *denial = std::move(read);
  return AuditLine::kDenial;
}

}  // namespace cordon
