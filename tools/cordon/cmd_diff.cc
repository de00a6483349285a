// SPDX-License-Identifier: Apache-2.0
// `cordon diff A B`: what a job under B may do and one under A may not. A gate for changes of
// policies: exit 0 when there is nothing, 1 when there is something, 125 when it cannot be said.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/compare.h"
#include "policy/proto/diff.pb.h"
#include "sandbox/api/json_text.h"
#include "sandbox/api/policy_source.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {
namespace {

absl::StatusOr<v1::DiffReport> Compare(const std::string& before, const std::string& after) {
  v1::DiffReport report;
  report.set_before(before);
  report.set_after(after);
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy_a, LoadPolicy(before));
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy_b, LoadPolicy(after));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan_a, CompileForAnyHost(policy_a));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan_b, CompileForAnyHost(policy_b));
  CORDON_ASSIGN_OR_RETURN(const std::vector<Widening> widened,
                          Widened(plan_a.proto(), plan_b.proto(), NativeArchitecture()));
  for (const Widening& each : widened) {
    v1::Widening& line = *report.add_widening();
    line.set_layer(each.layer);
    line.set_what(each.what);
    line.set_field(each.field);
    line.set_source(policy_b.places().Find(each.field));
  }
  return report;
}

void PrintText(const v1::DiffReport& report) {
  const std::string before = EscapeForPeople(report.before());
  const std::string after = EscapeForPeople(report.after());
  if (report.widening().empty()) {
    std::printf("%s allows nothing that %s does not\n", after.c_str(), before.c_str());
    return;
  }
  std::printf("%s allows more than %s:\n", after.c_str(), before.c_str());
  for (const v1::Widening& each : report.widening()) {
    std::string place;
    if (!each.field().empty()) {
      place = absl::StrCat("  [", each.field(),
                           each.source().empty() ? "" : absl::StrCat(", ", each.source()), "]");
    }
    std::printf("  %-8s %s%s\n", each.layer().c_str(), each.what().c_str(), place.c_str());
  }
}

}  // namespace

int Diff(const std::string& before, const std::string& after, bool json) {
  const absl::StatusOr<v1::DiffReport> report = Compare(before, after);
  if (!report.ok()) {
    PrintErrors(report.status());
    return kExitCordon;
  }
  if (json) {
    std::printf("%s", JsonText(*report).c_str());
  } else {
    PrintText(*report);
  }
  return report->widening().empty() ? 0 : kExitWidened;
}

}  // namespace cordon::cli
