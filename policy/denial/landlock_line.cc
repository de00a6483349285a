// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/landlock_line.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace cordon {
namespace {

constexpr absl::string_view kAccess = "1423";
constexpr absl::string_view kDomain = "1424";

std::string ObjectOf(AuditFields* fields) {
  for (const char* key : {"path", "name"}) {
    if (fields->Has(key)) return fields->Name(key);
  }
  if (fields->Has("ocomm")) return absl::StrCat("process ", fields->Name("ocomm"));
  for (const char* key : {"dest", "src"}) {
    if (fields->Has(key)) return absl::StrCat("tcp port ", fields->Number(key).value_or(0));
  }
  return "";
}

}  // namespace

AuditLine ReadLandlockLine(absl::string_view text, LandlockLine* line) {
  if (SaysLost(text)) return AuditLine::kLost;
  absl::string_view rest = text;
  const bool denial = TakeAuditStart(kAccess, &rest);
  if (!denial) {
    rest = text;
    if (!TakeAuditStart(kDomain, &rest)) return AuditLine::kOther;
  }
  AuditFields fields;
  LandlockLine read;
  if (!fields.Parse(rest) || !absl::SimpleHexAtoi(fields.Word("domain"), &read.domain)) {
    return AuditLine::kUnreadable;
  }
  if (denial) {
    read.blockers = fields.Word("blockers");
    read.object = ObjectOf(&fields);
    if (!fields.good() || read.blockers.empty()) return AuditLine::kUnreadable;
    *line = std::move(read);
    return AuditLine::kDenial;
  }
  if (fields.Word("status") != "allocated") return AuditLine::kOther;
  const absl::optional<uint32_t> pid = fields.Number("pid");
  const absl::optional<uint32_t> user = fields.Number("uid");
  if (!fields.good() || !pid.has_value() || !user.has_value()) return AuditLine::kUnreadable;
  read.pid = *pid;
  read.user = *user;
  *line = std::move(read);
  return AuditLine::kDomain;
}

}  // namespace cordon
