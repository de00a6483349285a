// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/matrix.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Values = std::map<std::string, std::string>;

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

// `text` with its ${NAME}; the first name that there is not goes to `unknown`.
std::string Replaced(absl::string_view text, const Values& values, std::string* unknown) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at, 3) == "$${") {
      out += "${";
      at += 3;
      continue;
    }
    const size_t end = text.substr(at, 2) == "${" ? text.find('}', at) : absl::string_view::npos;
    if (end == absl::string_view::npos) {
      out += text[at++];
      continue;
    }
    const std::string name(text.substr(at + 2, end - at - 2));
    const auto found = values.find(name);
    if (found == values.end()) {
      if (unknown->empty()) *unknown = name.empty() ? "${}" : name;
    } else {
      out += found->second;
    }
    at = end + 1;
  }
  return out;
}

void ReplaceIn(Message* message, absl::string_view path, const Values& values,
               Violations* violations) {
  const google::protobuf::Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool repeated = field->is_repeated();
    const int count = repeated ? reflection->FieldSize(*message, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string child = ChildField(path, field->name());
      if (repeated) child = IndexedField(child, static_cast<size_t>(i));
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ReplaceIn(repeated ? reflection->MutableRepeatedMessage(message, field, i)
                           : reflection->MutableMessage(message, field),
                  child, values, violations);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        std::string unknown;
        const std::string text =
            Replaced(repeated ? reflection->GetRepeatedString(*message, field, i)
                              : reflection->GetString(*message, field),
                     values, &unknown);
        if (!unknown.empty()) {
          violations->Add(child,
                          absl::StrCat("the matrix has no \"", EscapeForPeople(unknown), "\""),
                          "write $${ for a plain ${");
        }
        if (repeated) {
          reflection->SetRepeatedString(message, field, i, text);
        } else {
          reflection->SetString(message, field, text);
        }
      }
    }
  }
}

bool CheckAxes(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  Values seen;
  bool good = true;
  for (int i = 0; i < job.matrix_size(); ++i) {
    const std::string at = IndexedField(ChildField(path, "matrix"), static_cast<size_t>(i));
    const v1::Axis& axis = job.matrix(i);
    if (!IsName(axis.name())) {
      violations->Add(ChildField(at, "name"), "is not a name of letters, digits and _");
      good = false;
    } else if (!seen.emplace(axis.name(), "").second) {
      violations->Add(ChildField(at, "name"), "there are two of this name");
      good = false;
    }
    if (axis.value_size() == 0) {
      violations->Add(ChildField(at, "value"), "has no value, so that there is no job");
      good = false;
    }
  }
  return good;
}

}  // namespace

void FillMatrix(const v1::BatchJob& job, absl::string_view path, size_t ceiling,
                Violations* violations, std::vector<v1::BatchJob>* jobs) {
  if (!CheckAxes(job, path, violations)) return;
  size_t count = 1;
  for (const v1::Axis& axis : job.matrix()) {
    count *= static_cast<size_t>(axis.value_size());
    if (count > ceiling) break;
  }
  if (jobs->size() + count > ceiling) {
    violations->Add(path, absl::StrCat("there are more than ", ceiling, " jobs"));
    return;
  }
  if (job.matrix_size() == 0) {
    jobs->push_back(job);
    return;
  }
  for (size_t n = 0; n < count; ++n) {
    Values values;
    size_t rest = n;
    for (int i = job.matrix_size(); i-- > 0;) {  // the last axis runs fastest
      const v1::Axis& axis = job.matrix(i);
      const size_t size = static_cast<size_t>(axis.value_size());
      values[axis.name()] = axis.value(static_cast<int>(rest % size));
      rest /= size;
    }
    v1::BatchJob one = job;
    one.clear_matrix();
    ReplaceIn(&one, path, values, violations);
    jobs->push_back(std::move(one));
    if (violations->full()) return;
  }
}

}  // namespace cordon
