// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/talk_job.h"

#include <cstddef>
#include <deque>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "policy/batch/talk.h"
#include "sandbox/api/run_talk.h"
#include "sandbox/api/stdio_files.h"

namespace cordon {
namespace {

constexpr char kNothing[] = "/dev/null";

std::string Or(const std::string& path, const std::string& otherwise) {
  return path.empty() ? otherwise : path;
}

StdioPaths PathsOf(const v1::BatchJob& job, size_t index, const TalkDefaults& defaults) {
  const v1::BatchJob& one = job.sandbox(static_cast<int>(index));
  std::set<int> linked;
  for (const SandboxLink& link : LinksOf(job)) {
    if (link.from == index) linked.insert(link.stream);
  }
  StdioPaths paths;
  paths.in = Or(one.stdin(), kNothing);
  paths.out = linked.count(1) > 0 ? kNothing : Or(one.stdout(), defaults.out);
  paths.err = linked.count(2) > 0 ? kNothing : Or(one.stderr(), defaults.err);
  return paths;
}

}  // namespace

v1::Report ReportOfTalkJob(const v1::BatchJob& job, const std::vector<RunRequest>& requests,
                           const absl::Status& ready, const v1::HostFacts& facts,
                           ProfileSource& profiles, const TalkDefaults& defaults,
                           absl::Status* failure) {
  std::deque<StdioFiles> files;  // as long as the job runs
  std::vector<TalkPart> parts;
  for (size_t i = 0; i < requests.size(); ++i) {
    TalkPart part;
    part.name = job.sandbox(static_cast<int>(i)).name();
    part.policy = requests[i].policy;
    part.ready = ready;
    part.facts = &facts;
    absl::StatusOr<StdioFiles> opened = part.ready.ok()
                                            ? StdioFiles::Open(PathsOf(job, i, defaults))
                                            : absl::StatusOr<StdioFiles>(part.ready);
    part.ready.Update(opened.status());
    if (opened.ok()) {
      files.push_back(*std::move(opened));
      part.streams = files.back().streams();
    }
    part.prepare = [&, i](v1::Report* report) {
      return PrepareJob(requests[i], profiles, facts, report);
    };
    parts.push_back(std::move(part));
  }
  return ReportOfTalk(parts, LinksOf(job), DeciderOf(job), profiles, {}, failure);
}

}  // namespace cordon
