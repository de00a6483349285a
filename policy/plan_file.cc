// SPDX-License-Identifier: Apache-2.0
#include "policy/plan_file.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

using google::protobuf::Message;

constexpr uint32_t kFormat = 1;

Error Malformed(absl::string_view name, absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, message).Stage("plan").Source(name);
}

std::string CanonicalBytes(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// The field of two plans that differs first: the name of its layer.
std::string DifferingLayer(const v1::Plan& a, const v1::Plan& b) {
  const auto& reflection = *v1::Plan::GetReflection();
  const auto& descriptor = *v1::Plan::descriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto* field = descriptor.field(i);
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (CanonicalBytes(reflection.GetMessage(a, field)) !=
        CanonicalBytes(reflection.GetMessage(b, field))) {
      return std::string(field->name());
    }
  }
  return "";
}

// What libprotobuf's text parser says about a plan, for one error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status Parse(absl::string_view bytes, PolicyForm form, absl::string_view name,
                   v1::PlanFile* file) {
  switch (form) {
    case PolicyForm::kText: {
      FirstError errors;
      google::protobuf::TextFormat::Parser parser;
      parser.RecordErrorsTo(&errors);
      if (parser.ParseFromString(std::string(bytes), file)) return absl::OkStatus();
      return Malformed(name, absl::StrCat("not a plan file: ", errors.text()));
    }
    case PolicyForm::kJson: {
      const auto status = google::protobuf::util::JsonStringToMessage(std::string(bytes), file);
      if (status.ok()) return absl::OkStatus();
      return Malformed(name, absl::StrCat("not a plan file: ", status.message().as_string()));
    }
    case PolicyForm::kBinary:
      break;
  }
  // protobuf prints to stderr about strings that are not UTF-8, and refuses them.
  const google::protobuf::LogSilencer silencer;
  if (!file->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed(name, "not a plan file, or cut off");
  }
  file->DiscardUnknownFields();
  if (CanonicalBytes(*file) != bytes) {
    return Malformed(name, "not the canonical bytes of a plan file: unknown or misplaced fields");
  }
  return absl::OkStatus();
}

}  // namespace

PolicyForm FormOfPlanFile(absl::string_view file_name) {
  if (absl::EndsWith(file_name, ".json")) return PolicyForm::kJson;
  const bool text = absl::EndsWith(file_name, ".textproto") || absl::EndsWith(file_name, ".txt");
  return text ? PolicyForm::kText : PolicyForm::kBinary;
}

absl::StatusOr<std::string> EncodePlanFile(const NormalPolicy& policy, const CompiledPlan& plan,
                                           absl::string_view cordon_version, PolicyForm form) {
  v1::PlanFile file;
  file.set_format(kFormat);
  file.set_cordon_version(std::string(cordon_version));
  file.set_name(policy.name());
  *file.mutable_policy() = policy.proto();
  *file.mutable_plan() = plan.proto();
  std::string text;
  switch (form) {
    case PolicyForm::kText:
      google::protobuf::TextFormat::PrintToString(file, &text);
      return text;
    case PolicyForm::kJson: {
      google::protobuf::util::JsonPrintOptions options;
      options.add_whitespace = true;
      if (google::protobuf::util::MessageToJsonString(file, &text, options).ok()) return text;
      return Malformed(policy.name(), "the plan cannot be written as JSON");
    }
    case PolicyForm::kBinary:
      break;
  }
  return CanonicalBytes(file);
}

absl::StatusOr<v1::PlanFile> DecodePlanFile(absl::string_view bytes, PolicyForm form,
                                            absl::string_view name) {
  if (bytes.size() > kMaxPlanBytes) {
    return Malformed(name, absl::StrCat("has ", bytes.size(), " bytes; a plan file has at most ",
                                        kMaxPlanBytes));
  }
  v1::PlanFile file;
  CORDON_RETURN_IF_ERROR(Parse(bytes, form, name, &file));
  if (file.format() != kFormat) {
    return static_cast<absl::Status>(
        Malformed(name, absl::StrCat("plan file of format ", file.format(),
                                     "; this Cordon reads format ", kFormat))
            .Hint("compile the policy again: cordon compile POLICY -o FILE"));
  }
  return file;
}

absl::StatusOr<PlanFromFile> CompilePlanFile(const v1::PlanFile& file, const v1::HostFacts& facts,
                                             absl::string_view name) {
  ParsedPolicy parsed;
  parsed.name = file.name();
  parsed.policy = file.policy();
  parsed.places = SourceMap(name);
  CORDON_ASSIGN_OR_RETURN(NormalPolicy policy, NormalPolicy::Make(std::move(parsed)));
  CORDON_ASSIGN_OR_RETURN(CompiledPlan plan,
                          CompiledPlan::Make(policy, facts, file.plan().seccomp().filter()));
  const std::string layer = DifferingLayer(file.plan(), plan.proto());
  if (!layer.empty() || CanonicalBytes(file.policy()) != CanonicalBytes(policy.proto())) {
    return static_cast<absl::Status>(
        Error(absl::StatusCode::kFailedPrecondition,
              absl::StrCat("the plan is not what its policy compiles to here",
                           layer.empty() ? "" : absl::StrCat(": layer ", layer, " differs")))
            .Stage("plan")
            .Layer(layer)
            .Source(name)
            .Hint("it was compiled for another host or by another version; compile it again: "
                  "cordon compile POLICY -o FILE"));
  }
  return PlanFromFile{std::move(policy), std::move(plan)};
}

}  // namespace cordon
