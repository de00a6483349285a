// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_setup/state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"

namespace cordon::setup {
namespace {

constexpr char kHead[] = "cordon-setup 1";

struct KindName {
  Done::Kind kind;
  const char* name;
};
constexpr KindName kNames[] = {{Done::Kind::kDirectory, "directory"},
                               {Done::Kind::kFile, "file"},
                               {Done::Kind::kProfile, "profile"},
                               {Done::Kind::kNamespace, "namespace"}};

const char* NameOf(Done::Kind kind) {
  for (const KindName& each : kNames) {
    if (each.kind == kind) return each.name;
  }
  return "";
}

absl::Status Unreadable(const std::string& line) {
  return Error(absl::StatusCode::kDataLoss,
               absl::StrCat("the record of what was done has a line that this version does not "
                            "know: ",
                            EscapeForPeople(line)))
      .Hint("undo with the version that made it");
}

}  // namespace

std::string FormatState(const std::vector<Done>& done) {
  std::string text = absl::StrCat(kHead, "\n");
  for (const Done& each : done) {
    absl::StrAppend(&text, NameOf(each.kind), " ",
                    each.hashes.empty() ? "-" : absl::StrJoin(each.hashes, ","), " ", each.path,
                    "\n");
  }
  return text;
}

absl::StatusOr<std::vector<Done>> ParseState(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.empty() || lines[0] != kHead) return Unreadable(lines.empty() ? "" : lines[0]);
  std::vector<Done> done;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty() && i + 1 == lines.size()) break;
    const std::vector<std::string> parts = absl::StrSplit(lines[i], absl::MaxSplits(' ', 2));
    if (parts.size() != 3 || parts[2].empty() || parts[2][0] != '/') return Unreadable(lines[i]);
    Done each;
    bool known = false;
    for (const KindName& kind : kNames) {
      if (parts[0] != kind.name) continue;
      each.kind = kind.kind;
      known = true;
    }
    if (!known) return Unreadable(lines[i]);
    if (parts[1] != "-") each.hashes = absl::StrSplit(parts[1], ',');
    each.path = parts[2];
    done.push_back(std::move(each));
  }
  return done;
}

const Done* Find(const std::vector<Done>& done, Done::Kind kind, const std::string& path) {
  for (const Done& each : done) {
    if (each.kind == kind && each.path == path) return &each;
  }
  return nullptr;
}

}  // namespace cordon::setup
