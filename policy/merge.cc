// SPDX-License-Identifier: Apache-2.0
// Merging by reflection, with the few keyed lists of the schema as exceptions. The places of
// everything that is kept move along, so that a later error names the file that wrote the field.
#include "policy/merge.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Indices of inherited entries to leave out, by the path of their list.
using Dropped = std::map<std::string, std::set<int>>;

// Targets are compared in canonical form; one that has none is compared as it is written, and
// refused later by validation.
std::string TargetKey(absl::string_view target) {
  absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(target);
  return canonical.ok() ? *std::move(canonical) : std::string(target);
}

std::string TargetOf(const v1::Bind& bind) {
  return TargetKey(bind.target().empty() ? bind.source() : bind.target());
}
std::string TargetOf(const v1::Tmpfs& tmpfs) { return TargetKey(tmpfs.target()); }
std::string TargetOf(const v1::Symlink& symlink) { return TargetKey(symlink.path()); }
std::string TargetOf(const v1::File& file) { return TargetKey(file.path()); }

template <typename List>
void CollectTargets(const List& list, std::set<std::string>* targets) {
  for (const auto& entry : list) targets->insert(TargetOf(entry));
}

template <typename List>
void DropTargets(const List& list, const std::set<std::string>& targets, std::set<int>* dropped) {
  for (int i = 0; i < list.size(); ++i) {
    if (targets.count(TargetOf(list[i])) > 0) dropped->insert(i);
  }
}

void DropReplacedMounts(const v1::Mounts& base, const v1::Mounts& over, Dropped* dropped) {
  std::set<std::string> targets;
  CollectTargets(over.bind(), &targets);
  CollectTargets(over.tmpfs(), &targets);
  CollectTargets(over.symlink(), &targets);
  CollectTargets(over.file(), &targets);
  DropTargets(base.bind(), targets, &(*dropped)["mounts.bind"]);
  DropTargets(base.tmpfs(), targets, &(*dropped)["mounts.tmpfs"]);
  DropTargets(base.symlink(), targets, &(*dropped)["mounts.symlink"]);
  DropTargets(base.file(), targets, &(*dropped)["mounts.file"]);
}

template <typename List, typename KeyOf>
void DropSameKey(const List& base, const List& over, KeyOf key_of, std::set<int>* dropped) {
  std::set<std::string> keys;
  for (const auto& entry : over) keys.insert(std::string(key_of(entry)));
  for (int i = 0; i < base.size(); ++i) {
    if (keys.count(std::string(key_of(base[i]))) > 0) dropped->insert(i);
  }
}

class Merger {
 public:
  Merger(const ParsedPolicy& base, const ParsedPolicy& over) : base_(base), over_(over) {
    out_.name = over.name;
    out_.places = SourceMap(over.places.file());
    out_.bases = over.bases;
    out_.bases.push_back(base.name);
    out_.bases.insert(out_.bases.end(), base.bases.begin(), base.bases.end());
  }

  ParsedPolicy Run() {
    v1::Policy base = base_.policy;
    const v1::Policy& over = over_.policy;
    base.clear_extends();
    base.clear_description();
    ReplaceRules(over, &base);
    // The errno of an action that is replaced goes with it.
    const v1::Seccomp::Action action = over.seccomp().default_action();
    if (action != v1::Seccomp::ACTION_UNSPECIFIED && action != v1::Seccomp::ERRNO &&
        base.has_seccomp()) {
      base.mutable_seccomp()->clear_default_errno();
    }
    DropReplacedMounts(base.mounts(), over.mounts(), &dropped_);
    const auto itself = [](const std::string& name) { return name; };
    DropSameKey(base.seccomp().allow(), over.seccomp().kill(), itself, &dropped_["seccomp.allow"]);
    DropSameKey(base.seccomp().kill(), over.seccomp().allow(), itself, &dropped_["seccomp.kill"]);
    DropSameKey(
        base.environment(), over.environment(), [](const v1::Variable& v) { return v.name(); },
        &dropped_["environment"]);
    DropSameKey(
        base.accept_lint(), over.accept_lint(), [](const v1::AcceptedLint& a) { return a.id(); },
        &dropped_["accept_lint"]);
    DropSameKey(
        base.cgroup().io(), over.cgroup().io(), [](const v1::IoLimit& io) { return io.device(); },
        &dropped_["cgroup.io"]);
    DropSameKey(
        base.landlock().file(), over.landlock().file(),
        [](const v1::FileRule& file) { return TargetKey(file.path()); },
        &dropped_["landlock.file"]);
    Lay(base, base_.places, "", &out_.policy);
    dropped_.clear();
    altered_rules_.clear();
    Lay(over, over_.places, "", &out_.policy);
    return std::move(out_);
  }

 private:
  // Takes the calls of the rules of `over` out of the rules of `base`; a rule without calls goes.
  void ReplaceRules(const v1::Policy& over, v1::Policy* base) {
    std::set<std::string> replaced;
    for (const v1::Rule& rule : over.seccomp().rule()) {
      replaced.insert(rule.calls().begin(), rule.calls().end());
    }
    for (int i = 0; i < base->seccomp().rule_size(); ++i) {
      v1::Rule* rule = base->mutable_seccomp()->mutable_rule(i);
      std::vector<std::string> kept;
      for (const std::string& call : rule->calls()) {
        if (replaced.count(call) == 0) kept.push_back(call);
      }
      if (static_cast<int>(kept.size()) == rule->calls_size()) continue;
      altered_rules_.insert(IndexedField("seccomp.rule", static_cast<size_t>(i)));
      if (kept.empty()) dropped_["seccomp.rule"].insert(i);
      rule->mutable_calls()->Assign(kept.begin(), kept.end());
    }
  }

  // Copies the places of `from_path` and of all that is below it.
  void MovePlaces(const SourceMap& from, const std::string& from_path, const std::string& to_path) {
    const bool altered = altered_rules_.count(from_path) > 0;
    const std::map<std::string, std::string>& entries = from.entries();
    for (auto it = entries.lower_bound(from_path); it != entries.end(); ++it) {
      absl::string_view rest = it->first;
      if (!absl::StartsWith(rest, from_path)) break;
      rest.remove_prefix(from_path.size());
      if (!rest.empty() && rest[0] != '.' && rest[0] != '[') continue;
      // Calls of an altered rule have other indices now; the place of the rule stands for them.
      if (altered && absl::StartsWith(rest, ".calls")) continue;
      out_.places.SetFrom(absl::StrCat(to_path, rest), from, it->first);
    }
  }

  // One value of a repeated field, appended.
  static void Append(const Message& from, const FieldDescriptor* field, int index, Message* to) {
    const Reflection& reflection = *from.GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      reflection.AddMessage(to, field)->CopyFrom(reflection.GetRepeatedMessage(from, field, index));
    } else {
      to->GetReflection()->AddString(to, field, reflection.GetRepeatedString(from, field, index));
    }
  }

  // A singular scalar.
  static void Replace(const Message& from, const FieldDescriptor* field, Message* to) {
    const Reflection& reflection = *from.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(to, field, reflection.GetString(from, field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(to, field, reflection.GetBool(from, field));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(to, field, reflection.GetEnumValue(from, field));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(to, field, reflection.GetUInt32(from, field));
        break;
      default:
        break;  // the schema has no other kinds: merge_test checks it
    }
  }

  void Lay(const Message& from, const SourceMap& from_places, const std::string& path,
           Message* to) {
    const Reflection& reflection = *from.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(from, &fields);
    for (const FieldDescriptor* field : fields) {
      const std::string field_path = ChildField(path, field->name());
      if (field->is_repeated()) {
        LayRepeated(from, from_places, field, field_path, to);
        continue;
      }
      if (from_places.entries().count(field_path) > 0) {
        out_.places.SetFrom(field_path, from_places, field_path);
      }
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Lay(reflection.GetMessage(from, field), from_places, field_path,
            reflection.MutableMessage(to, field));
      } else {
        Replace(from, field, to);
      }
    }
  }

  void LayRepeated(const Message& from, const SourceMap& from_places, const FieldDescriptor* field,
                   const std::string& path, Message* to) {
    const std::set<int>& dropped = dropped_[path];
    const int count = from.GetReflection()->FieldSize(from, field);
    for (int i = 0; i < count; ++i) {
      if (dropped.count(i) > 0) continue;
      const int next = to->GetReflection()->FieldSize(*to, field);
      MovePlaces(from_places, IndexedField(path, static_cast<size_t>(i)),
                 IndexedField(path, static_cast<size_t>(next)));
      Append(from, field, i, to);
    }
  }

  const ParsedPolicy& base_;
  const ParsedPolicy& over_;
  ParsedPolicy out_;
  Dropped dropped_;
  std::set<std::string> altered_rules_;
};

}  // namespace

ParsedPolicy MergePolicies(const ParsedPolicy& base, const ParsedPolicy& over) {
  return Merger(base, over).Run();
}

}  // namespace cordon
