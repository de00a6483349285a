// SPDX-License-Identifier: Apache-2.0
// A recursive-descent walk over protobuf text format. Its recursion is bounded by kMaxNesting.
// Where it is laxer than protobuf's parser, that one refuses; where it is stricter (extension and
// Any syntax), the policy is refused here.
#include "policy/text_scan.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/field_scan.h"

namespace cordon {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

class TextScanner {
 public:
  TextScanner(absl::string_view text, FieldScan* scan) : cursor_(text), scan_(*scan) {}

  bool Run(const Descriptor* type) {
    FieldScan::Scope scope{type, ""};
    return Fields(&scope, '\0', 1);
  }
  Place place() const { return cursor_.place(); }

 private:
  // Whitespace and comments.
  void SkipBlank() {
    while (!cursor_.AtEnd()) {
      if (cursor_.Peek() == '#') {
        while (!cursor_.AtEnd() && cursor_.Peek() != '\n') cursor_.Advance();
      } else if (absl::ascii_isspace(static_cast<unsigned char>(cursor_.Peek()))) {
        cursor_.Advance();
      } else {
        return;
      }
    }
  }

  absl::string_view Word(absl::string_view also) {
    const size_t begin = cursor_.offset();
    while (absl::ascii_isalnum(static_cast<unsigned char>(cursor_.Peek())) ||
           (!cursor_.AtEnd() && absl::StrContains(also, cursor_.Peek()))) {
      cursor_.Advance();
    }
    return cursor_.Since(begin);
  }

  bool QuotedString() {
    const char quote = cursor_.Peek();
    cursor_.Advance();
    while (!cursor_.AtEnd() && cursor_.Peek() != '\n') {
      if (cursor_.Take(quote)) return true;
      if (cursor_.Take('\\') && cursor_.AtEnd()) return false;
      cursor_.Advance();
    }
    return false;
  }

  bool AtQuote() const { return cursor_.Peek() == '"' || cursor_.Peek() == '\''; }

  // Adjacent strings are one value.
  bool Scalar(const FieldDescriptor* field, absl::string_view path) {
    const Place place = cursor_.place();
    if (AtQuote()) {
      while (AtQuote()) {
        if (!QuotedString()) return false;
        SkipBlank();
      }
      return true;
    }
    if (cursor_.Take('-')) SkipBlank();
    const absl::string_view word = Word("_.+-");
    if (field != nullptr) CheckEnumName(*field, path, place, word);
    return !word.empty();
  }

  // protobuf's parser would place this error behind the name. Numbers are checked in the message.
  void CheckEnumName(const FieldDescriptor& field, absl::string_view path, Place place,
                     absl::string_view word) {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM || word.empty()) return;
    if (absl::ascii_isdigit(static_cast<unsigned char>(word[0]))) return;
    if (field.enum_type()->FindValueByName(std::string(word)) != nullptr) return;
    scan_.AddError(path, place,
                   absl::StrCat(Excerpt(word), " is not a value of ", field.enum_type()->name()));
  }

  // A message or a scalar; `field` is null when there is no such field.
  bool Value(FieldScan::Scope* scope, const FieldDescriptor* field, Place place, int depth) {
    std::string path = field == nullptr ? scope->path : scan_.Element(scope, field, place);
    if (scan_.stopped()) return false;
    const char closer = cursor_.Peek() == '{' ? '}' : '>';
    if (!cursor_.Take('{') && !cursor_.Take('<')) return Scalar(field, path);
    if (!scan_.MayNest(depth + 1, path, place)) return false;
    FieldScan::Scope inner{field == nullptr ? nullptr : field->message_type(), std::move(path)};
    return Fields(&inner, closer, depth + 1);
  }

  bool List(FieldScan::Scope* scope, const FieldDescriptor* field, int depth) {
    SkipBlank();
    if (cursor_.Take(']')) return true;
    while (true) {
      SkipBlank();
      if (!Value(scope, field, cursor_.place(), depth)) return false;
      SkipBlank();
      if (cursor_.Take(']')) return true;
      if (!cursor_.Take(',')) return false;
    }
  }

  bool Field(FieldScan::Scope* scope, int depth) {
    const Place place = cursor_.place();
    const absl::string_view name = Word("_");
    if (name.empty()) return false;
    const FieldDescriptor* field = nullptr;
    if (scope->type != nullptr) {
      field = scope->type->FindFieldByName(std::string(name));
      if (field == nullptr) scan_.UnknownField(*scope, name, place);
    }
    if (field != nullptr && !field->is_repeated()) scan_.Once(scope, field, place);
    if (scan_.stopped()) return false;
    SkipBlank();
    if (cursor_.Take(':')) SkipBlank();
    if (cursor_.Take('[')) return List(scope, field, depth);
    return Value(scope, field, place, depth);
  }

  bool Fields(FieldScan::Scope* scope, char closer, int depth) {
    while (true) {
      SkipBlank();
      if (closer == '\0' && cursor_.AtEnd()) return true;
      if (closer != '\0' && cursor_.Take(closer)) return true;
      if (!Field(scope, depth)) return false;
      SkipBlank();
      if (!cursor_.Take(';')) cursor_.Take(',');
    }
  }

  TextCursor cursor_;
  FieldScan& scan_;
};

}  // namespace

bool ScanText(absl::string_view text, const Descriptor* type, FieldScan* scan, Place* broken_at) {
  TextScanner scanner(text, scan);
  if (scanner.Run(type)) return true;
  *broken_at = scanner.place();
  return false;
}

}  // namespace cordon
