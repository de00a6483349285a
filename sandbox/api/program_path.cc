// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/program_path.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "sandbox/os/file.h"
#include "sandbox/os/trusted_path.h"

namespace cordon {
namespace {

// Where `host_path` is seen through the bind with the longest matching source; "" when nowhere.
std::string SeenThrough(const std::vector<v1::Bind>& binds, const std::string& host_path) {
  std::string best;
  size_t longest = 0;
  for (const v1::Bind& bind : binds) {
    absl::StatusOr<std::string> real = RealPath(bind.source());
    for (const std::string& source :
         {bind.source(), real.ok() ? *real : std::string(bind.source())}) {
      if (!PathIsBelow(host_path, source) || source.size() < longest) continue;
      longest = source.size();
      const std::string& target = bind.target().empty() ? bind.source() : bind.target();
      best = absl::StrCat(target, host_path.substr(source == "/" ? 0 : source.size()));
    }
  }
  return best;
}

bool InsideBind(const std::vector<v1::Bind>& binds, const std::string& inside) {
  for (const v1::Bind& bind : binds) {
    const std::string& target = bind.target().empty() ? bind.source() : bind.target();
    if (PathIsBelow(inside, target)) return true;
  }
  return false;
}

}  // namespace

absl::Status PlaceProgram(const v1::Policy& policy, v1::JobSpec* job, std::string* exec_path) {
  const std::string& command = job->argv(0);
  if (!absl::StrContains(command, "/")) return absl::OkStatus();
  std::vector<v1::Bind> binds(policy.mounts().bind().begin(), policy.mounts().bind().end());
  binds.insert(binds.end(), job->extra_bind().begin(), job->extra_bind().end());
  // What is copied in is the job's, whatever the host has at that path.
  const std::string start =
      job->working_directory().empty() ? policy.working_directory() : job->working_directory();
  const std::string inside = LexicalJoin(start.empty() ? "/" : start, command);
  for (const v1::CopyIn& copy : job->copy_in()) {
    if (PathIsBelow(inside, copy.target())) return absl::OkStatus();
  }
  const std::string host = LexicalJoin(CurrentDirectory(), command);
  *exec_path = SeenThrough(binds, host);
  if (!exec_path->empty()) return absl::OkStatus();
  // What a job before this one has left may be a link, and would choose what this one runs.
  const absl::StatusOr<TrustedPath> found = ResolveTrusted(host);
  if (!found.ok()) {
    // A path inside, or nowhere: exec will say.
    return IsRefusedLink(found.status()) ? found.status() : absl::OkStatus();
  }
  *exec_path = SeenThrough(binds, found->path);
  if (!exec_path->empty() || !found->info.IsRegular()) return absl::OkStatus();
  // Into the working directory, so that "./a.out" means the same inside; beside it when that is
  // a directory of the host, which is never written to.
  std::string directory =
      job->working_directory().empty() ? policy.working_directory() : job->working_directory();
  if (InsideBind(binds, directory)) directory = "/box";
  job->set_program_source(found->path);
  job->set_program_target(
      absl::StrCat(directory == "/" ? "" : directory, "/", LastComponent(found->path)));
  *exec_path = job->program_target();
  return absl::OkStatus();
}

}  // namespace cordon
