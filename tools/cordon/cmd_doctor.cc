// SPDX-License-Identifier: Apache-2.0
// `cordon doctor`: real jobs under three shipped profiles, and what they say about each layer of
// this host; with the line to type for what is missing.
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/layers/layer.h"
#include "sandbox/api/json_text.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/host/probe.h"
#include "sandbox/host/scope.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/doctor_rows.h"

namespace cordon::cli {
namespace {

// The default of `cordon run`, and the profiles of the two uses that ask most of a host.
constexpr const char* kTrialPolicies[] = {"base/strict", "judge/cpp", "ci/cmake"};
constexpr char kPayload[] = "/usr/bin/true";

// The block of a policy in which a layer's enforcement stands; "" for one that is never left out.
std::string BlockOf(const std::string& layer) {
  if (layer == "rlimit") return "limits";
  if (layer == "caps") return "capabilities";
  if (layer == "net") return "network";
  for (const char* same : {"cgroup", "landlock", "seccomp", "apparmor"}) {
    if (layer == same) return same;
  }
  return "";
}

// The shipped profiles, and one text of our own.
class TrialSource : public PolicySource {
 public:
  explicit TrialSource(std::string text) : text_(std::move(text)) {}
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override {
    if (reference != "trial") return PolicySource::Load(reference, directory);
    return PolicyBytes{"trial", text_, PolicyForm::kText, ""};
  }

 private:
  std::string text_;
};

v1::Report RunTrial(const std::string& policy_text) {
  RunOptions options;
  options.policy = "trial";
  options.in = options.out = options.err = "/dev/null";
  options.command = {kPayload};
  TrialSource source(policy_text);
  return RunForReport(options, source);
}

Trial Try(const std::string& policy) {
  const std::string base = absl::StrCat("extends: \"", policy, "\"\n");
  Trial trial{policy, RunTrial(base), {}};
  trial.report.set_policy(policy);
  if (trial.Ran()) return trial;
  std::string text = base;
  for (const std::string& layer : FailedLayers(trial.report)) {
    const std::string block = BlockOf(layer);
    if (!block.empty()) absl::StrAppend(&text, block, " { enforcement: IF_AVAILABLE }\n");
  }
  if (text != base) trial.without = RunTrial(text);
  return trial;
}

struct Findings {
  v1::HostFacts facts;
  std::vector<Trial> trials;
  std::vector<LayerRow> rows;
  bool full = true;  // every trial ran
};

absl::StatusOr<Findings> Examine() {
  Findings found;
  const absl::Status scope = EnterOwnScope();
  CORDON_ASSIGN_OR_RETURN(found.facts, ProbeHostThoroughly());
  ExplainScope(scope, &found.facts);
  for (const char* policy : kTrialPolicies) {
    found.trials.push_back(Try(policy));
    found.full = found.full && found.trials.back().Ran();
  }
  std::vector<std::string> names;
  for (const LayerCompiler& layer : LayerTable()) names.emplace_back(layer.name);
  found.rows = RowsOf(names, found.trials, found.facts);
  return found;
}

std::string OutcomeOf(const Trial& trial) {
  if (trial.Ran()) return "ran in full";
  if (trial.report.has_error()) {
    v1::ErrorDetail error = trial.report.error();
    error.clear_hint();  // the rows say what to do
    return RenderError(error);
  }
  return absl::StrCat("ended with ", v1::Verdict_Name(trial.report.verdict()));
}

// What the host lacks for a part of the policies that no trial asks for, each once.
std::vector<std::string> NotesOf(const Findings& found) {
  std::vector<std::string> notes;
  std::string lacking;
  for (const char* name : {"memory", "pids", "cpu", "cpuset", "io"}) {
    const auto& offered = found.facts.cgroup_controllers();
    if (std::find(offered.begin(), offered.end(), name) == offered.end()) {
      absl::StrAppend(&lacking, lacking.empty() ? "" : ", ", name);
    }
  }
  if (!lacking.empty() && found.full) {
    notes.push_back(absl::StrCat("policies cannot use the cgroup controllers ", lacking,
                                 " here: ", found.facts.cgroup_why()));
  }
  for (const LayerRow& row : found.rows) {
    if (!row.available && found.full) {
      notes.push_back(
          absl::StrCat("the shipped profiles do without ", row.layer, " here: ", row.todo));
    }
    if (row.layer == "userns" && row.engaged && !row.detail.empty()) {
      notes.push_back(absl::StrCat("a job ", row.detail));
    }
  }
  return notes;
}

const char* Word(bool value) { return value ? "yes" : "no"; }

void PrintText(const Findings& found) {
  std::printf("kernel %s, %s, %s\n", found.facts.kernel_release().c_str(),
              found.facts.architecture().c_str(),
              found.facts.privileged() ? "root" : "unprivileged");
  std::printf("  %-11s %-10s %-8s %-9s %s\n", "layer", "available", "engaged", "verified", "by");
  for (const LayerRow& row : found.rows) {
    std::printf("  %-11s %-10s %-8s %-9s %s\n", row.layer.c_str(), Word(row.available),
                Word(row.engaged), Word(row.verified),
                row.engaged ? row.confirmed_by.c_str() : row.detail.c_str());
  }
  std::vector<std::string> said;
  for (const LayerRow& row : found.rows) {
    if (row.todo.empty() || std::find(said.begin(), said.end(), row.todo) != said.end()) continue;
    said.push_back(row.todo);
    std::printf("to do for %s: %s\n", row.layer.c_str(), row.todo.c_str());
  }
  for (const std::string& note : NotesOf(found)) std::printf("note: %s\n", note.c_str());
  for (const Trial& trial : found.trials) {
    std::printf("trial job under %s: %s\n", trial.policy.c_str(), OutcomeOf(trial).c_str());
  }
  std::printf("%s\n", found.full ? "the default profiles run in full here"
                                 : "the default profiles do NOT run in full here");
}

using google::protobuf::ListValue;
using google::protobuf::Struct;

Struct* AddRow(ListValue* list) { return list->add_values()->mutable_struct_value(); }
void Set(Struct* row, const char* name, const std::string& value) {
  (*row->mutable_fields())[name].set_string_value(value);
}
void Set(Struct* row, const char* name, bool value) {
  (*row->mutable_fields())[name].set_bool_value(value);
}

void PrintJson(const Findings& found) {
  Struct all;
  Set(&all, "trial", found.full);
  ListValue* layers = (*all.mutable_fields())["layers"].mutable_list_value();
  for (const LayerRow& each : found.rows) {
    Struct* row = AddRow(layers);
    Set(row, "layer", each.layer);
    Set(row, "available", each.available);
    Set(row, "engaged", each.engaged);
    Set(row, "verified", each.verified);
    Set(row, "state", each.state);
    Set(row, "confirmed_by", each.confirmed_by);
    Set(row, "detail", each.detail);
    Set(row, "todo", each.todo);
  }
  ListValue* trials = (*all.mutable_fields())["trials"].mutable_list_value();
  for (const Trial& each : found.trials) {
    Struct* row = AddRow(trials);
    Set(row, "policy", each.policy);
    Set(row, "ran", each.Ran());
    Set(row, "outcome", OutcomeOf(each));
  }
  ListValue* notes = (*all.mutable_fields())["notes"].mutable_list_value();
  for (const std::string& note : NotesOf(found)) notes->add_values()->set_string_value(note);
  const std::string rest = JsonText(all);
  // Two objects as one: the facts keep the names of their schema.
  std::printf("{\"facts\": %s, %s", JsonText(found.facts).c_str(), rest.substr(1).c_str());
}

}  // namespace

int Doctor(bool json) {
  const absl::StatusOr<Findings> found = Examine();
  if (!found.ok()) {
    PrintErrors(found.status());
    return kExitCordon;
  }
  if (json) {
    PrintJson(*found);
  } else {
    PrintText(*found);
  }
  return found->full ? 0 : 1;
}

}  // namespace cordon::cli
