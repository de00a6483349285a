// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/report_writer.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/base/utf8.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon::cli {
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

}  // namespace

absl::StatusOr<ReportWriter> ReportWriter::Open(const std::string& path, int fd) {
  ReportWriter writer;
  if (fd >= 0) {
    CORDON_RETURN_IF_ERROR(CheckDescriptor(fd, "--report-fd"));
    writer.fd_ = fd;
  }
  if (path.empty()) return writer;
  // A device or FIFO cannot be replaced by a file: written directly.
  const absl::StatusOr<FileInfo> existing = StatPath(path);
  if (existing.ok() && !existing->IsRegular()) {
    CORDON_ASSIGN_OR_RETURN(writer.file_, OpenAt(kCwd, path, O_WRONLY | O_NOCTTY));
    return writer;
  }
  const std::string temporary = absl::StrCat(path, ".", CurrentPid(), ".tmp");
  CORDON_ASSIGN_OR_RETURN(writer.file_,
                          OpenAt(kCwd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  writer.path_ = path;
  writer.temporary_ = temporary;
  return writer;
}

ReportWriter::~ReportWriter() {
  if (!temporary_.empty()) RemoveFile(temporary_);
}

absl::Status ReportWriter::Write(const v1::Report& report) {
  const std::string json = ReportJson(report);
  if (fd_ >= 0) CORDON_RETURN_IF_ERROR(WriteAll(fd_, "--report-fd", json));
  if (!file_.valid()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(WriteAll(file_.get(), path_, json));
  if (temporary_.empty()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(RenameFile(temporary_, path_));
  temporary_.clear();
  return absl::OkStatus();
}

std::string ReportJson(const v1::Report& original) {
  v1::Report report = original;
  MakeStringsValid(&report);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = true;
  std::string json;
  // Fails only for messages that cannot be JSON at all.
  if (!google::protobuf::util::MessageToJsonString(report, &json, options).ok()) {
    return "{\"verdict\": \"SETUP_FAILED\", \"error\": {\"message\": \"report is not JSON\"}}\n";
  }
  if (json.empty() || json.back() != '\n') json.push_back('\n');
  return json;
}

}  // namespace cordon::cli
