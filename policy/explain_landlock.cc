// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_landlock.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

std::string LandlockText(const v1::LandlockPlan& plan) {
  if (plan.enforcement() == v1::OFF) return "OFF: the mounts stand alone";
  if (!plan.enabled()) {
    return absl::StrCat("NOT ENFORCED on this host: ", EscapeForPeople(plan.unavailable_why()));
  }
  std::vector<absl::string_view> parts = {"what the mounts allow, once more"};
  if (plan.handled_net() != 0) parts.push_back("no TCP");
  if (plan.scoped() != 0) parts.push_back("no signals and abstract sockets beyond the job");
  return absl::StrCat(absl::StrJoin(parts, "; "), WhereTheHostCan(plan.enforcement()),
                      plan.missing().empty() ? "" : "; this kernel cannot guard: ",
                      absl::StrJoin(plan.missing(), ", "));
}

absl::string_view AccessText(v1::FileRule::Access access) {
  switch (access) {
    case v1::FileRule::READ:
      return "may only be read";
    case v1::FileRule::EXECUTE:
      return "may only be read and executed";
    default:
      return "may be used as its mount allows";
  }
}

}  // namespace

void ExplainLandlock(const NormalPolicy& policy, const v1::LandlockPlan& plan,
                     SectionWriter* writer) {
  writer->Row("landlock", LandlockText(plan), "landlock.enforcement");
  const v1::Landlock& landlock = policy.proto().landlock();
  for (int i = 0; i < landlock.file_size(); ++i) {
    const v1::FileRule& file = landlock.file(i);
    writer->Row(EscapeForPeople(file.path()),
                absl::StrCat(plan.enabled() ? "" : "NOT ENFORCED: ", AccessText(file.access())),
                IndexedField("landlock.file", static_cast<size_t>(i)));
  }
}

}  // namespace cordon
