// SPDX-License-Identifier: Apache-2.0
// A job whose set-up makes every operation that there is: each kind of mount and of entry,
// loopback, files that are copied in and out, a health check. Entry point: RichJob.
#ifndef CORDON_TESTS_SUPPORT_FAULTS_RICH_JOB_H_
#define CORDON_TESTS_SUPPORT_FAULTS_RICH_JOB_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "policy/proto/job.pb.h"
#include "sandbox/api/run_job.h"
#include "sandbox/files/copy_in.h"
#include "sandbox/files/copy_out.h"
#include "sandbox/os/staged_file.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"

namespace cordon {

class RichJob {
 public:
  RichJob() {
    std::ofstream(more_.path() + "/hidden") << "not for the job";
    ::chmod((more_.path() + "/hidden").c_str(), 0444);
  }

  // `out`: a folder that the job writes to, as /out.
  void Adjust(const std::string& out, JobOptions* options) const {
    absl::StrAppend(&options->mounts, "bind { source: \"", out,
                    "\" target: \"/out\" read_only: false }\n", "bind { source: \"", more_.path(),
                    "\" target: \"/more\" }\n",
                    "symlink { path: \"/link\" target: \"work\" }\n"
                    "file { path: \"/file\" content: \"of the policy\" }\n"
                    "masked: \"/more/hidden\"\n");
    options->directory = "/home/job";  // which is nowhere else, and so is made
    options->more += "network { mode: LOOPBACK }\n";
  }

  absl::Status Open(const v1::Plan& plan) {
    v1::JobSpec job;
    v1::CopyIn* file = job.add_copy_in();
    file->set_target("/work/in");
    file->set_text(kText);
    v1::CopyIn* link = job.add_copy_in();
    link->set_target("/work/link");
    link->set_link("in");
    v1::CopyOut* out = job.add_copy_out();
    out->set_path("/work/in");
    out->set_to(taken_.path() + "/out");
    CORDON_ASSIGN_OR_RETURN(in_, CopyInFiles::Gather(job.copy_in(), plan, nullptr));
    CORDON_ASSIGN_OR_RETURN(out_, CopyOutFiles::Open(job.copy_out(), nullptr));
    return absl::OkStatus();
  }

  const CopyInFiles& in() const { return in_; }
  SandboxFiles files() const { return {&in_, true}; }
  absl::Status Collect(const Sandbox& sandbox, v1::Report* report) const {
    return CollectFiles(sandbox, out_, report);
  }

  // Before each run.
  void Clear() const { ::unlink((taken_.path() + "/out").c_str()); }
  // What lies where the file was to go, but for the whole file; of a killed supervisor what the
  // next run would not remove.
  std::string Left(bool killed) const {
    const UniqueFd folder(::open(taken_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (killed) RemoveLeftStages(folder.get());
    std::string left;
    for (const std::string& name : NamesIn(taken_.path())) {
      if (name == "out" && FileText(taken_.path() + "/out") == kText) continue;
      left += "file " + name + " ";
    }
    return left;
  }
  const std::string& taken() const { return taken_.path(); }

 private:
  static constexpr char kText[] = "copied in, and out again";

  SharedFolder more_;
  SharedFolder taken_;
  CopyInFiles in_;
  CopyOutFiles out_;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_FAULTS_RICH_JOB_H_
