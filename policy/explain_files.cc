// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_files.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/explain_section.h"

namespace cordon {
namespace {

using Entry = v1::MountEntry;

std::string Shown(absl::string_view text) { return EscapeForPeople(text); }

std::string BindText(const Entry& entry) {
  return absl::StrCat(
      entry.read_only() ? "read-only: " : "WRITABLE, and changes stay: ", "the host's ",
      Shown(entry.source()), entry.optional() ? ", where it exists" : "",
      entry.no_exec() ? "; no program in it runs" : "");
}

std::string TmpfsText(const Entry& entry) {
  const std::string room =
      absl::StrCat(FormatSize(entry.size_bytes()), " and ", entry.inodes(), " files");
  if (entry.target() == "/dev/shm") {
    return absl::StrCat("writable: memory that the job's processes share, up to ", room);
  }
  return absl::StrCat(entry.read_only() ? "read-only" : "writable", ", empty at the start: up to ",
                      room, ", kept in memory and gone afterwards",
                      entry.no_exec() ? "; no program in it runs" : "; programs written there run");
}

std::string EntryText(const Entry& entry) {
  switch (entry.kind()) {
    case Entry::BIND:
      return BindText(entry);
    case Entry::TMPFS:
      return TmpfsText(entry);
    case Entry::PROC:
      return entry.process_only() ? "read-only: the job's own processes and nothing else"
                                  : "the job's own processes, and facts about the machine";
    case Entry::SYMLINK:
      return absl::StrCat("a link to ", Shown(entry.source()));
    case Entry::FILE:
      return absl::StrCat("read-only: ", entry.content().size(),
                          " bytes that the policy spells out",
                          (entry.mode() & 0111) != 0 ? "; can be executed" : "");
    case Entry::MASK:
      return "hidden";
    default:
      return "read-only: an empty directory";
  }
}

}  // namespace

void ExplainFiles(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation) {
  SectionWriter writer(policy, "files", "mount", "Files", explanation);
  writer.Introduce(
      "Nothing but these paths exists for the job. The root around them is an empty, read-only "
      "directory.");
  std::vector<std::string> devices;
  for (const Entry& entry : plan.mount().entry()) {
    if (entry.kind() == Entry::DEVICE)
      devices.push_back(std::string(LastComponent(entry.target())));
  }
  for (const Entry& entry : plan.mount().entry()) {
    // /dev, its devices and its links are one row.
    const bool of_dev = entry.field() == "mounts.dev" && entry.target() != "/dev/shm";
    if (of_dev && entry.target() != "/dev") continue;
    writer.Row(
        Shown(entry.target()),
        of_dev ? absl::StrCat("the devices ", absl::StrJoin(devices, ", ")) : EntryText(entry),
        absl::StartsWith(entry.target(), "/dev/shm") && entry.field() == "mounts.dev"
            ? "mounts.dev.shm_size"
            : entry.field());
  }
  writer.Row("starts in", Shown(plan.process().working_directory()), "working_directory");
}

}  // namespace cordon
