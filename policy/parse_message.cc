// SPDX-License-Identifier: Apache-2.0
// Three forms, one strictness: ceilings and characters, then an own scan (places, duplicates,
// unknown fields), then protobuf's parser, then a walk over the result. protobuf's parsers get
// only bytes for which they print nothing.
#include "policy/parse_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/base/utf8.h"
#include "policy/field_scan.h"
#include "policy/json_scan.h"
#include "policy/message_check.h"
#include "policy/text_scan.h"
#include "policy/wire_scan.h"

namespace cordon {
namespace {

using google::protobuf::Message;

constexpr int kTabWidth = 8;  // of io::Tokenizer, whose columns are those of a terminal

// io::Tokenizer counts lines and columns from 0, columns in bytes and tabs to the next stop.
Place PlaceOfToken(absl::string_view text, int line, int column) {
  size_t begin = 0;
  for (int i = 0; i < line; ++i) {
    const size_t newline = text.find('\n', begin);
    if (newline == absl::string_view::npos) break;
    begin = newline + 1;
  }
  Place place = {line + 1, 1};
  int seen = 0;
  while (begin < text.size() && text[begin] != '\n' && seen < column) {
    if (text[begin] == '\t') {
      seen += kTabWidth - seen % kTabWidth;
      ++begin;
    } else {
      const size_t length = DecodeUtf8(text, begin).length;
      begin += length == 0 ? 1 : length;
      seen += static_cast<int>(length == 0 ? 1 : length);
    }
    ++place.column;
  }
  return place;
}

class TextErrors : public google::protobuf::io::ErrorCollector {
 public:
  TextErrors(absl::string_view text, FieldScan* scan) : text_(text), scan_(*scan) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (scan_.stopped()) return;  // the tokenizer goes on, and finding a place takes time
    const Place place = PlaceOfToken(text_, line < 0 ? 0 : line, column);
    scan_.AddError(scan_.FieldAt(place), place, message);
  }

 private:
  absl::string_view text_;
  FieldScan& scan_;
};

// The bytes of a text or JSON policy as characters: a control byte could hide a line from the
// reader even in a comment.
void CheckCharacters(absl::string_view text, FieldScan* scan) {
  TextCursor cursor(text);
  while (!cursor.AtEnd() && !scan->stopped()) {
    const Utf8Char c = DecodeUtf8(text, cursor.offset());
    if (c.length == 0) {
      // What follows cannot be told apart from the broken character, so one error is enough.
      scan->AddError("", cursor.place(), "the text is not valid UTF-8 here");
      return;
    }
    const bool blank = c.code == '\n' || c.code == '\t' || c.code == '\r';
    if (c.code == 0xFEFF && cursor.offset() == 0) {
      scan->AddError("", cursor.place(), "the text begins with a byte order mark",
                     "save it as UTF-8 without one");
    } else if (!blank && IsControl(c.code)) {
      scan->AddError(
          "", cursor.place(),
          absl::StrCat(c.code == 0 ? "a NUL byte" : "a control character", " is not allowed here"));
    } else if (IsDeceptive(c.code)) {
      scan->AddError("", cursor.place(), "a character that hides or reorders text is not allowed");
    }
    cursor.Advance();
  }
}

void ParseText(absl::string_view text, FieldScan* scan, Message* message) {
  Place broken_at;
  const bool whole = ScanText(text, message->GetDescriptor(), scan, &broken_at);
  if (scan->stopped() || (whole && !scan->errors().empty())) return;
  TextErrors errors(text, scan);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting + 1);
  const size_t before = scan->errors().size();
  const bool parsed = parser.ParseFromString(std::string(text), message);
  if (scan->errors().size() != before || (parsed && whole)) return;
  scan->AddError("", broken_at, "this is not protobuf text format");
}

void ParseJson(absl::string_view text, FieldScan* scan, Message* message) {
  if (!ScanJson(text, message->GetDescriptor(), scan) || !scan->errors().empty()) return;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), message, options);
  if (!status.ok()) scan->AddError("", {1, 1}, std::string(status.message()));
}

void ParseBinary(absl::string_view bytes, FieldScan* scan, Message* message) {
  if (!ScanWire(bytes, message->GetDescriptor(), scan) || !scan->errors().empty()) return;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kMaxNesting);
  if (!message->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    scan->AddError("", {}, "this is not a binary protobuf message");
  }
}

// Errors that have been listed before.
class NoErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

bool ReadText(absl::string_view text, FieldScan* scan, Message* message) {
  Place broken_at;
  if (!ScanText(text, message->GetDescriptor(), scan, &broken_at) || scan->stopped()) return false;
  NoErrors errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting + 1);
  parser.AllowUnknownField(true);
  return parser.ParseFromString(std::string(text), message);
}

bool ReadJson(absl::string_view text, FieldScan* scan, Message* message) {
  if (!ScanJson(text, message->GetDescriptor(), scan) || scan->stopped()) return false;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(
             google::protobuf::StringPiece(text.data(), text.size()), message, options)
      .ok();
}

}  // namespace

absl::StatusOr<SourceMap> ParseMessage(absl::string_view bytes, PolicyForm form,
                                       absl::string_view name, Message* message, int first_line) {
  FieldScan scan(name, first_line);
  const absl::string_view kind = NounOf(message->GetDescriptor());
  if (bytes.size() > kMaxPolicyBytes) {
    scan.AddError("", {},
                  absl::StrCat("the ", kind, " is ", bytes.size(), " bytes long; at most ",
                               kMaxPolicyBytes, " are allowed"));
    return ErrorFromDetails(absl::StatusCode::kInvalidArgument, scan.errors());
  }
  if (form != PolicyForm::kBinary) CheckCharacters(bytes, &scan);
  if (scan.errors().empty()) {
    switch (form) {
      case PolicyForm::kText:
        ParseText(bytes, &scan, message);
        break;
      case PolicyForm::kJson:
        ParseJson(bytes, &scan, message);
        break;
      case PolicyForm::kBinary:
        ParseBinary(bytes, &scan, message);
        break;
    }
  }
  std::vector<v1::ErrorDetail> errors = scan.errors();
  if (errors.empty()) CheckMessage(*message, scan.places(), &errors);
  if (errors.empty() && message->ByteSizeLong() == 0) {
    FieldScan empty(name, first_line);
    empty.AddError("", {}, absl::StrCat("the ", kind, " is empty: no field is set"));
    errors = empty.errors();
  }
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  return scan.places();
}

bool ReadPartOf(absl::string_view bytes, PolicyForm form, absl::string_view name, Message* message,
                SourceMap* places) {
  if (form == PolicyForm::kBinary || bytes.size() > kMaxPolicyBytes) return false;
  FieldScan scan(name);
  CheckCharacters(bytes, &scan);
  if (!scan.errors().empty()) return false;
  const bool read =
      form == PolicyForm::kText ? ReadText(bytes, &scan, message) : ReadJson(bytes, &scan, message);
  *places = scan.places();
  return read;
}

}  // namespace cordon
