// SPDX-License-Identifier: Apache-2.0
// A walk over the wire format with the schema beside it. Its recursion is bounded by kMaxNesting;
// lengths are compared with what is left before anything is taken.
#include "policy/wire_scan.h"

#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/utf8.h"
#include "policy/field_scan.h"

namespace cordon {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;

class WireScanner {
 public:
  WireScanner(absl::string_view bytes, FieldScan* scan) : bytes_(bytes), scan_(*scan) {}

  bool Fields(FieldScan::Scope* scope, size_t end, int depth) {
    while (offset_ < end) {
      if (!Field(scope, end, depth)) return false;
    }
    return true;
  }

 private:
  bool Broken(absl::string_view path, absl::string_view what) {
    if (!scan_.stopped()) scan_.AddError(path, {}, absl::StrCat("at byte ", offset_, ": ", what));
    scan_.Stop();
    return false;
  }

  bool Varint(absl::string_view path, size_t end, uint64_t* value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (offset_ >= end) return Broken(path, "the message is truncated");
      const uint64_t byte = static_cast<unsigned char>(bytes_[offset_++]);
      if (shift == 63 && byte > 1) break;
      *value |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return Broken(path, "a number is too long");
  }

  bool Delimited(absl::string_view path, size_t end, size_t* value_end) {
    uint64_t length = 0;
    if (!Varint(path, end, &length)) return false;
    if (length > end - offset_) return Broken(path, "the message is truncated");
    *value_end = offset_ + static_cast<size_t>(length);
    return true;
  }

  bool StringValue(absl::string_view path, size_t end) {
    size_t value_end = 0;
    if (!Delimited(path, end, &value_end)) return false;
    const absl::string_view text = bytes_.substr(offset_, value_end - offset_);
    if (FindInvalidUtf8(text) != absl::string_view::npos) {
      scan_.AddError(path, {}, absl::StrCat(Excerpt(text), " is not valid UTF-8"));
    }
    offset_ = value_end;
    return true;
  }

  bool MessageValue(const FieldDescriptor* field, std::string path, size_t end, int depth) {
    size_t value_end = 0;
    if (!Delimited(path, end, &value_end)) return false;
    if (!scan_.MayNest(depth + 1, path, {})) return false;
    FieldScan::Scope inner{field->message_type(), std::move(path)};
    return Fields(&inner, value_end, depth + 1);
  }

  bool NumberValue(const FieldDescriptor* field, absl::string_view path, size_t end) {
    uint64_t value = 0;
    if (!Varint(path, end, &value)) return false;
    const bool fits =
        field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? value <= 1 : value <= UINT32_MAX;
    // protobuf's parser would cut the number to its width and go on.
    if (!fits) scan_.AddError(path, {}, absl::StrCat(value, " is out of range"));
    return true;
  }

  bool Field(FieldScan::Scope* scope, size_t end, int depth) {
    uint64_t tag = 0;
    if (!Varint(scope->path, end, &tag)) return false;
    if (tag > UINT32_MAX) return Broken(scope->path, "a field number is too large");
    const uint32_t tag32 = static_cast<uint32_t>(tag);
    const int number = WireFormatLite::GetTagFieldNumber(tag32);
    const FieldDescriptor* field = scope->type->FindFieldByNumber(number);
    if (field == nullptr) {
      return Broken(scope->path, absl::StrCat("there is no field number ", number));
    }
    if (!field->is_repeated()) scan_.Once(scope, field, {});
    if (scan_.stopped()) return false;
    std::string path = scan_.Element(scope, field, {});
    if (scan_.stopped()) return false;
    const auto type = static_cast<WireFormatLite::FieldType>(field->type());
    if (WireFormatLite::GetTagWireType(tag32) != WireFormatLite::WireTypeForFieldType(type)) {
      return Broken(path, "the wire type is not that of the field");
    }
    switch (field->type()) {
      case FieldDescriptor::TYPE_STRING:
        return StringValue(path, end);
      case FieldDescriptor::TYPE_MESSAGE:
        return MessageValue(field, std::move(path), end, depth);
      case FieldDescriptor::TYPE_BOOL:
      case FieldDescriptor::TYPE_ENUM:
      case FieldDescriptor::TYPE_UINT32:
        return NumberValue(field, path, end);
      default:
        return Broken(path, "this field has no binary form");
    }
  }

  absl::string_view bytes_;
  FieldScan& scan_;
  size_t offset_ = 0;
};

}  // namespace

bool ScanWire(absl::string_view bytes, const Descriptor* type, FieldScan* scan) {
  FieldScan::Scope scope{type, ""};
  return WireScanner(bytes, scan).Fields(&scope, bytes.size(), 1);
}

}  // namespace cordon
