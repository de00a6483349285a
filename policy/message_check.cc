// SPDX-License-Identifier: Apache-2.0
// A walk over a message by reflection, so that a field added to the schema is checked without a
// line here.
#include "policy/message_check.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/utf8.h"
#include "policy/field_scan.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Which characters beside plain text a string field may hold.
enum class Allowed { kPlain, kLines, kAllButNul };

Allowed AllowedIn(const FieldDescriptor* field) {
  if (field->full_name() == "cordon.v1.File.content") return Allowed::kLines;
  if (field->full_name() == "cordon.v1.CopyIn.text") return Allowed::kLines;
  if (field->full_name() == "cordon.v1.JobSpec.argv") return Allowed::kAllButNul;
  return Allowed::kPlain;
}

bool IsAllowed(char32_t code, Allowed allowed) {
  switch (allowed) {
    case Allowed::kPlain:
      return !IsControl(code) && !IsDeceptive(code);
    case Allowed::kLines:
      return code == '\n' || code == '\t' || !IsControl(code);
    case Allowed::kAllButNul:
      return code != 0;
  }
  return false;
}

class MessageChecker {
 public:
  MessageChecker(const SourceMap& places, std::vector<v1::ErrorDetail>* errors)
      : places_(places), errors_(*errors) {}

  void Walk(const Message& message, const std::string& path) {
    const Reflection& reflection = *message.GetReflection();
    if (!reflection.GetUnknownFields(message).empty()) {
      Add(path, absl::StrCat("there is no field number ",
                             reflection.GetUnknownFields(message).field(0).number()));
    }
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const std::string field_path = ChildField(path, field->name());
      if (!field->is_repeated()) {
        Value(message, field, -1, field_path);
        continue;
      }
      const size_t count = static_cast<size_t>(reflection.FieldSize(message, field));
      if (count > EntryCeilingOf(field)) {
        Add(field_path, absl::StrCat("has ", count, " entries; at most ", EntryCeilingOf(field),
                                     " are allowed"));
        continue;
      }
      for (size_t i = 0; i < count; ++i) {
        Value(message, field, static_cast<int>(i), IndexedField(field_path, i));
      }
    }
  }

 private:
  void Add(absl::string_view path, std::string what) {
    if (errors_.size() >= kMaxErrors) return;
    v1::ErrorDetail detail;
    detail.set_stage("parse");
    detail.set_step_index(-1);
    detail.set_policy_field(std::string(path));
    detail.set_source(places_.Find(path));
    detail.set_message(std::move(what));
    errors_.push_back(std::move(detail));
  }

  // `index` is -1 for a singular field.
  void Value(const Message& message, const FieldDescriptor* field, int index,
             const std::string& path) {
    const Reflection& reflection = *message.GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Walk(index < 0 ? reflection.GetMessage(message, field)
                     : reflection.GetRepeatedMessage(message, field, index),
           path);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string scratch;
      Text(index < 0 ? reflection.GetStringReference(message, field, &scratch)
                     : reflection.GetRepeatedStringReference(message, field, index, &scratch),
           field, path);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      const int number = index < 0 ? reflection.GetEnumValue(message, field)
                                   : reflection.GetRepeatedEnumValue(message, field, index);
      if (field->enum_type()->FindValueByNumber(number) == nullptr) {
        Add(path, absl::StrCat(number, " is not a value of ", field->enum_type()->name()));
      }
    }
  }

  void Text(absl::string_view text, const FieldDescriptor* field, absl::string_view path) {
    const size_t ceiling = StringCeilingOf(field);
    if (text.size() > ceiling) {
      Add(path, absl::StrCat("is ", text.size(), " bytes long; at most ", ceiling, " are allowed"));
      return;
    }
    const Allowed allowed = AllowedIn(field);
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = DecodeUtf8(text, i);
      if (c.length == 0) {
        Add(path, absl::StrCat(Excerpt(text), " is not valid UTF-8"));
        return;
      }
      if (!IsAllowed(c.code, allowed)) {
        Add(path, absl::StrCat(Excerpt(text), " holds ",
                               c.code == 0         ? "a NUL byte"
                               : IsControl(c.code) ? "a control character"
                                                   : "a character that hides or reorders text"));
        return;
      }
      i += c.length;
    }
  }

  const SourceMap& places_;
  std::vector<v1::ErrorDetail>& errors_;
};

}  // namespace

void CheckMessage(const Message& message, const SourceMap& places,
                  std::vector<v1::ErrorDetail>* errors) {
  MessageChecker(places, errors).Walk(message, "");
}

}  // namespace cordon
