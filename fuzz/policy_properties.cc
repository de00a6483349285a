// SPDX-License-Identifier: Apache-2.0
// The properties of policy_properties.h.
#include "fuzz/policy_properties.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzz/require.h"
#include "policy/base/columns.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/base/utf8.h"
#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/explain_text.h"
#include "policy/ideal_host.h"
#include "policy/lint/lint.h"
#include "policy/lint/lint_text.h"
#include "policy/normalize.h"
#include "policy/resolve.h"
#include "policy/validate.h"
#include "profiles/embedded.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

void CheckPlaces(const Message& message, const SourceMap& places, const std::string& path) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const std::string name = ChildField(path, field->name());
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string at =
          field->is_repeated() ? IndexedField(name, static_cast<size_t>(i)) : name;
      Require(places.entries().count(at) == 1, "every field has its place", at);
      if (!is_message) continue;
      CheckPlaces(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                       : reflection.GetMessage(message, field),
                  places, at);
    }
  }
}

void CheckReadsBack(const v1::Policy& policy, const std::string& bytes, PolicyForm form) {
  // Escapes make text longer; what is too long to be read says nothing.
  if (bytes.size() > kMaxPolicyBytes) return;
  const absl::StatusOr<ParsedPolicy> again = ParsePolicy(bytes, form, "again");
  Require(again.ok(), "a printed policy parses",
          again.ok() ? "" : RenderError(DetailsOf(again.status())[0]) + "\n" + bytes);
  Require(MessageDifferencer::Equals(policy, again->policy), "a printed policy is the same", bytes);
}

// Lines that a terminal shows as they are.
void CheckLines(absl::string_view text, size_t width) {
  Require(absl::EndsWith(text, "\n"), "printed text ends its last line", std::string(text));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    Require(TextWidth(line) <= width, "a line fits its columns", std::string(line));
    for (const char c : line) {
      Require(!absl::ascii_iscntrl(static_cast<unsigned char>(c)), "no control byte is printed",
              std::string(line));
    }
  }
}

}  // namespace

void CheckErrors(const absl::Status& status) {
  const std::vector<v1::ErrorDetail> details = DetailsOf(status);
  Require(!details.empty(), "an error has details");
  Require(details.size() <= kMaxErrors + 1, "the list of errors has a ceiling");
  for (const v1::ErrorDetail& detail : details) {
    const std::string line = RenderError(detail);
    Require(!detail.message().empty(), "an error has a message", line);
    Require(!detail.source().empty(), "an error has a source", line);
    for (size_t i = 0; i < line.size();) {
      const Utf8Char c = DecodeUtf8(line, i);
      Require(c.length != 0 && !IsControl(c.code) && !IsDeceptive(c.code),
              "an error is safe to print", line);
      i += c.length;
    }
  }
}

std::string ToText(const v1::Policy& policy) {
  std::string text;
  Require(google::protobuf::TextFormat::PrintToString(policy, &text), "a policy prints");
  return text;
}

absl::StatusOr<PolicyBytes> FuzzSource::Load(absl::string_view reference, absl::string_view) {
  PolicyBytes bytes;
  bytes.name = std::string(reference);
  if (reference == "input") {
    bytes.bytes = std::string(text_);
    bytes.directory = "/policies";
    return bytes;
  }
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    if (profile.name != reference) continue;
    bytes.bytes = std::string(profile.text);
    return bytes;
  }
  return Error(absl::StatusCode::kNotFound, "there is no such profile").Source("input");
}

void CheckParsing(absl::string_view bytes, PolicyForm form) {
  const absl::StatusOr<ParsedPolicy> parsed = ParsePolicy(bytes, form, "input");
  if (!parsed.ok()) return CheckErrors(parsed.status());
  Require(parsed->policy.ByteSizeLong() > 0, "an empty policy is an error");
  if (form != PolicyForm::kBinary) CheckPlaces(parsed->policy, parsed->places, "");
  CheckReadsBack(parsed->policy, ToText(parsed->policy), PolicyForm::kText);
  CheckReadsBack(parsed->policy, parsed->policy.SerializeAsString(), PolicyForm::kBinary);
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(parsed->policy, &json).ok(),
          "a policy prints as JSON");
  CheckReadsBack(parsed->policy, json, PolicyForm::kJson);
}

void CheckPipeline(absl::string_view text) {
  FuzzSource source(text);
  const absl::StatusOr<ParsedPolicy> resolved = ResolvePolicy("input", "/policies", source);
  if (!resolved.ok()) return CheckErrors(resolved.status());
  const absl::StatusOr<NormalPolicy> normal = NormalPolicy::Make(*resolved);
  if (!normal.ok()) return CheckErrors(normal.status());

  const absl::StatusOr<NormalPolicy> twice = NormalPolicy::Make(normal->parsed());
  Require(twice.ok(), "a normal policy is valid",
          twice.ok() ? "" : RenderError(DetailsOf(twice.status())[0]));
  Require(MessageDifferencer::Equals(normal->proto(), twice->proto()), "normalising is idempotent",
          ToText(normal->proto()) + ToText(twice->proto()));
  Require(normal->places().entries() == twice->places().entries(),
          "normalising again moves no place");
  CheckReadsBack(normal->proto(), ToText(normal->proto()), PolicyForm::kText);

  v1::JobSpec job;
  *job.mutable_limits() = normal->proto().limits();
  job.mutable_limits()->clear_enforcement();
  const absl::StatusOr<JobPolicy> applied = ApplyJob(*normal, job);
  Require(applied.ok(), "a job may ask for the limits it has",
          applied.ok() ? "" : RenderError(DetailsOf(applied.status())[0]));
  Require(MessageDifferencer::Equals(normal->proto(), applied->policy.proto()),
          "a job that asks for the limits it has changes nothing");
}

void CheckAdvice(absl::string_view text) {
  FuzzSource source(text);
  const absl::StatusOr<ParsedPolicy> resolved = ResolvePolicy("input", "/policies", source);
  if (!resolved.ok()) return;
  const absl::StatusOr<NormalPolicy> normal = NormalPolicy::Make(*resolved);
  if (!normal.ok()) return;
  const absl::StatusOr<CompiledPlan> plan =
      CompiledPlan::Make(*normal, IdealHost(NativeArchitecture()));
  if (!plan.ok()) return CheckErrors(plan.status());

  const auto findings = LintPolicy(*normal, *plan, NativeArchitecture());
  if (!findings.ok()) return CheckErrors(findings.status());
  for (const v1::LintFinding& finding : *findings) {
    Require(!finding.field().empty() && !finding.place().empty(), "a finding has its place",
            finding.DebugString());
    CheckLines(RenderLint(finding), SIZE_MAX);
    CheckLines(RenderLintNotes(finding), kColumns);
  }
  CheckLines(ExplanationText(ExplainPlan(*normal, *plan)), kColumns);
}

}  // namespace cordon
