// SPDX-License-Identifier: Apache-2.0
// Three forms, one strictness: ceilings and characters, then an own scan (places, duplicates,
// unknown fields), then protobuf's parser, then a walk over the result. protobuf's parsers get
// only bytes for which they print nothing.
#include "policy/parse.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
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

void ParseText(absl::string_view text, FieldScan* scan, v1::Policy* policy) {
  Place broken_at;
  const bool whole = ScanText(text, v1::Policy::descriptor(), scan, &broken_at);
  if (scan->stopped() || (whole && !scan->errors().empty())) return;
  TextErrors errors(text, scan);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting + 1);
  const size_t before = scan->errors().size();
  const bool parsed = parser.ParseFromString(std::string(text), policy);
  if (scan->errors().size() != before || (parsed && whole)) return;
  scan->AddError("", broken_at, "this is not protobuf text format");
}

void ParseJson(absl::string_view text, FieldScan* scan, v1::Policy* policy) {
  if (!ScanJson(text, v1::Policy::descriptor(), scan) || !scan->errors().empty()) return;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), policy, options);
  if (!status.ok()) scan->AddError("", {1, 1}, std::string(status.message()));
}

void ParseBinary(absl::string_view bytes, FieldScan* scan, v1::Policy* policy) {
  if (!ScanWire(bytes, v1::Policy::descriptor(), scan) || !scan->errors().empty()) return;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kMaxNesting);
  if (!policy->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    scan->AddError("", {}, "this is not a binary protobuf message of a policy");
  }
}

// Errors that have been listed before.
class NoErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

bool ReadText(absl::string_view text, FieldScan* scan, v1::Policy* policy) {
  Place broken_at;
  if (!ScanText(text, v1::Policy::descriptor(), scan, &broken_at) || scan->stopped()) return false;
  NoErrors errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting + 1);
  parser.AllowUnknownField(true);
  return parser.ParseFromString(std::string(text), policy);
}

bool ReadJson(absl::string_view text, FieldScan* scan, v1::Policy* policy) {
  if (!ScanJson(text, v1::Policy::descriptor(), scan) || scan->stopped()) return false;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(
             google::protobuf::StringPiece(text.data(), text.size()), policy, options)
      .ok();
}

}  // namespace

void SourceMap::Set(absl::string_view field_path, int line, int column) {
  places_[std::string(field_path)] = absl::StrCat(file_, ":", line, ":", column);
}

void SourceMap::SetFrom(absl::string_view field_path, const SourceMap& other,
                        absl::string_view other_path) {
  places_[std::string(field_path)] = other.Find(other_path);
}

std::string SourceMap::Find(absl::string_view field_path) const {
  for (absl::string_view path = field_path; !path.empty(); path = ParentField(path)) {
    const auto found = places_.find(std::string(path));
    if (found != places_.end()) return found->second;
  }
  return file_;
}

bool SourceMap::Has(absl::string_view field_path) const {
  return places_.count(std::string(field_path)) > 0;
}

absl::string_view FileOfPlace(absl::string_view place) {
  // Line and column are numbers; what is before them may hold colons of its own.
  for (int part = 0; part < 2; ++part) {
    const size_t colon = place.rfind(':');
    if (colon == absl::string_view::npos || colon + 1 == place.size()) return place;
    for (const char c : place.substr(colon + 1)) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return place;
    }
    place = place.substr(0, colon);
  }
  return place;
}

absl::StatusOr<ParsedPolicy> ParsePolicy(absl::string_view bytes, PolicyForm form,
                                         absl::string_view name) {
  FieldScan scan(name);
  ParsedPolicy parsed;
  parsed.name = std::string(name);
  if (bytes.size() > kMaxPolicyBytes) {
    scan.AddError("", {},
                  absl::StrCat("the policy is ", bytes.size(), " bytes long; at most ",
                               kMaxPolicyBytes, " are allowed"));
    return ErrorFromDetails(absl::StatusCode::kInvalidArgument, scan.errors());
  }
  if (form != PolicyForm::kBinary) CheckCharacters(bytes, &scan);
  if (scan.errors().empty()) {
    switch (form) {
      case PolicyForm::kText:
        ParseText(bytes, &scan, &parsed.policy);
        break;
      case PolicyForm::kJson:
        ParseJson(bytes, &scan, &parsed.policy);
        break;
      case PolicyForm::kBinary:
        ParseBinary(bytes, &scan, &parsed.policy);
        break;
    }
  }
  std::vector<v1::ErrorDetail> errors = scan.errors();
  if (errors.empty()) CheckMessage(parsed.policy, scan.places(), &errors);
  if (errors.empty() && parsed.policy.ByteSizeLong() == 0) {
    FieldScan empty(name);
    empty.AddError("", {}, "the policy is empty: no field is set");
    errors = empty.errors();
  }
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  parsed.places = scan.places();
  return parsed;
}

std::optional<ParsedPolicy> ParseWhatCanBeRead(absl::string_view bytes, PolicyForm form,
                                               absl::string_view name) {
  if (form == PolicyForm::kBinary || bytes.size() > kMaxPolicyBytes) return std::nullopt;
  FieldScan scan(name);
  CheckCharacters(bytes, &scan);
  if (!scan.errors().empty()) return std::nullopt;
  ParsedPolicy parsed;
  parsed.name = std::string(name);
  const bool read = form == PolicyForm::kText ? ReadText(bytes, &scan, &parsed.policy)
                                              : ReadJson(bytes, &scan, &parsed.policy);
  if (!read) return std::nullopt;
  parsed.places = scan.places();
  return parsed;
}

PolicyForm FormOfFile(absl::string_view file_name) {
  if (absl::EndsWith(file_name, ".json")) return PolicyForm::kJson;
  for (const absl::string_view suffix : {".pb", ".binpb", ".bin"}) {
    if (absl::EndsWith(file_name, suffix)) return PolicyForm::kBinary;
  }
  return PolicyForm::kText;
}

}  // namespace cordon
