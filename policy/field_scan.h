// SPDX-License-Identifier: Apache-2.0
// What the three scanners (text_scan, json_scan, wire_scan) share: a cursor that knows its line
// and column, and the record of one reading: which fields were seen where, how often, and what is
// wrong. Scanners run before protobuf's own parsers, which overlook duplicates, know no ceilings
// and, for JSON and binary, no places. Nothing here builds a message.
#ifndef CORDON_POLICY_FIELD_SCAN_H_
#define CORDON_POLICY_FIELD_SCAN_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "policy/parse.h"
#include "policy/proto/error.pb.h"

namespace cordon {

// Line and column from 1, columns in characters. Line 0: the form has no lines (binary).
struct Place {
  int line = 0;
  int column = 0;
};

// Walks over valid UTF-8.
class TextCursor {
 public:
  explicit TextCursor(absl::string_view text) : text_(text) {}

  bool AtEnd() const { return offset_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[offset_]; }
  size_t offset() const { return offset_; }
  Place place() const { return place_; }
  void Advance();
  // Takes the character when it is the next one.
  bool Take(char expected);
  absl::string_view Since(size_t begin) const { return text_.substr(begin, offset_ - begin); }

 private:
  absl::string_view text_;
  size_t offset_ = 0;
  Place place_ = {1, 1};
};

class FieldScan {
 public:
  using Descriptor = google::protobuf::Descriptor;
  using FieldDescriptor = google::protobuf::FieldDescriptor;

  // One message that is being read. `type` is null inside a field that does not exist: its
  // contents are passed over.
  struct Scope {
    const Descriptor* type = nullptr;
    std::string path;
    std::set<const FieldDescriptor*> seen = {};
    std::set<const google::protobuf::OneofDescriptor*> seen_oneofs = {};
    std::map<const FieldDescriptor*, size_t> counts = {};
  };

  // `first_line`: number of the text's first line in the file.
  explicit FieldScan(absl::string_view file, int first_line = 1)
      : places_(file), lines_before_(first_line - 1) {}

  // Reports that scope.type has no field of that name (with the nearest name that it has).
  void UnknownField(const Scope& scope, absl::string_view name, Place place);

  // Reports a field that may be written once and was written before, and a second member of a
  // oneof. For repeated fields only JSON calls this: there the array is written once.
  void Once(Scope* scope, const FieldDescriptor* field, Place place);

  // The path of the value that begins now: "a.b", or "a.b[n]" for the next element of a repeated
  // field. Records its place and reports an element above a ceiling.
  std::string Element(Scope* scope, const FieldDescriptor* field, Place place);

  // Reports nesting above the ceiling; false then.
  bool MayNest(int depth, absl::string_view path, Place place);

  void AddError(absl::string_view path, Place place, absl::string_view message,
                absl::string_view hint = "");

  // True after a ceiling or too many errors: there is no point in reading on.
  bool stopped() const { return stopped_; }
  void Stop() { stopped_ = true; }

  // The field whose value a position on the same line belongs to, or "".
  std::string FieldAt(Place place) const;

  const SourceMap& places() const { return places_; }
  const std::vector<v1::ErrorDetail>& errors() const { return errors_; }

 private:
  std::string Where(Place place) const;

  SourceMap places_;
  int lines_before_;
  std::vector<std::pair<Place, std::string>> order_;
  std::vector<v1::ErrorDetail> errors_;
  size_t elements_ = 0;
  bool stopped_ = false;
};

// At most 60 bytes of a text, escaped and quoted, for messages.
std::string Excerpt(absl::string_view text);

// What people call a whole message of that type: "policy", "job".
absl::string_view NounOf(const google::protobuf::Descriptor* type);

// Ceilings of hard_limits.h by field.
size_t EntryCeilingOf(const google::protobuf::FieldDescriptor* field);
size_t StringCeilingOf(const google::protobuf::FieldDescriptor* field);

}  // namespace cordon

#endif  // CORDON_POLICY_FIELD_SCAN_H_
