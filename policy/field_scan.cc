// SPDX-License-Identifier: Apache-2.0
// Bookkeeping of one reading of a policy. See field_scan.h.
#include "policy/field_scan.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/base/utf8.h"

namespace cordon {
namespace {

// Number of letters to change, add or drop; both words are short (identifiers of the schema and
// excerpts), so the quadratic table is small.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string NearestName(const google::protobuf::Descriptor& type, absl::string_view name) {
  constexpr size_t kLongestName = 64;
  constexpr size_t kMostEdits = 2;
  if (name.size() > kLongestName) return "";
  std::string nearest;
  size_t best = kMostEdits + 1;
  for (int i = 0; i < type.field_count(); ++i) {
    const size_t distance = EditDistance(name, type.field(i)->name());
    if (distance < best) {
      best = distance;
      nearest = type.field(i)->name();
    }
  }
  return nearest;
}

bool Before(Place a, Place b) { return a.line != b.line ? a.line < b.line : a.column < b.column; }

}  // namespace

void TextCursor::Advance() {
  if (AtEnd()) return;
  if (text_[offset_] == '\n') {
    ++place_.line;
    place_.column = 1;
    ++offset_;
    return;
  }
  const size_t length = DecodeUtf8(text_, offset_).length;
  offset_ += length == 0 ? 1 : length;
  ++place_.column;
}

bool TextCursor::Take(char expected) {
  if (AtEnd() || Peek() != expected) return false;
  Advance();
  return true;
}

void FieldScan::UnknownField(const Scope& scope, absl::string_view name, Place place) {
  const std::string nearest = NearestName(*scope.type, name);
  AddError(scope.path, place,
           absl::StrCat(scope.path.empty() ? absl::StrCat("a ", NounOf(scope.type), " ") : "",
                        "has no field ", Excerpt(name)),
           nearest.empty() ? "" : absl::StrCat("did you mean \"", nearest, "\"?"));
}

void FieldScan::Once(Scope* scope, const FieldDescriptor* field, Place place) {
  const std::string path = ChildField(scope->path, field->name());
  if (!scope->seen.insert(field).second) {
    AddError(path, place,
             absl::StrCat("is written twice", place.line == 0 ? "" : "; first at ",
                          place.line == 0 ? "" : places_.Find(path)));
    return;
  }
  const google::protobuf::OneofDescriptor* oneof = field->real_containing_oneof();
  if (oneof != nullptr && !scope->seen_oneofs.insert(oneof).second) {
    AddError(path, place, absl::StrCat("only one ", oneof->name(), " may be written here"));
  }
}

std::string FieldScan::Element(Scope* scope, const FieldDescriptor* field, Place place) {
  std::string path = ChildField(scope->path, field->name());
  if (++elements_ > kMaxFields) {
    AddError(path, place,
             absl::StrCat("the policy has more than ", kMaxFields, " fields; at most ", kMaxFields,
                          " are allowed"));
    Stop();
  }
  if (field->is_repeated()) {
    const size_t index = scope->counts[field]++;
    const size_t ceiling = EntryCeilingOf(field);
    if (index >= ceiling) {
      AddError(
          path, place,
          absl::StrCat("has more than ", ceiling, " entries; at most ", ceiling, " are allowed"));
      Stop();
    }
    path = IndexedField(path, index);
  }
  if (place.line != 0 && !stopped_) {
    places_.Set(path, lines_before_ + place.line, place.column);
    order_.emplace_back(place, path);
  }
  return path;
}

bool FieldScan::MayNest(int depth, absl::string_view path, Place place) {
  if (depth <= kMaxNesting) return true;
  AddError(path, place,
           absl::StrCat("is nested more than ", kMaxNesting, " levels deep; at most ", kMaxNesting,
                        " are allowed"));
  Stop();
  return false;
}

void FieldScan::AddError(absl::string_view path, Place place, absl::string_view message,
                         absl::string_view hint) {
  if (errors_.size() > kMaxErrors) return;
  v1::ErrorDetail detail;
  detail.set_stage("parse");
  detail.set_step_index(-1);
  if (errors_.size() == kMaxErrors) {
    detail.set_source(places_.file());
    detail.set_message(
        absl::StrCat("there are more errors; the first ", kMaxErrors, " are listed"));
    Stop();
  } else {
    detail.set_policy_field(std::string(path));
    detail.set_source(Where(place));
    detail.set_message(std::string(message));
    detail.set_hint(std::string(hint));
  }
  errors_.push_back(std::move(detail));
}

std::string FieldScan::FieldAt(Place place) const {
  const auto after = std::upper_bound(
      order_.begin(), order_.end(), place,
      [](Place p, const std::pair<Place, std::string>& entry) { return Before(p, entry.first); });
  if (after == order_.begin()) return "";
  const auto& [where, path] = *(after - 1);
  return where.line == place.line ? path : "";
}

std::string FieldScan::Where(Place place) const {
  if (place.line == 0) return places_.file();
  return absl::StrCat(places_.file(), ":", lines_before_ + place.line, ":", place.column);
}

std::string Excerpt(absl::string_view text) {
  constexpr size_t kLongest = 60;
  return absl::StrCat("\"", EscapeForPeople(text.substr(0, kLongest)),
                      text.size() > kLongest ? "..." : "", "\"");
}

absl::string_view NounOf(const google::protobuf::Descriptor* type) {
  if (type->name() == "Batch") return "list of jobs";
  return type->name() == "BatchJob" ? "job" : "policy";
}

size_t EntryCeilingOf(const google::protobuf::FieldDescriptor* field) {
  for (const EntryCeiling& row : kEntryCeilings) {
    if (row.field == field->full_name()) return row.entries;
  }
  return kMaxEntries;
}

size_t StringCeilingOf(const google::protobuf::FieldDescriptor* field) {
  for (const StringCeiling& row : kStringCeilings) {
    if (row.field == field->full_name()) return row.bytes;
  }
  return kMaxStringBytes;
}

}  // namespace cordon
