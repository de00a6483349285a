// SPDX-License-Identifier: Apache-2.0
#include "policy/denial/apparmor_line.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cordon {
namespace {

constexpr absl::string_view kAvc = "1400";  // which every security module uses
constexpr absl::string_view kDenied = "apparmor=\"DENIED\" ";

std::string ObjectOf(AuditFields* fields) {
  if (fields->Has("name")) return fields->Name("name");
  if (fields->Has("family")) {
    return absl::StrCat("network ", fields->Word("family"), " ", fields->Word("sock_type"));
  }
  if (fields->Has("capname")) return absl::StrCat("capability ", fields->Word("capname"));
  if (fields->Has("signal")) {
    return absl::StrCat("signal ", fields->Word("signal"), " to ", fields->Name("peer"));
  }
  return fields->Has("peer") ? absl::StrCat("ptrace ", fields->Name("peer")) : "";
}

}  // namespace

AuditLine ReadAppArmorLine(absl::string_view text, AppArmorDenial* denial) {
  if (SaysLost(text)) return AuditLine::kLost;
  if (!TakeAuditStart(kAvc, &text)) return AuditLine::kOther;
  if (!absl::ConsumePrefix(&text, kDenied)) return AuditLine::kOther;
  AuditFields fields;
  if (!fields.Parse(text)) return AuditLine::kUnreadable;
  AppArmorDenial read;
  read.operation = fields.Word("operation");
  read.profile = fields.Name("profile");
  read.policy_namespace = fields.Name("namespace");
  read.object = ObjectOf(&fields);
  read.denied = fields.Word(fields.Has("denied_mask") ? "denied_mask" : "requested_mask");
  read.process = fields.Name("comm");
  read.pid = fields.Number("pid");
  read.user = fields.Number("fsuid");
  if (!fields.good() || read.operation.empty() || !read.pid.has_value()) {
    return AuditLine::kUnreadable;
  }
  *denial = std::move(read);
  return AuditLine::kDenial;
}

}  // namespace cordon
