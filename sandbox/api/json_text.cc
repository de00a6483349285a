// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/json_text.h"

#include <google/protobuf/util/json_util.h>

#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "policy/base/status.h"
#include "policy/base/utf8.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsValidUtf8(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = DecodeUtf8(text, i).length;
    if (length == 0) return false;
    i += length;
  }
  return true;
}

// JSON is UTF-8, file names and arguments need not be: what is not valid is escaped.
std::string ValidText(const std::string& text) {
  return IsValidUtf8(text) ? text : EscapeForPeople(text);
}

void MakeStringsValid(Message* message) {
  const Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->type() == FieldDescriptor::TYPE_BYTES) continue;  // base64, whatever they are
    const int count = field->is_repeated() ? reflection->FieldSize(*message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const bool repeated = field->is_repeated();
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        MakeStringsValid(repeated ? reflection->MutableRepeatedMessage(message, field, i)
                                  : reflection->MutableMessage(message, field));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && repeated) {
        reflection->SetRepeatedString(message, field, i,
                                      ValidText(reflection->GetRepeatedString(*message, field, i)));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        reflection->SetString(message, field, ValidText(reflection->GetString(*message, field)));
      }
    }
  }
}

std::string Json(const Message& original, bool one_line) {
  const std::unique_ptr<Message> message(original.New());
  message->CopyFrom(original);
  MakeStringsValid(message.get());
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = !one_line;
  options.add_whitespace = !one_line;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(*message, &json, options).ok()) return "";
  if (json.empty() || json.back() != '\n') json.push_back('\n');
  return json;
}

}  // namespace

std::string JsonText(const Message& message) { return Json(message, false); }

absl::Status WriteJsonText(const v1::BatchReport& report,
                           absl::FunctionRef<absl::Status(absl::string_view)> take) {
  v1::BatchReport head;
  head.set_jobs(report.jobs());
  head.set_good(report.good());
  head.set_bad(report.bad());
  head.set_skipped(report.skipped());
  head.set_not_run(report.not_run());
  head.set_digest(report.digest());
  const std::string whole = JsonText(head);
  if (report.result().empty()) return take(whole);
  const absl::string_view text = absl::StripSuffix(whole, "[]\n}\n");  // no results
  CORDON_RETURN_IF_ERROR(take(absl::StrCat(text, "[\n")));
  for (int i = 0; i < report.result_size(); ++i) {
    std::string one = JsonText(report.result(i));
    absl::StripTrailingAsciiWhitespace(&one);
    // Deeper by two, as a part of the whole.
    one = absl::StrReplaceAll(one, {{"\n", "\n  "}});
    CORDON_RETURN_IF_ERROR(
        take(absl::StrCat("  ", one, i + 1 < report.result_size() ? ",\n" : "\n")));
  }
  return take(" ]\n}\n");
}

std::string JsonLine(const Message& message) { return Json(message, true); }

}  // namespace cordon
