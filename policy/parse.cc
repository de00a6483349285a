// SPDX-License-Identifier: Apache-2.0
#include "policy/parse.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/parse_message.h"

namespace cordon {

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
  ParsedPolicy parsed;
  parsed.name = std::string(name);
  CORDON_ASSIGN_OR_RETURN(parsed.places, ParseMessage(bytes, form, name, &parsed.policy));
  return parsed;
}

std::optional<ParsedPolicy> ParseWhatCanBeRead(absl::string_view bytes, PolicyForm form,
                                               absl::string_view name) {
  ParsedPolicy parsed;
  parsed.name = std::string(name);
  if (!ReadPartOf(bytes, form, name, &parsed.policy, &parsed.places)) return std::nullopt;
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
