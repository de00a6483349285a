// SPDX-License-Identifier: Apache-2.0
// Rights change only at the paths of rules, so it is enough to look there: at the files of the host
// that a rule of either plan stands for, and at each tmpfs.
#include "policy/compare_landlock.h"

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/layers/landlock.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;

// A file in the eyes of both plans: a path of the host, or one inside a tmpfs.
struct Place {
  bool in_memory = false;
  std::string path;
  bool operator<(const Place& other) const {
    return std::tie(in_memory, path) < std::tie(other.in_memory, other.path);
  }
};

struct Rights {
  uint64_t mounts = 0;  // by the mounts alone
  uint64_t all = 0;     // what the rules leave of it
  std::string inside;   // where the plan shows the place; "" when it does not
  std::string field;    // of the deepest rule
};

const v1::MountEntry* MountOf(const v1::Plan& plan, absl::string_view path) {
  const v1::MountEntry* deepest = nullptr;
  for (const v1::MountEntry& entry : plan.mount().entry()) {
    if (!PathIsBelow(path, entry.target())) continue;
    if (deepest == nullptr || entry.target().size() >= deepest->target().size()) deepest = &entry;
  }
  return deepest;
}

void AddPlaces(const v1::Plan& plan, std::set<Place>* places) {
  for (const v1::LandlockRule& rule : plan.landlock().rule()) {
    const v1::MountEntry* mount = MountOf(plan, rule.path());
    if (mount == nullptr) continue;
    const absl::string_view rest = absl::string_view(rule.path()).substr(mount->target().size());
    if (mount->kind() == Kind::BIND) places->insert({false, absl::StrCat(mount->source(), rest)});
    if (mount->kind() == Kind::TMPFS) places->insert({true, rule.path()});
  }
}

void AddRights(const v1::Plan& plan, const v1::MountEntry& mount, std::string inside,
               Rights* rights) {
  if (MountOf(plan, inside) != &mount) return;  // something else covers it there
  const uint64_t by_mount = LandlockRightsOf(mount);
  uint64_t by_rules = plan.landlock().enabled() ? 0 : by_mount;
  for (const v1::LandlockRule& rule : plan.landlock().rule()) {
    if (!PathIsBelow(inside, rule.path())) continue;
    by_rules |= rule.access();
    rights->field = rule.field();  // parents come first
  }
  rights->mounts |= by_mount;
  rights->all |= by_mount & by_rules;
  rights->inside = std::move(inside);
}

Rights RightsAt(const v1::Plan& plan, const Place& place) {
  Rights rights;
  for (const v1::MountEntry& mount : plan.mount().entry()) {
    const bool bind = mount.kind() == Kind::BIND && !place.in_memory;
    if (bind && PathIsBelow(place.path, mount.source())) {
      const absl::string_view rest = absl::string_view(place.path).substr(mount.source().size());
      AddRights(plan, mount, absl::StrCat(mount.target(), rest), &rights);
    }
    if (mount.kind() == Kind::TMPFS && place.in_memory && place.path == mount.target()) {
      AddRights(plan, mount, place.path, &rights);
    }
  }
  return rights;
}

}  // namespace

std::vector<Widening> FileRulesWidened(const v1::Plan& before, const v1::Plan& after) {
  std::set<Place> places;
  AddPlaces(before, &places);
  AddPlaces(after, &places);
  std::vector<Widening> found;
  for (const Place& place : places) {
    const Rights was = RightsAt(before, place);
    const Rights is = RightsAt(after, place);
    const uint64_t more = is.all & was.mounts & ~was.all;
    if (more == 0) continue;
    const bool write = (more & uapi::kLandlockWriteFile) != 0;
    const bool elsewhere = !place.in_memory && place.path != is.inside;
    found.push_back({"landlock",
                     absl::StrCat("may ", write ? "write to " : "execute ",
                                  EscapeForPeople(is.inside), elsewhere ? ", the host's " : "",
                                  elsewhere ? EscapeForPeople(place.path) : ""),
                     is.field});
  }
  return found;
}

}  // namespace cordon
