// SPDX-License-Identifier: Apache-2.0
// Bytes as a policy that is mostly valid (policy_generator.h), through everything the policy room
// does with one: the three forms agree, all violations are listed, compiling is deterministic and
// its filter answers what it means, plan files come back, and a stricter copy is found stricter.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fuzz/byte_source.h"
#include "fuzz/policy_generator.h"
#include "fuzz/policy_properties.h"
#include "fuzz/require.h"
#include "fuzz/tightening.h"
#include "policy/apparmor/profile.h"
#include "policy/base/hard_limits.h"
#include "policy/bpf/calls_diff.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/program.h"
#include "policy/ceiling.h"
#include "policy/compare.h"
#include "policy/compile.h"
#include "policy/ideal_host.h"
#include "policy/parse.h"
#include "policy/plan_file.h"
#include "policy/strictness.h"
#include "policy/uapi/uapi.h"
#include "policy/validate.h"

namespace cordon {
namespace {

using fuzz::ByteSource;
using google::protobuf::util::MessageDifferencer;

std::string Why(const absl::Status& status) {
  std::string lines;
  for (const v1::ErrorDetail& detail : DetailsOf(status)) {
    absl::StrAppend(&lines, RenderError(detail), "\n");
  }
  return lines;
}

const v1::HostFacts& Facts() {
  static const auto* const facts = new v1::HostFacts(IdealHost(NativeArchitecture()));
  return *facts;
}

std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  Require(message.SerializeToCodedStream(&coded), "a message serialises");
  coded.Trim();
  return bytes;
}

// One policy in three forms: all are read and are the same, or none is.
void CheckForms(const v1::Policy& policy) {
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(policy, &json).ok(), "a policy is JSON");
  const std::string text = ToText(policy);
  const std::string binary = policy.SerializeAsString();
  if (std::max({json.size(), text.size(), binary.size()}) > kMaxPolicyBytes) return;
  const absl::StatusOr<ParsedPolicy> from_text = ParsePolicy(text, PolicyForm::kText, "input");
  const absl::StatusOr<ParsedPolicy> from_json = ParsePolicy(json, PolicyForm::kJson, "input");
  const absl::StatusOr<ParsedPolicy> from_wire = ParsePolicy(binary, PolicyForm::kBinary, "input");
  const auto agrees = [&](const absl::StatusOr<ParsedPolicy>& other, absl::string_view form) {
    Require(other.ok() == from_text.ok(), absl::StrCat(form, " is read where text is"),
            absl::StrCat(text, "\n", Why(from_text.status()), Why(other.status())));
    if (!other.ok()) return CheckErrors(other.status());
    Require(MessageDifferencer::Equals(other->policy, from_text->policy) &&
                MessageDifferencer::Equals(other->policy, policy),
            absl::StrCat(form, " says what text says"), text);
  };
  agrees(from_json, "JSON");
  agrees(from_wire, "binary");
}

// Breaks several fields of a valid policy: each has its error.
void CheckAllAreListed(const NormalPolicy& normal, ByteSource* source) {
  ParsedPolicy broken = normal.parsed();
  v1::Policy& policy = broken.policy;
  std::vector<std::string> fields;
  const auto maybe = [&](absl::string_view field) {
    if (source->Below(2) == 0) return false;
    fields.emplace_back(field);
    return true;
  };
  if (maybe("limits.memory")) policy.mutable_limits()->set_memory("64");
  if (maybe("limits.wall_time")) policy.mutable_limits()->set_wall_time("unlimited");
  if (maybe("limits.open_files")) policy.mutable_limits()->set_open_files(7);
  if (maybe("identity.uid")) policy.mutable_identity()->set_uid(65534);
  if (maybe("identity.hostname")) policy.mutable_identity()->set_hostname("a b");
  if (maybe("working_directory")) policy.set_working_directory("relative");
  if (maybe("cgroup.cpuset_cpus")) policy.mutable_cgroup()->set_cpuset_cpus("2-1");
  for (int i = 0; i < policy.mounts().bind_size(); ++i) {
    if (maybe(absl::StrCat("mounts.bind[", i, "].source"))) {
      policy.mutable_mounts()->mutable_bind(i)->set_source("/proc/1");
    }
  }
  for (int i = 0; i < policy.seccomp().rule_size(); ++i) {
    if (maybe(absl::StrCat("seccomp.rule[", i, "].action"))) {
      policy.mutable_seccomp()->mutable_rule(i)->clear_action();
      policy.mutable_seccomp()->mutable_rule(i)->clear_errno_name();
    }
  }
  const absl::Status status = ValidatePolicy(broken);
  Require(status.ok() == fields.empty(), "what was broken is an error", ToText(policy));
  if (status.ok()) return;
  CheckErrors(status);
  const std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (const std::string& field : fields) {
    Require(std::any_of(details.begin(), details.end(),
                        [&](const v1::ErrorDetail& each) { return each.policy_field() == field; }),
            absl::StrCat("every violation is listed: ", field), Why(status));
  }
}

CallSample SomeCall(const v1::SeccompRules& rules, ByteSource* source) {
  CallSample call;
  call.architecture =
      source->Below(16) == 15 ? source->Byte() : AuditArchitecture(NativeArchitecture());
  const uint32_t which = source->Below(256) * 256 + source->Byte();
  const bool of_a_rule = rules.rule_size() > 0 && source->Below(4) != 3;
  call.number =
      of_a_rule ? rules.rule(static_cast<int>(which) % rules.rule_size()).number() : which % 600;
  if (source->Below(16) == 15) call.number |= uapi::kX32Bit;
  for (uint64_t& arg : call.args) arg = source->Value() + source->Below(3) - 1;
  if (!of_a_rule || source->Below(2) == 0) return call;
  // Near what the rule asks for.
  for (const v1::ArgCompare& when :
       rules.rule(static_cast<int>(which) % rules.rule_size()).when()) {
    if (when.arg() < call.args.size()) call.args[when.arg()] = when.value() ^ source->Below(2);
  }
  return call;
}

// The filter was proven; the interpreter has to agree on any call.
void CheckFilter(const v1::SeccompPlan& plan, ByteSource* source) {
  if (plan.enforcement() == v1::OFF) return;
  const absl::StatusOr<BpfProgram> program = BpfProgram::Make(plan.filter());
  Require(program.ok(), "a filter that was proven is a program");
  const v1::SeccompRules meant = plan.named_kill() ? WithNamedKills(plan.rules()) : plan.rules();
  for (int i = 0; i < 8; ++i) {
    const CallSample call = SomeCall(plan.rules(), source);
    Require(Evaluate(*program, call) == MeaningOf(meant, NativeArchitecture(), call),
            "a filter answers what its rules mean", meant.DebugString());
  }
}

void CheckPlanFile(const NormalPolicy& policy, const CompiledPlan& plan, PolicyForm form) {
  const absl::StatusOr<std::string> bytes = EncodePlanFile(policy, plan, "0.1", form);
  Require(bytes.ok(), "a plan is written", Why(bytes.status()));
  const absl::StatusOr<v1::PlanFile> file = DecodePlanFile(*bytes, form, "plan");
  Require(file.ok(), "a plan file is read", Why(file.status()));
  const absl::StatusOr<PlanFromFile> made = CompilePlanFile(*file, Facts(), "plan");
  Require(made.ok(), "a plan file compiles to itself", Why(made.status()));
  Require(Bytes(made->plan.proto()) == Bytes(plan.proto()), "a plan file holds its plan");
  const absl::StatusOr<std::string> again = EncodePlanFile(made->policy, made->plan, "0.1", form);
  Require(again.ok() && *again == *bytes, "a plan file has one form");
}

std::string Sentences(const std::vector<Widening>& widened) {
  std::string text;
  for (const Widening& each : widened) {
    absl::StrAppend(&text, each.layer, ": ", each.what, " (", each.field, ")\n");
  }
  return text;
}

std::vector<Widening> Compared(const CompiledPlan& before, const CompiledPlan& after) {
  const auto widened = Widened(before.proto(), after.proto(), NativeArchitecture());
  Require(widened.ok(), "plans can be compared", Why(widened.status()));
  return *widened;
}

// A limit that became lower is noticed in the other direction.
void CheckLoosening(const CompiledPlan& loose, const CompiledPlan& tight) {
  const v1::CgroupPlan& a = loose.proto().cgroup();
  const v1::CgroupPlan& b = tight.proto().cgroup();
  const bool grouped = a.enforcement() != v1::OFF && b.enforcement() != v1::OFF;
  const bool lower =
      loose.proto().watch().wall_time_ns() > tight.proto().watch().wall_time_ns() ||
      loose.proto().watch().cpu_time_ns() > tight.proto().watch().cpu_time_ns() ||
      loose.proto().watch().output_bytes() > tight.proto().watch().output_bytes() ||
      loose.proto().watch().idle_time_ns() > tight.proto().watch().idle_time_ns() ||
      loose.proto().watch().out().bytes() > tight.proto().watch().out().bytes() ||
      (grouped && (a.memory_max_bytes() > b.memory_max_bytes() || a.pids_max() > b.pids_max() ||
                   a.swap_max_bytes() > b.swap_max_bytes()));
  if (!lower) return;
  Require(!Compared(tight, loose).empty(), "a limit that is higher widens",
          loose.proto().DebugString() + tight.proto().DebugString());
}

// The ceiling is the policy that the copy was made of.
void CheckCeiling(const NormalPolicy& loose, const v1::Policy& tight) {
  const std::string text = ToText(loose.proto());
  if (text.size() > kMaxPolicyBytes) return;
  ParsedPolicy copy;
  copy.name = "tight";
  copy.policy = tight;
  copy.policy.clear_ceiling();
  copy.policy.add_ceiling("input");
  const absl::StatusOr<NormalPolicy> normal = NormalPolicy::Make(std::move(copy));
  Require(normal.ok(), "a ceiling changes no validity");
  FuzzSource source(text);
  const absl::Status held = HoldCeilings(*normal, source);
  Require(held.ok(), "a stricter copy keeps to its ceiling",
          absl::StrCat(text, "\n", ToText(tight), "\n", Why(held)));
}

void CheckTightening(const NormalPolicy& policy, const CompiledPlan& plan, ByteSource* source) {
  ParsedPolicy copy = policy.parsed();
  fuzz::TightenSome(source, &copy.policy);
  const absl::StatusOr<NormalPolicy> normal = NormalPolicy::Make(std::move(copy));
  Require(normal.ok(), "a stricter copy is valid", Why(normal.status()));
  const absl::StatusOr<CompiledPlan> tight = CompiledPlan::Make(*normal, Facts());
  // A file rule may want more than its mount now gives, or the filter let no job start.
  if (!tight.ok()) return CheckErrors(tight.status());
  const std::vector<Widening> widened = Compared(plan, *tight);
  Require(widened.empty(), "a stricter copy allows nothing more",
          absl::StrCat(ToText(policy.proto()), "\n", ToText(normal->proto()), "\n",
                       Sentences(widened)));
  CheckLoosening(plan, *tight);
  if (LimitsAtMost(normal->proto().limits(), policy.proto().limits())) {
    v1::Limits limits = policy.proto().limits();
    v1::Limits wanted = normal->proto().limits();
    wanted.clear_enforcement();
    const absl::Status lowered = TightenLimits(wanted, "input", &limits);
    Require(lowered.ok(), "lower limits are tighter", Why(lowered));
  } else {
    Require(false, "lower limits are at most the higher ones");
  }
  if (source->Below(8) == 1) CheckCeiling(policy, normal->proto());
  if (plan.proto().seccomp().enforcement() == v1::OFF) return;
  for (int i = 0; i < 8; ++i) {
    const CallSample call = SomeCall(plan.proto().seccomp().rules(), source);
    const auto answer = [&](const CompiledPlan& each) {
      return AnswerOf(MeaningOf(each.proto().seccomp().rules(), NativeArchitecture(), call));
    };
    Require(answer(*tight) <= answer(plan), "a stricter copy lets no other call pass",
            absl::StrCat(ToText(policy.proto()), "\n", ToText(normal->proto())));
  }
}

// An AppArmor profile is made or refused with reasons.
void CheckAppArmor(const CompiledPlan& plan) {
  for (const AppArmorAbi abi : {AppArmorAbi::k3_0, AppArmorAbi::k4_0}) {
    const auto profile = CompileAppArmorProfile(plan.proto(), "fuzz", abi);
    if (!profile.ok()) CheckErrors(profile.status());
  }
}

void CheckCompiling(const NormalPolicy& policy, ByteSource* source) {
  const absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(policy, Facts());
  const absl::StatusOr<CompiledPlan> again = CompiledPlan::Make(policy, Facts());
  Require(plan.ok() == again.ok(), "compiling is deterministic");
  if (!plan.ok()) {
    Require(Why(plan.status()) == Why(again.status()), "errors are deterministic");
    return CheckErrors(plan.status());
  }
  Require(Bytes(plan->proto()) == Bytes(again->proto()), "compiling gives the same bytes");
  CheckFilter(plan->proto().seccomp(), source);
  CheckAppArmor(*plan);
  const std::vector<Widening> widened = Compared(*plan, *plan);
  Require(widened.empty(), "a policy allows no more than itself",
          absl::StrCat(ToText(policy.proto()), "\n", Sentences(widened)));
  CheckTightening(policy, *plan, source);
  // One form a time: each compiles again, which is the slowest thing here.
  constexpr PolicyForm kForms[] = {PolicyForm::kBinary, PolicyForm::kText, PolicyForm::kJson};
  CheckPlanFile(policy, *plan, kForms[source->Below(3)]);
}

}  // namespace
}  // namespace cordon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cordon::fuzz::ByteSource source(data, size);
  const cordon::v1::Policy policy = cordon::fuzz::PolicyFrom(&source);
  cordon::CheckForms(policy);
  const std::string text = cordon::ToText(policy);
  if (text.size() > cordon::kMaxPolicyBytes) return 0;
  cordon::CheckPipeline(text);
  cordon::FuzzSource files(text);
  absl::StatusOr<cordon::ParsedPolicy> resolved =
      cordon::ResolvePolicy("input", "/policies", files);
  if (!resolved.ok()) return 0;
  const auto normal = cordon::NormalPolicy::Make(*std::move(resolved));
  if (!normal.ok()) return 0;
  cordon::CheckAllAreListed(*normal, &source);
  cordon::CheckCompiling(*normal, &source);
  if (text.size() % 4 == 0) cordon::CheckAdvice(text);  // slow, and has a target of its own
  return 0;
}
