// SPDX-License-Identifier: Apache-2.0
// The sections that need no file of their own: the summary, the walls, the identity.
#include "policy/explain.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/explain_calls.h"
#include "policy/explain_files.h"
#include "policy/explain_landlock.h"
#include "policy/explain_limits.h"
#include "policy/explain_section.h"

namespace cordon {
namespace {

using Entry = v1::MountEntry;

std::string Shown(absl::string_view text) { return EscapeForPeople(text); }

std::string PathsOf(const v1::Plan& plan, bool (*wanted)(const Entry&)) {
  std::vector<std::string> paths;
  for (const Entry& entry : plan.mount().entry()) {
    if (wanted(entry)) paths.push_back(Shown(entry.target()));
  }
  return absl::StrJoin(paths, ", ");
}

std::string WriteText(const v1::Plan& plan) {
  const std::string kept = PathsOf(
      plan, [](const Entry& entry) { return entry.kind() == Entry::BIND && !entry.read_only(); });
  const std::string gone = PathsOf(
      plan, [](const Entry& entry) { return entry.kind() == Entry::TMPFS && !entry.read_only(); });
  if (kept.empty() && gone.empty()) return "nothing but its output";
  return absl::StrCat(kept.empty() ? "" : absl::StrCat(kept, " (kept on the host)"),
                      kept.empty() || gone.empty() ? "" : "; ",
                      gone.empty() ? "" : absl::StrCat(gone, " (in memory, gone afterwards)"));
}

std::string EndText(const v1::Plan& plan) {
  std::vector<std::string> limits;
  if (plan.watch().cpu_time_ns() != kUnlimited) {
    limits.push_back(
        absl::StrCat(FormatDuration(plan.watch().cpu_time_ns()), " of processor time"));
  }
  limits.push_back(absl::StrCat(FormatDuration(plan.watch().wall_time_ns()), " on the clock"));
  if (plan.cgroup().enabled()) {
    limits.push_back(absl::StrCat(FormatSize(plan.cgroup().memory_max_bytes()), " of memory"));
  }
  return absl::StrCat("after ", absl::StrJoin(limits, ", or "), ", whichever it uses up first");
}

void ExplainSummary(const NormalPolicy& policy, const v1::Plan& plan,
                    v1::Explanation* explanation) {
  SectionWriter writer(policy, "summary", "", "In short", explanation);
  const std::string read = PathsOf(
      plan, [](const Entry& entry) { return entry.kind() == Entry::BIND && entry.read_only(); });
  writer.Row("it may read",
             read.empty() ? "nothing of the host" : absl::StrCat("the host's ", read), "");
  writer.Row("it may write", WriteText(plan), "");
  writer.Row("it may run",
             plan.cgroup().pids_max() == 1
                 ? std::string("one process")
                 : absl::StrCat("up to ", plan.cgroup().pids_max(), " processes and threads"),
             "");
  writer.Row("it reaches",
             absl::StrCat(!plan.net().own_namespace() ? "THE HOST'S NETWORK"
                          : plan.net().loopback_up()  ? "itself over loopback, no other network"
                                                      : "no network",
                          ", and no process but its own"),
             "");
  writer.Row("it is ended", EndText(plan), "");
}

void ExplainIdentity(const NormalPolicy& policy, const v1::Plan& plan,
                     v1::Explanation* explanation) {
  SectionWriter writer(policy, "identity", "", "Identity and environment", explanation);
  writer.Row("user",
             absl::StrCat("uid ", plan.userns().uid(), ", gid ", plan.userns().gid(),
                          " as it sees itself; never root on the host"),
             "identity.uid");
  writer.Row("host name", Shown(plan.namespaces().hostname()), "identity.hostname");
  if (plan.process().environment().empty()) {
    writer.Row("environment", "empty; nothing of the caller's is passed on", "");
  }
  for (int i = 0; i < plan.process().environment_size(); ++i) {
    const v1::Variable& variable = plan.process().environment(i);
    writer.Row(i == 0 ? "environment" : "",
               absl::StrCat(Shown(variable.name()), "=", Shown(variable.value())),
               IndexedField("environment", static_cast<size_t>(i)));
  }
}

std::string NetworkText(const v1::NetPlan& net) {
  if (!net.own_namespace()) return "OFF: THE HOST'S NETWORK IS SHARED";
  return absl::StrCat(net.loopback_up()
                          ? "its own: it can talk to itself over loopback, and to nobody else"
                          : "its own and empty: no interface is up, nobody can be reached",
                      WhereTheHostCan(net.enforcement()));
}

std::string AppArmorText(const v1::AppArmorPlan& plan) {
  if (plan.enforcement() == v1::OFF) return "OFF: no profile is entered";
  if (!plan.enabled()) {
    return absl::StrCat("NOT ENFORCED on this host: ", Shown(plan.unavailable_why()));
  }
  const std::string can(WhereTheHostCan(plan.enforcement()));
  switch (plan.source()) {
    case v1::AppArmorPlan::ADMINISTRATOR:
      return absl::StrCat("what the administrator's profile ", Shown(plan.name()),
                          " allows, whatever that is", can);
    case v1::AppArmorPlan::FAMILY:
      return absl::StrCat("the administrator's ", plan.name(),
                          ", one for every job: nobody may load a profile of its own here", can);
    default:
      return absl::StrCat("files, sockets, signals and tracing of this page, once more, as a ",
                          "profile of its own", can);
  }
}

void ExplainWalls(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation) {
  SectionWriter writer(policy, "walls", "", "Walls", explanation);
  writer.Row("network", NetworkText(plan.net()),
             plan.net().own_namespace() ? "network.mode" : "network.enforcement");
  writer.Row("capabilities",
             plan.caps().enabled()
                 ? absl::StrCat("none of root's rights, and no program can give it any",
                                WhereTheHostCan(plan.caps().enforcement()))
                 : std::string("OFF: THOSE OF ITS USER NAMESPACE ARE KEPT"),
             "capabilities.enforcement");
  ExplainLandlock(policy, plan.landlock(), &writer);
  writer.Row("apparmor", AppArmorText(plan.apparmor()),
             plan.apparmor().source() == v1::AppArmorPlan::ADMINISTRATOR ? "apparmor.profile"
                                                                         : "apparmor.enforcement");
  writer.Row("processes", "it sees and signals its own only; all of them end with the first", "");
  writer.Row("namespaces", "user, mount, pid, ipc, uts, cgroup: its own", "");
}

}  // namespace

v1::Explanation ExplainPlan(const NormalPolicy& policy, const CompiledPlan& plan) {
  v1::Explanation explanation;
  explanation.set_policy(Shown(policy.name()));
  explanation.set_description(Shown(policy.proto().description()));
  for (const std::string& base : policy.parsed().bases) explanation.add_bases(Shown(base));
  ExplainSummary(policy, plan.proto(), &explanation);
  ExplainFiles(policy, plan.proto(), &explanation);
  ExplainLimits(policy, plan.proto(), &explanation);
  ExplainWalls(policy, plan.proto(), &explanation);
  ExplainIdentity(policy, plan.proto(), &explanation);
  ExplainCalls(policy, plan.proto(), &explanation);
  return explanation;
}

}  // namespace cordon
