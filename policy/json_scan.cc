// SPDX-License-Identifier: Apache-2.0
// A recursive-descent walk over JSON. Its recursion is bounded by kMaxNesting. Values that the
// mapping would accept in several spellings (null for "absent", numbers in quotes, floats for
// integers) are accepted in one only, so that the forms of a policy are equally strict.
#include "policy/json_scan.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/field_scan.h"

namespace cordon {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

enum class Kind { kString, kNumber, kTrueFalse, kNull, kObject, kArray };

absl::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kString:
      return "a string";
    case Kind::kNumber:
      return "a number";
    case Kind::kTrueFalse:
      return "true or false";
    case Kind::kNull:
      return "null";
    case Kind::kObject:
      return "an object";
    case Kind::kArray:
      return "an array";
  }
  return "";
}

const FieldDescriptor* FindField(const Descriptor* type, absl::string_view key) {
  for (int i = 0; type != nullptr && i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (key == field->name() || key == field->json_name()) return field;
  }
  return nullptr;
}

// -? (0 | [1-9][0-9]*) and nothing after it.
bool IsInteger(absl::string_view number) {
  if (!number.empty() && number[0] == '-') number.remove_prefix(1);
  if (number.empty() || (number[0] == '0' && number.size() > 1)) return false;
  for (const char c : number) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

class JsonScanner {
 public:
  JsonScanner(absl::string_view text, FieldScan* scan) : cursor_(text), scan_(*scan) {}

  bool Run(const Descriptor* type) {
    SkipBlank();
    if (cursor_.Peek() != '{') {
      return Broken("", absl::StrCat("a ", NounOf(type), " in JSON is one object: expected \"{\""));
    }
    FieldScan::Scope scope{type, ""};
    if (!Object(&scope, 1)) return false;
    SkipBlank();
    if (!cursor_.AtEnd()) return Broken("", "there is text after the end of the object");
    return true;
  }

 private:
  bool Broken(absl::string_view path, absl::string_view what) {
    if (!scan_.stopped()) scan_.AddError(path, cursor_.place(), what);
    scan_.Stop();
    return false;
  }

  void SkipBlank() {
    while (cursor_.Peek() == ' ' || cursor_.Peek() == '\t' || cursor_.Peek() == '\n' ||
           cursor_.Peek() == '\r') {
      cursor_.Advance();
    }
  }

  bool HexUnit(absl::string_view path, unsigned* unit) {
    *unit = 0;
    for (int i = 0; i < 4; ++i) {
      const unsigned char c = static_cast<unsigned char>(cursor_.Peek());
      if (!absl::ascii_isxdigit(c)) return Broken(path, "\\u needs four hexadecimal digits");
      const int digit = absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
      *unit = *unit * 16 + static_cast<unsigned>(digit);
      cursor_.Advance();
    }
    return true;
  }

  // What follows a backslash. Surrogates count in pairs only: a lone one has no UTF-8 form.
  bool Escape(absl::string_view path) {
    constexpr absl::string_view kSimple = "\"\\/bfnrt";
    if (!cursor_.AtEnd() && kSimple.find(cursor_.Peek()) != absl::string_view::npos) {
      cursor_.Advance();
      return true;
    }
    if (!cursor_.Take('u')) return Broken(path, "unknown escape in a string");
    unsigned unit = 0;
    if (!HexUnit(path, &unit)) return false;
    if (unit >= 0xDC00 && unit <= 0xDFFF) return Broken(path, "\\u with half of a surrogate pair");
    if (unit < 0xD800 || unit > 0xDBFF) return true;
    if (!cursor_.Take('\\') || !cursor_.Take('u')) {
      return Broken(path, "\\u with half of a surrogate pair");
    }
    if (!HexUnit(path, &unit)) return false;
    if (unit < 0xDC00 || unit > 0xDFFF) return Broken(path, "\\u with half of a surrogate pair");
    return true;
  }

  // Reads a string and gives what stands between the quotes, as it is written.
  bool String(absl::string_view path, absl::string_view* raw) {
    if (!cursor_.Take('"')) return Broken(path, "expected a string in double quotes");
    const size_t begin = cursor_.offset();
    while (cursor_.Peek() != '"') {
      if (cursor_.AtEnd()) return Broken(path, "a string is not closed");
      if (static_cast<unsigned char>(cursor_.Peek()) < 0x20) {
        return Broken(path, "a line break or tab inside a string is written \\n or \\t");
      }
      if (cursor_.Take('\\')) {
        if (!Escape(path)) return false;
      } else {
        cursor_.Advance();
      }
    }
    *raw = cursor_.Since(begin);
    cursor_.Advance();
    return true;
  }

  void Digits() {
    while (absl::ascii_isdigit(static_cast<unsigned char>(cursor_.Peek()))) cursor_.Advance();
  }

  bool Number(absl::string_view path, absl::string_view* number) {
    const size_t begin = cursor_.offset();
    cursor_.Take('-');
    const size_t whole = cursor_.offset();
    Digits();
    const absl::string_view digits = cursor_.Since(whole);
    if (digits.empty()) return Broken(path, "expected a value");
    if (digits.size() > 1 && digits[0] == '0') return Broken(path, "a number has a leading zero");
    if (cursor_.Take('.')) {
      const size_t fraction = cursor_.offset();
      Digits();
      if (cursor_.offset() == fraction) return Broken(path, "no digit follows the point");
    }
    if (cursor_.Peek() == 'e' || cursor_.Peek() == 'E') {
      cursor_.Advance();
      if (!cursor_.Take('+')) cursor_.Take('-');
      const size_t exponent = cursor_.offset();
      Digits();
      if (cursor_.offset() == exponent) return Broken(path, "no digit follows the exponent");
    }
    *number = cursor_.Since(begin);
    return true;
  }

  bool Literal(absl::string_view path, absl::string_view word) {
    for (const char c : word) {
      if (!cursor_.Take(c)) return Broken(path, "expected a value");
    }
    return true;
  }

  // Kind of the value that begins here; kNumber for whatever is none.
  Kind NextKind() const {
    switch (cursor_.Peek()) {
      case '"':
        return Kind::kString;
      case '{':
        return Kind::kObject;
      case '[':
        return Kind::kArray;
      case 't':
      case 'f':
        return Kind::kTrueFalse;
      case 'n':
        return Kind::kNull;
      default:
        return Kind::kNumber;
    }
  }

  static Kind WantedKind(const FieldDescriptor* field, Kind found) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return Kind::kString;
      case FieldDescriptor::CPPTYPE_BOOL:
        return Kind::kTrueFalse;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Kind::kObject;
      case FieldDescriptor::CPPTYPE_ENUM:
        return found == Kind::kNumber ? Kind::kNumber : Kind::kString;
      default:
        return Kind::kNumber;
    }
  }

  void CheckNumber(const FieldDescriptor* field, absl::string_view path, Place place,
                   absl::string_view number) {
    if (!IsInteger(number)) {
      scan_.AddError(path, place, absl::StrCat(Excerpt(number), " is not a plain whole number"));
      return;
    }
    uint32_t value = 0;
    int32_t enum_value = 0;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32 && !absl::SimpleAtoi(number, &value)) {
      scan_.AddError(path, place,
                     absl::StrCat(Excerpt(number), " is not between 0 and 4294967295"));
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
        (!absl::SimpleAtoi(number, &enum_value) ||
         field->enum_type()->FindValueByNumber(enum_value) == nullptr)) {
      scan_.AddError(
          path, place,
          absl::StrCat(number.substr(0, 40), " is not a value of ", field->enum_type()->name()));
    }
  }

  void CheckEnumName(const FieldDescriptor* field, absl::string_view path, Place place,
                     absl::string_view name) {
    if (field->enum_type()->FindValueByName(std::string(name)) != nullptr) return;
    scan_.AddError(path, place,
                   absl::StrCat(Excerpt(name), " is not a value of ", field->enum_type()->name()));
  }

  // One value that is no array. `field` is null inside what does not exist.
  bool Value(const FieldDescriptor* field, std::string path, int depth) {
    const Place place = cursor_.place();
    const Kind kind = NextKind();
    if (field != nullptr && kind != WantedKind(field, kind)) {
      scan_.AddError(
          path, place,
          absl::StrCat("expected ", NameOf(WantedKind(field, kind)), ", not ", NameOf(kind)),
          kind == Kind::kNull ? "leave the field out" : "");
      field = nullptr;
    }
    absl::string_view raw;
    switch (kind) {
      case Kind::kObject: {
        if (!scan_.MayNest(depth + 1, path, place)) return false;
        FieldScan::Scope inner{field == nullptr ? nullptr : field->message_type(), std::move(path)};
        return Object(&inner, depth + 1);
      }
      case Kind::kArray:
        return Array(nullptr, nullptr, path, depth);
      case Kind::kTrueFalse:
        return Literal(path, cursor_.Peek() == 't' ? "true" : "false");
      case Kind::kNull:
        return Literal(path, "null");
      case Kind::kString:
        if (!String(path, &raw)) return false;
        if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
          CheckEnumName(field, path, place, raw);
        }
        return true;
      case Kind::kNumber:
        if (!Number(path, &raw)) return false;
        if (field != nullptr) CheckNumber(field, path, place, raw);
        return true;
    }
    return false;
  }

  // `scope` and `field` are null for an array that belongs to no repeated field.
  bool Array(FieldScan::Scope* scope, const FieldDescriptor* field, const std::string& path,
             int depth) {
    if (!scan_.MayNest(depth + 1, path, cursor_.place())) return false;
    cursor_.Take('[');
    SkipBlank();
    if (cursor_.Take(']')) return true;
    while (true) {
      SkipBlank();
      std::string element = field == nullptr ? path : scan_.Element(scope, field, cursor_.place());
      if (scan_.stopped() || !Value(field, std::move(element), depth + 1)) return false;
      SkipBlank();
      if (cursor_.Take(']')) return true;
      if (!cursor_.Take(',')) return Broken(path, "expected \",\" or \"]\"");
    }
  }

  bool Member(FieldScan::Scope* scope, int depth) {
    const Place place = cursor_.place();
    absl::string_view key;
    if (!String(scope->path, &key)) return false;
    // An escape in a name could hide a duplicate; no name needs one.
    if (key.find('\\') != absl::string_view::npos) {
      return Broken(scope->path, "a field name holds an escape");
    }
    const FieldDescriptor* field = FindField(scope->type, key);
    if (field == nullptr && scope->type != nullptr) scan_.UnknownField(*scope, key, place);
    if (field != nullptr) scan_.Once(scope, field, place);
    if (scan_.stopped()) return false;
    SkipBlank();
    if (!cursor_.Take(':')) return Broken(scope->path, "expected \":\" after a field name");
    SkipBlank();
    if (field == nullptr) return Value(nullptr, scope->path, depth);
    if (!field->is_repeated()) return Value(field, scan_.Element(scope, field, place), depth);
    if (NextKind() != Kind::kArray) {
      scan_.AddError(absl::StrCat(scope->path, scope->path.empty() ? "" : ".", field->name()),
                     cursor_.place(), absl::StrCat("expected an array, not ", NameOf(NextKind())));
      return Value(nullptr, scope->path, depth);
    }
    return Array(scope, field, scope->path, depth);
  }

  bool Object(FieldScan::Scope* scope, int depth) {
    cursor_.Take('{');
    SkipBlank();
    if (cursor_.Take('}')) return true;
    while (true) {
      SkipBlank();
      if (!Member(scope, depth)) return false;
      SkipBlank();
      if (cursor_.Take('}')) return true;
      if (!cursor_.Take(',')) return Broken(scope->path, "expected \",\" or \"}\"");
    }
  }

  TextCursor cursor_;
  FieldScan& scan_;
};

}  // namespace

bool ScanJson(absl::string_view text, const Descriptor* type, FieldScan* scan) {
  return JsonScanner(text, scan).Run(type);
}

}  // namespace cordon
