// SPDX-License-Identifier: Apache-2.0
#include "policy/job_files.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/quantity.h"

namespace cordon {
namespace {

using CopyIns = google::protobuf::RepeatedPtrField<v1::CopyIn>;
using CopyOuts = google::protobuf::RepeatedPtrField<v1::CopyOut>;

constexpr uint32_t kDefaultMode = 0644;
constexpr size_t kMaxArtifactName = 100;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", EscapeForPeople(text), "\"");
}

bool IsArtifactName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxArtifactName || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("._-").find(c) != absl::string_view::npos;
  });
}

bool IsDigest(absl::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// "0644", of four octal digits.
absl::StatusOr<uint32_t> ParseMode(absl::string_view text) {
  uint32_t mode = 0;
  bool octal = text.size() == 4 && text[0] == '0';
  for (const char c : text) {
    octal = octal && c >= '0' && c <= '7';
    mode = mode * 8 + static_cast<uint32_t>(c - '0');
  }
  if (!octal || (mode & 0400) == 0) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(Quoted(text),
                              " is not a mode of \"0400\" to \"0777\" that lets its "
                              "owner read"));
  }
  return mode;
}

void CheckSource(const v1::CopyIn& entry, absl::string_view at, Violations* violations) {
  switch (entry.source_case()) {
    case v1::CopyIn::kFile:
      if (entry.file().empty()) violations->Add(ChildField(at, "file"), "is empty");
      break;
    case v1::CopyIn::kLink:
      if (entry.link().empty()) violations->Add(ChildField(at, "link"), "is empty");
      if (!entry.mode().empty()) violations->Add(ChildField(at, "mode"), "a link has no mode");
      break;
    case v1::CopyIn::kArtifact:
      violations->AddIfError(ChildField(at, "artifact"),
                             ParseArtifactName(entry.artifact()).status());
      break;
    case v1::CopyIn::kStored:
      if (!IsDigest(entry.stored())) {
        violations->Add(ChildField(at, "stored"),
                        absl::StrCat(Quoted(entry.stored()), " is not a SHA-256 in small letters"));
      }
      break;
    case v1::CopyIn::kText:
      break;
    case v1::CopyIn::SOURCE_NOT_SET:
      violations->Add(at, "says not what is copied: file, text, link, artifact or stored");
  }
}

// The first of `paths` (sorted) that `path` lies below; "" when there is none.
std::string FileAbove(const std::set<std::string>& paths, absl::string_view path) {
  for (absl::string_view up = ParentPath(path); up != "/"; up = ParentPath(up)) {
    if (paths.count(std::string(up)) > 0) return std::string(up);
  }
  return "";
}

// A place of the sandbox, and whether what is made there ends with the job and is its own.
struct Place {
  std::string target;
  bool own = false;
  std::string what;
};

std::vector<Place> PlacesOf(const v1::Policy& policy) {
  const v1::Mounts& mounts = policy.mounts();
  std::vector<Place> places = {{"/", false, "the root, which is read-only"}};
  for (const v1::Bind& bind : mounts.bind()) {
    const bool read_only = !bind.has_read_only() || bind.read_only();
    places.push_back({bind.target().empty() ? bind.source() : bind.target(), false,
                      read_only ? "a read-only bind" : "a bind, whose files are the host's own"});
  }
  for (const v1::Tmpfs& tmpfs : mounts.tmpfs()) places.push_back({tmpfs.target(), true, "a tmpfs"});
  if (mounts.has_proc()) places.push_back({"/proc", false, "procfs"});
  if (mounts.has_dev()) places.push_back({"/dev", false, "the devices"});
  if (mounts.dev().has_shm_size()) places.push_back({"/dev/shm", true, "a tmpfs"});
  for (const std::string& masked : mounts.masked()) places.push_back({masked, false, "a mask"});
  return places;
}

// `whole`: the place itself may be meant.
void CheckPlace(const std::vector<Place>& places, const std::string& path, bool whole,
                absl::string_view field, Violations* violations) {
  const absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(path);
  if (!canonical.ok()) return;  // said already
  const Place* deepest = &places[0];
  for (const Place& place : places) {
    // Of two at one place the later one covers the other.
    if (PathIsBelow(*canonical, place.target) && place.target.size() >= deepest->target.size()) {
      deepest = &place;
    }
  }
  if (deepest->own && (whole || *canonical != deepest->target)) return;
  violations->Add(
      field,
      absl::StrCat(Quoted(path), deepest->own ? " is a tmpfs itself" : " lies in ",
                   deepest->own ? "" : deepest->what),
      "files are copied to and from what lies in a tmpfs of the policy, such as /work and /tmp");
}

}  // namespace

absl::StatusOr<ArtifactName> ParseArtifactName(absl::string_view text) {
  const size_t colon = text.find(':');
  ArtifactName found;
  if (colon != absl::string_view::npos) {
    absl::string_view rest = text.substr(colon + 1);
    const size_t slash = rest.find('/');
    found.job = std::string(text.substr(0, colon));
    found.name = std::string(rest.substr(0, slash));
    if (slash != absl::string_view::npos) {
      const absl::string_view below = rest.substr(slash);  // "/PATH"
      CORDON_ASSIGN_OR_RETURN(const std::string path, CanonicalAbsolutePath(below));
      if (path != below || path == "/") found.name.clear();
      found.path = path.substr(1);
    }
  }
  if (found.job.empty() || !IsArtifactName(found.name)) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(Quoted(text), " is not JOB:ARTIFACT or JOB:ARTIFACT/PATH"));
  }
  return found;
}

void CheckCopyIns(const CopyIns& entries, absl::string_view path, Violations* violations) {
  std::set<std::string> targets;
  for (int i = 0; i < entries.size(); ++i) {
    const std::string at = IndexedField(path, static_cast<size_t>(i));
    const v1::CopyIn& entry = entries[i];
    CheckSource(entry, at, violations);
    if (!entry.mode().empty()) {
      violations->AddIfError(ChildField(at, "mode"), ParseMode(entry.mode()).status());
    }
    const absl::StatusOr<std::string> target = CanonicalAbsolutePath(entry.target());
    violations->AddIfError(ChildField(at, "target"), target.status());
    if (target.ok() && !targets.insert(*target).second) {
      violations->Add(ChildField(at, "target"),
                      absl::StrCat(Quoted(*target), " is the target of another entry, too"));
    }
  }
  for (const std::string& target : targets) {
    const std::string above = FileAbove(targets, target);
    if (above.empty()) continue;
    violations->Add(path, absl::StrCat(Quoted(target), " lies below ", Quoted(above),
                                       ", which is a file of its own"));
  }
}

void CheckCopyOuts(const CopyOuts& entries, absl::string_view path, Violations* violations) {
  std::set<std::string> names;
  for (int i = 0; i < entries.size(); ++i) {
    const std::string at = IndexedField(path, static_cast<size_t>(i));
    const v1::CopyOut& entry = entries[i];
    violations->AddIfError(ChildField(at, "path"), CanonicalAbsolutePath(entry.path()).status());
    violations->CheckQuantities(entry, at);
    if (entry.to().empty() == entry.artifact().empty()) {
      violations->Add(at, "needs one of `to` and `artifact`");
    }
    if (entry.artifact().empty()) continue;
    if (!IsArtifactName(entry.artifact())) {
      violations->Add(ChildField(at, "artifact"),
                      absl::StrCat(Quoted(entry.artifact()),
                                   " is not a name of letters, digits and . _ -, of 1 to ",
                                   kMaxArtifactName, " bytes"));
    } else if (!names.insert(entry.artifact()).second) {
      violations->Add(ChildField(at, "artifact"),
                      absl::StrCat(Quoted(entry.artifact()), " is another entry's, too"));
    }
  }
}

void CheckCopyPlaces(const v1::JobSpec& job, const v1::Policy& policy, Violations* violations) {
  if (job.copy_in().empty() && job.copy_out().empty()) return;
  const std::vector<Place> places = PlacesOf(policy);
  for (int i = 0; i < job.copy_in_size(); ++i) {
    CheckPlace(places, job.copy_in(i).target(), job.copy_in(i).has_artifact(),
               ChildField(IndexedField("copy_in", static_cast<size_t>(i)), "target"), violations);
  }
  for (int i = 0; i < job.copy_out_size(); ++i) {
    CheckPlace(places, job.copy_out(i).path(), true,
               ChildField(IndexedField("copy_out", static_cast<size_t>(i)), "path"), violations);
  }
}

uint32_t ModeOf(const v1::CopyIn& entry) { return ParseMode(entry.mode()).value_or(kDefaultMode); }

CopyOutLimits LimitsOf(const v1::CopyOut& entry) {
  v1::CopyOut full = entry;
  NormalizeQuantities(&full);
  return {ParseSize(full.max_size()).value_or(0), full.max_files(), full.max_depth()};
}

}  // namespace cordon
