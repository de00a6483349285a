// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/columns.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr size_t kLeastLabel = 12;
constexpr size_t kMostLabel = 24;
// A longer place, as of a file with a long path, gets a line of its own.
constexpr size_t kMostPlace = 24;

std::string PlaceText(const v1::ExplainedRow& row) {
  if (!row.place().empty()) return EscapeForPeople(row.place());
  return row.field().empty() ? "" : "default";
}

std::string RowText(const v1::ExplainedRow& row) {
  if (row.verdict() == v1::VERDICT_UNSPECIFIED) return row.text();
  return absl::StrCat(row.text(), " [", v1::Verdict_Name(row.verdict()), "]");
}

// The columns of one section: its labels and places decide.
struct Columns {
  size_t label = kLeastLabel;
  size_t place = 0;
};

Columns ColumnsOf(const v1::ExplainedSection& section) {
  Columns columns;
  for (const v1::ExplainedRow& row : section.row()) {
    columns.label = std::max(columns.label, std::min(TextWidth(row.label()), kMostLabel));
    const size_t place = TextWidth(PlaceText(row));
    if (place <= kMostPlace) columns.place = std::max(columns.place, place);
  }
  return columns;
}

void AppendLine(std::string line, std::string* out) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  absl::StrAppend(out, line, "\n");
}

void AppendRow(const v1::ExplainedRow& row, const Columns& columns, std::string* out) {
  const size_t start = columns.label + 4;  // two blanks before the label and two behind it
  const size_t room = kColumns - start - (columns.place == 0 ? 0 : columns.place + 2);
  const std::string indent(start, ' ');
  std::string line = absl::StrCat("  ", row.label());
  if (TextWidth(row.label()) > columns.label) {
    for (const std::string& part : WrapText(row.label(), kColumns - 2)) {
      AppendLine(absl::StrCat("  ", part), out);
    }
    line.clear();
  }
  line.append(start - TextWidth(line), ' ');
  const std::string place = PlaceText(row);
  const bool beside = TextWidth(place) <= columns.place;
  std::vector<std::string> texts = WrapText(RowText(row), room);
  if (texts.empty()) texts.emplace_back();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) line = indent;
    absl::StrAppend(&line, texts[i]);
    if (i == 0 && beside && !place.empty()) {
      line.append(kColumns - columns.place - TextWidth(line), ' ');
      absl::StrAppend(&line, place);
    }
    AppendLine(line, out);
  }
  if (beside) return;
  for (const std::string& part : WrapText(place, kColumns - start)) {
    AppendLine(absl::StrCat(indent, part), out);
  }
}

void AppendParagraph(absl::string_view text, absl::string_view indent, std::string* out) {
  for (const std::string& line : WrapText(text, kColumns - indent.size())) {
    absl::StrAppend(out, indent, line, "\n");
  }
}

}  // namespace

std::string ExplanationText(const v1::Explanation& explanation) {
  std::string out;
  AppendParagraph(absl::StrCat(explanation.policy(), explanation.description().empty() ? "" : ": ",
                               explanation.description()),
                  "", &out);
  if (!explanation.bases().empty()) {
    AppendParagraph(
        absl::StrCat("extends ", absl::StrJoin(explanation.bases(), ", which extends ")), "", &out);
  }
  AppendParagraph(
      "At the right stands the line of the policy that says so; \"default\" is the language's own.",
      "", &out);
  for (const v1::ExplainedSection& section : explanation.section()) {
    absl::StrAppend(&out, "\n", section.title(), "\n");
    AppendParagraph(section.introduction(), "  ", &out);
    const Columns columns = ColumnsOf(section);
    for (const v1::ExplainedRow& row : section.row()) AppendRow(row, columns, &out);
  }
  return out;
}

}  // namespace cordon
