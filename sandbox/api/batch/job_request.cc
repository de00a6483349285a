// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/job_request.h"

#include "policy/base/path.h"
#include "policy/job_watch.h"
#include "sandbox/os/file.h"

namespace cordon {

RunRequest RequestOf(const v1::BatchJob& job) {
  RunRequest request;
  request.policy = job.policy();
  *request.job.mutable_argv() = job.argv();
  *request.job.mutable_environment() = job.environment();
  request.job.set_working_directory(job.working_directory());
  *request.job.mutable_limits() = job.limits();
  CopyWatch(job, &request.job);
  for (const v1::Bind& bind : job.bind()) {
    v1::Bind* added = request.job.add_extra_bind();
    *added = bind;
    added->set_source(LexicalJoin(CurrentDirectory(), bind.source()));
  }
  *request.job.mutable_copy_in() = job.copy_in();
  *request.job.mutable_copy_out() = job.copy_out();
  return request;
}

std::vector<RunRequest> RequestsOf(const v1::BatchJob& job) {
  std::vector<RunRequest> requests;
  for (const v1::BatchJob& one : job.sandbox()) requests.push_back(RequestOf(one));
  if (requests.empty()) requests.push_back(RequestOf(job));
  return requests;
}

}  // namespace cordon
