// SPDX-License-Identifier: Apache-2.0
// The walk, the generators of strings, and the repairs that make most policies valid.
#include "fuzz/policy_generator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fuzz/require.h"
#include "policy/base/hard_limits.h"
#include "policy/base/path.h"
#include "policy/base/units.h"
#include "policy/base/utf8.h"
#include "policy/bpf/constants.h"
#include "policy/bpf/syscall_groups.h"
#include "policy/bpf/syscall_table.h"
#include "policy/lint/lint.h"
#include "policy/quantity.h"
#include "profiles/embedded.h"

namespace cordon::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// A decision that is hardly ever taken, and never when the bytes have run out.
bool Rarely(ByteSource* source) { return source->Byte() == 0xA5; }

template <typename List>
std::string Pick(const List& list, ByteSource* source) {
  const uint32_t high = source->Byte();
  const size_t index = (high << 8 | source->Byte()) % std::size(list);
  return std::string(*(std::begin(list) + static_cast<std::ptrdiff_t>(index)));
}

// Bytes of the fuzzer as valid UTF-8.
std::string AnyText(ByteSource* source) {
  std::string text;
  for (uint32_t i = source->Below(40); i > 0; --i) AppendUtf8(source->Byte(), &text);
  return text;
}

// Few names, so that paths meet: equal, below each other, spelled in two ways.
std::string AnyPath(ByteSource* source, absl::string_view root) {
  static constexpr absl::string_view kParts[] = {
      "/a",  "/b",   "/work", "/usr",    "/lib", "/a/b", "//b",       "/./a",
      "/b/", "/a b", "/ä",    "/{a,b}*", "/\"a", "/#",   "/a/b/work", "/lib64"};
  std::string path(root);
  for (uint32_t i = source->Below(3); i > 0; --i) path += Pick(kParts, source);
  return path.empty() ? "/a" : path;
}

std::string Inside(ByteSource* source) {
  static constexpr absl::string_view kOther[] = {"/",     "/dev/shm",    "/proc/sys", "/dev",
                                                 "/proc", "/etc/passwd", "/bin",      "/tmp"};
  return source->Below(16) == 15 ? Pick(kOther, source) : AnyPath(source, "");
}

std::string OnHost(ByteSource* source) {
  static constexpr absl::string_view kRoots[] = {"/srv", "/usr", "/srv/a", "/srv/a/b", "", "/etc"};
  return AnyPath(source, Pick(kRoots, source));
}

std::string LeafInside(ByteSource* source) {
  static constexpr absl::string_view kRoots[] = {"/etc", "/opt", "", "/etc/conf"};
  return AnyPath(source, Pick(kRoots, source)) + "/leaf";
}

std::string Words(ByteSource* source) {
  static constexpr absl::string_view kWords[] = {
      "one", "it is meant", "x", "line \\ \"quoted\"", "ümläut", "'", "{", "#", "$(id)"};
  return Pick(kWords, source);
}

std::string Content(ByteSource* source) {
  std::string content;
  for (uint32_t i = source->Below(4); i > 0; --i) absl::StrAppend(&content, Words(source), "\t\n");
  return content;
}

std::string HostName(ByteSource* source) {
  static constexpr absl::string_view kNames[] = {"cordon", "a.b-c", "0", "-", "HOST"};
  return Pick(kNames, source);
}

std::string VariableName(ByteSource* source) {
  static constexpr absl::string_view kNames[] = {"PATH", "HOME",  "LD_PRELOAD",     "A",
                                                 "_b1",  "TOKEN", "GLIBC_TUNABLES", "z"};
  return Pick(kNames, source);
}

std::string DeviceName(ByteSource* source) {
  static constexpr absl::string_view kNames[] = {"null", "zero", "full", "random", "urandom"};
  return Pick(kNames, source);
}

std::string DiskNumber(ByteSource* source) {
  static constexpr absl::string_view kNumbers[] = {"8:0", "8:16", "0:0", "259:3", "4095:1048575"};
  return Pick(kNumbers, source);
}

std::string CpuList(ByteSource* source) {
  static constexpr absl::string_view kLists[] = {"0", "0-1", "1,0", "0-3,2", "7,1-2,3", "0-127"};
  return Pick(kLists, source);
}

std::string AppArmorName(ByteSource* source) {
  static constexpr absl::string_view kNames[] = {"cordon-job", "a", "Site.Profile_2"};
  return Pick(kNames, source);
}

std::string ErrnoName(ByteSource* source) {
  static constexpr absl::string_view kNames[] = {"EPERM", "ENOSYS", "EACCES", "EINVAL", "ENOENT"};
  return Pick(kNames, source);
}

std::string ProfileName(ByteSource* source) {
  std::vector<absl::string_view> names;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) names.push_back(profile.name);
  return Pick(names, source);
}

std::string GroupName(ByteSource* source) {
  std::vector<absl::string_view> names;
  for (const SyscallGroup& group : SyscallGroups()) names.push_back(group.name);
  return Pick(names, source);
}

std::string LintId(ByteSource* source) {
  std::vector<absl::string_view> ids;
  for (const Lint& lint : Lints()) ids.push_back(lint.id);
  return Pick(ids, source);
}

std::string CallName(ByteSource* source) {
  static constexpr absl::string_view kBusy[] = {"ioctl", "clone", "prctl",  "socket",    "mmap",
                                                "kill",  "fcntl", "openat", "prlimit64", "clone3"};
  static const auto* const all = new std::vector<std::string>(SyscallNames(NativeArchitecture()));
  return source->Below(2) == 0 ? Pick(kBusy, source) : Pick(*all, source);
}

std::string ConstantText(ByteSource* source) {
  static const auto* const names = [] {
    auto* list = new std::vector<std::string>;
    for (const NamedConstant& constant : NamedConstants()) list->emplace_back(constant.name);
    return list;
  }();
  switch (source->Below(6)) {
    case 0:
      return absl::StrCat(source->Byte());
    case 1:
      return absl::StrCat("0x", absl::Hex(source->Value()));
    case 2:
      return absl::StrCat("-", 1 + source->Below(9));
    case 3:
      return absl::StrCat(Pick(*names, source), "|", Pick(*names, source));
    case 4:
      return absl::StrCat(source->Value());
    default:
      return Pick(*names, source);
  }
}

struct StringRow {
  absl::string_view field;  // full name in the schema; a whole message type ends with "."
  std::string (*make)(ByteSource* source);
};
constexpr StringRow kStrings[] = {
    {"cordon.v1.Policy.extends", ProfileName},
    {"cordon.v1.Policy.description", Words},
    {"cordon.v1.Policy.working_directory", Inside},
    {"cordon.v1.Policy.ceiling", ProfileName},
    {"cordon.v1.AcceptedLint.id", LintId},
    {"cordon.v1.AcceptedLint.reason", Words},
    {"cordon.v1.Identity.hostname", HostName},
    {"cordon.v1.Variable.name", VariableName},
    {"cordon.v1.Variable.value", Words},
    {"cordon.v1.Mounts.masked", Inside},
    {"cordon.v1.Bind.source", OnHost},
    {"cordon.v1.Bind.target", Inside},
    {"cordon.v1.Tmpfs.target", Inside},
    {"cordon.v1.Dev.device", DeviceName},
    {"cordon.v1.Symlink.path", LeafInside},
    {"cordon.v1.Symlink.target", Inside},
    {"cordon.v1.File.path", LeafInside},
    {"cordon.v1.File.content", Content},
    {"cordon.v1.Cgroup.cpuset_cpus", CpuList},
    {"cordon.v1.IoLimit.device", DiskNumber},
    {"cordon.v1.Seccomp.default_errno", ErrnoName},
    {"cordon.v1.Seccomp.allow", GroupName},
    {"cordon.v1.Seccomp.kill", GroupName},
    {"cordon.v1.Rule.calls", CallName},
    {"cordon.v1.Rule.errno_name", ErrnoName},
    {"cordon.v1.Condition.", ConstantText},
    {"cordon.v1.MaskedEquals.", ConstantText},
    {"cordon.v1.ValueSet.", ConstantText},
    {"cordon.v1.FileRule.path", Inside},
    {"cordon.v1.AppArmor.profile", AppArmorName},
};

std::string MakeString(const FieldDescriptor* field, ByteSource* source) {
  if (Rarely(source)) return AnyText(source);
  for (const StringRow& row : kStrings) {
    const bool whole = row.field.back() == '.';
    const bool here = whole ? absl::StrCat(field->containing_type()->full_name(), ".") == row.field
                            : field->full_name() == row.field;
    if (here) return row.make(source);
  }
  Require(false, "every string of the schema has a generator", field->full_name());
  return "";
}

uint64_t QuantityValue(const Quantity& quantity, ByteSource* source) {
  switch (source->Below(8)) {
    case 0:
      return quantity.least;
    case 1:
      return quantity.most;
    case 2:
      if (quantity.unlimited) return kUnlimited;
      break;
    case 3:
      if (quantity.zero) return 0;
      break;
    case 4:
      if (Rarely(source)) return source->Value();
      break;
    default:
      break;
  }
  const uint64_t range = quantity.most - quantity.least;
  const uint64_t value = source->Value();
  return quantity.least + (range == UINT64_MAX ? value : value % (range + 1));
}

void SetQuantity(const Quantity& quantity, const FieldDescriptor* field, Message* message,
                 ByteSource* source) {
  const uint64_t value = QuantityValue(quantity, source);
  if (quantity.kind == QuantityKind::kSize && value != kUnlimited && source->Below(4) == 1) {
    message->GetReflection()->SetString(message, field, absl::StrCat(value, "B"));
  } else if (quantity.kind != QuantityKind::kCount && Rarely(source)) {
    message->GetReflection()->SetString(message, field, AnyText(source));
  } else {
    WriteQuantity(message, quantity, value);
  }
}

void Fill(Message* message, ByteSource* source);

void SetScalar(const FieldDescriptor* field, Message* message, ByteSource* source) {
  const Reflection& reflection = *message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(message, field, source->Below(2) == 1);
    case FieldDescriptor::CPPTYPE_UINT32:  // those with a range are quantities
      return reflection.SetUInt32(message, field, source->Below(6));
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto count = static_cast<uint32_t>(field->enum_type()->value_count());
      const int index = static_cast<int>(source->Below(count));
      return reflection.SetEnum(message, field, field->enum_type()->value(index));
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(message, field, MakeString(field, source));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Fill(reflection.MutableMessage(message, field), source);
    default:
      Require(false, "every type of the schema has a generator", field->full_name());
  }
}

void AddElements(const FieldDescriptor* field, Message* message, ByteSource* source) {
  const Reflection& reflection = *message->GetReflection();
  for (uint32_t i = source->Below(4); i > 0; --i) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Fill(reflection.AddMessage(message, field), source);
    } else {
      reflection.AddString(message, field, MakeString(field, source));
    }
  }
}

void Fill(Message* message, ByteSource* source) {
  const Descriptor& type = *message->GetDescriptor();
  const std::vector<const Quantity*> quantities = QuantitiesOf(&type);
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {  // they come first
    const auto& choice = *type.oneof_decl(i);
    const auto count = static_cast<uint32_t>(choice.field_count());
    SetScalar(choice.field(static_cast<int>(source->Below(count))), message, source);
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->real_containing_oneof() != nullptr) continue;
    const bool is_block = type.full_name() == "cordon.v1.Policy" &&
                          field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      AddElements(field, message, source);
      continue;
    }
    const auto quantity =
        std::find_if(quantities.begin(), quantities.end(),
                     [&](const Quantity* row) { return row->field == field->name(); });
    // A field whose absence cannot be told from its default is mostly needed.
    const bool left_out =
        field->has_presence() ? source->Below(16) >= (is_block ? 12 : 8) : Rarely(source);
    if (left_out) continue;
    if (quantity != quantities.end()) {
      SetQuantity(**quantity, field, message, source);
    } else {
      SetScalar(field, message, source);
    }
  }
}

// --- repairs ------------------------------------------------------------------------------------

// Keeps the entries for which `keep` holds.
template <typename List, typename Keep>
void Filter(List* list, Keep keep) {
  List kept;
  for (auto& entry : *list) {
    if (keep(entry)) *kept.Add() = entry;
  }
  list->Swap(&kept);
}

// Whether a path is new among the targets and may be one.
bool Claim(const std::string& path, std::set<std::string>* taken) {
  const absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(path);
  if (!canonical.ok()) return true;  // an error of its own
  if (*canonical == "/" || PathIsBelow(*canonical, "/proc") || PathIsBelow(*canonical, "/dev")) {
    return false;
  }
  return taken->insert(*canonical).second;
}

void RepairMounts(v1::Mounts* mounts) {
  std::set<std::string> taken;
  Filter(mounts->mutable_bind(), [&](const v1::Bind& bind) {
    return Claim(bind.target().empty() ? bind.source() : bind.target(), &taken);
  });
  Filter(mounts->mutable_tmpfs(),
         [&](const v1::Tmpfs& tmpfs) { return Claim(tmpfs.target(), &taken); });
  const auto is_free = [&](const std::string& path) {
    const absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(path);
    if (!canonical.ok()) return true;
    return std::none_of(taken.begin(), taken.end(), [&](const std::string& other) {
      return PathIsBelow(*canonical, other) || PathIsBelow(other, *canonical);
    });
  };
  Filter(mounts->mutable_symlink(), [&](v1::Symlink& symlink) {
    if (symlink.target().empty()) symlink.set_target("a");
    return is_free(symlink.path()) && Claim(symlink.path(), &taken);
  });
  Filter(mounts->mutable_file(),
         [&](const v1::File& file) { return is_free(file.path()) && Claim(file.path(), &taken); });
  Filter(mounts->mutable_masked(), [](const std::string& path) {
    const absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(path);
    return !canonical.ok() || *canonical != "/";
  });
}

// A value in the range of the argument.
std::string ValueFor(const ArgumentType& type, ByteSource* source) {
  if (type.kind == ArgumentType::Kind::kPointer) return "0";
  uint64_t value = source->Below(2) == 0 ? source->Byte() : source->Value();
  if (type.bits < 64) value &= (uint64_t{1} << type.bits) - 1;
  const bool negative = type.is_signed && (value >> (type.bits - 1) & 1) != 0;
  if (!negative) return absl::StrCat(value);
  if (type.bits < 64) value |= ~((uint64_t{1} << type.bits) - 1);
  return absl::StrCat(static_cast<int64_t>(value));
}

void RepairCondition(const std::string& call, v1::Condition* condition, ByteSource* source) {
  if (!FindArgument(call, condition->arg(), NativeArchitecture()).ok()) condition->set_arg(0);
  const absl::StatusOr<ArgumentType> type =
      FindArgument(call, condition->arg(), NativeArchitecture());
  if (!type.ok() || source->Below(4) == 3) return;
  const std::string value = ValueFor(*type, source);
  switch (condition->comparison_case()) {
    case v1::Condition::kNotEquals:
      return condition->set_not_equals(value);
    case v1::Condition::kLessThan:
      return condition->set_less_than(value);
    case v1::Condition::kAtMost:
      return condition->set_at_most(value);
    case v1::Condition::kGreaterThan:
      return condition->set_greater_than(value);
    case v1::Condition::kAtLeast:
      return condition->set_at_least(value);
    case v1::Condition::kMaskedEquals:  // a value within its mask
      return condition->mutable_masked_equals()->set_value(
          source->Below(2) == 0 ? "0" : condition->masked_equals().mask());
    case v1::Condition::kAnyOf:
      return condition->mutable_any_of()->add_value(value);
    default:
      return condition->set_equals(value);
  }
}

void RepairSeccomp(v1::Seccomp* seccomp, ByteSource* source) {
  for (const absl::string_view group : {"stdio", "exec"}) {
    if (source->Below(8) != 7) seccomp->add_allow(std::string(group));
  }
  Filter(seccomp->mutable_kill(), [&](const std::string& group) {
    const auto& allow = seccomp->allow();
    return std::find(allow.begin(), allow.end(), group) == allow.end();
  });
  if (seccomp->default_action() == v1::Seccomp::NOTIFY) seccomp->clear_default_action();
  const bool fails = seccomp->default_action() == v1::Seccomp::ERRNO ||
                     seccomp->default_action() == v1::Seccomp::ACTION_UNSPECIFIED;
  if (!fails) seccomp->clear_default_errno();
  std::set<std::string> decided;
  for (v1::Rule& rule : *seccomp->mutable_rule()) {
    if (rule.action() == v1::Seccomp::ACTION_UNSPECIFIED) rule.set_action(v1::Seccomp::ALLOW);
    const bool has_errno =
        rule.action() == v1::Seccomp::ERRNO || rule.action() == v1::Seccomp::NOTIFY;
    if (!has_errno) rule.clear_errno_name();
    if (rule.when_size() > 0 && rule.calls_size() > 1) {
      rule.mutable_calls()->DeleteSubrange(1, rule.calls_size() - 1);
    }
    const bool alternative = rule.when_size() > 0 && source->Below(4) == 1;
    Filter(rule.mutable_calls(),
           [&](const std::string& call) { return decided.insert(call).second || alternative; });
    if (rule.calls().empty()) continue;
    for (v1::Condition& condition : *rule.mutable_when()) {
      RepairCondition(rule.calls(0), &condition, source);
    }
  }
  Filter(seccomp->mutable_rule(), [](const v1::Rule& rule) { return !rule.calls().empty(); });
}

// File rules of paths that the mounts show.
void RepairLandlock(const v1::Mounts& mounts, v1::Landlock* landlock, ByteSource* source) {
  std::set<std::string> taken;
  Filter(landlock->mutable_file(), [&](v1::FileRule& file) {
    if (file.access() == v1::FileRule::ACCESS_UNSPECIFIED) file.set_access(v1::FileRule::READ);
    if (mounts.bind_size() > 0) {
      const v1::Bind& bind = mounts.bind(static_cast<int>(source->Below(4)) % mounts.bind_size());
      file.set_path(bind.target().empty() ? bind.source() : bind.target());
      if (source->Below(2) == 1) file.mutable_path()->append("/below");
    } else if (mounts.tmpfs_size() > 0) {
      file.set_path(mounts.tmpfs(0).target());
    } else {
      return false;
    }
    return Claim(file.path(), &taken);
  });
}

void Repair(v1::Policy* policy, ByteSource* source) {
  if (policy->has_mounts()) RepairMounts(policy->mutable_mounts());
  if (policy->has_landlock()) {
    RepairLandlock(policy->mounts(), policy->mutable_landlock(), source);
  }
  RepairSeccomp(policy->mutable_seccomp(), source);
  std::set<std::string> names;
  Filter(policy->mutable_environment(),
         [&](const v1::Variable& variable) { return names.insert(variable.name()).second; });
  std::set<std::string> ids;
  Filter(policy->mutable_accept_lint(),
         [&](const v1::AcceptedLint& accepted) { return ids.insert(accepted.id()).second; });
  std::set<std::string> devices;
  if (policy->has_cgroup()) {
    Filter(policy->mutable_cgroup()->mutable_io(), [&](v1::IoLimit& io) {
      if (!io.has_read_bytes_per_second()) io.set_read_operations_per_second(100);
      return devices.insert(io.device()).second;
    });
  }
}

}  // namespace

v1::Policy PolicyFrom(ByteSource* source) {
  v1::Policy policy;
  const bool as_it_comes = source->Below(16) == 15;
  const bool stands_alone = source->Below(4) != 3;
  const bool has_ceiling = source->Below(8) == 7;
  if (source->empty()) return policy;
  Fill(&policy, source);
  if (stands_alone) policy.clear_extends();
  if (!has_ceiling) policy.clear_ceiling();
  if (!as_it_comes) Repair(&policy, source);
  return policy;
}

}  // namespace cordon::fuzz
