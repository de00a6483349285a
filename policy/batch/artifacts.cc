// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/artifacts.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/job_files.h"

namespace cordon {
namespace {

// Each artifact that a job names, with its field.
struct Named {
  std::string field;
  std::string artifact;
};

void AddNamed(const v1::BatchJob& job, absl::string_view path, std::vector<Named>* named) {
  const auto field = [&](const char* list, int index) {
    const std::string at = IndexedField(ChildField(path, list), static_cast<size_t>(index));
    return ChildField(at, "artifact");
  };
  for (int i = 0; i < job.copy_in_size(); ++i) {
    if (!job.copy_in(i).has_artifact()) continue;
    named->push_back({field("copy_in", i), job.copy_in(i).artifact()});
  }
  for (int i = 0; i < job.bind_artifact_size(); ++i) {
    named->push_back({field("bind_artifact", i), job.bind_artifact(i).artifact()});
  }
}

std::vector<Named> NamedBy(const v1::BatchJob& job) {
  std::vector<Named> named;
  AddNamed(job, "", &named);
  for (int i = 0; i < job.sandbox_size(); ++i) {
    AddNamed(job.sandbox(i), IndexedField("sandbox", static_cast<size_t>(i)), &named);
  }
  return named;
}

bool TakesStored(const v1::BatchJob& job) {
  for (const v1::CopyIn& entry : job.copy_in()) {
    if (entry.has_stored()) return true;
  }
  return std::any_of(job.sandbox().begin(), job.sandbox().end(), TakesStored);
}

// What is wrong with a name; "" when nothing is.
std::string WhyUnknown(const BatchTask& task,
                       const std::function<std::vector<std::string>(size_t n)>& left_by,
                       const std::string& text) {
  const absl::StatusOr<ArtifactName> name = ParseArtifactName(text);
  if (!name.ok()) return std::string(name.status().message());
  for (int i = 0; i < task.job.after_size(); ++i) {
    if (task.job.after(i) != name->job) continue;
    const std::vector<std::string> left = left_by(static_cast<size_t>(i));
    if (std::find(left.begin(), left.end(), name->name) != left.end()) return "";
    return absl::StrCat("the job \"", name->job, "\" has no copy_out with the artifact \"",
                        name->name, "\"");
  }
  return absl::StrCat("\"", EscapeForPeople(name->job), "\" is not in `after` of this job");
}

struct Object {
  std::string below;  // path in a folder; empty: the artifact itself
  std::string sha256;
};

absl::StatusOr<std::vector<Object>> ObjectsOf(
    const std::string& text,
    const std::function<const v1::Report*(const std::string&)>& report_of) {
  CORDON_ASSIGN_OR_RETURN(const ArtifactName name, ParseArtifactName(text));
  const std::string wanted =
      name.path.empty() ? name.name : absl::StrCat(name.name, "/", name.path);
  std::vector<Object> objects;
  const v1::Report* report = report_of(name.job);
  if (report != nullptr) {
    for (const v1::Collected& row : report->collected()) {
      if (row.artifact() == wanted) return std::vector<Object>{{"", row.sha256()}};
      if (!absl::StartsWith(row.artifact(), wanted + "/")) continue;
      objects.push_back({row.artifact().substr(wanted.size() + 1), row.sha256()});
    }
  }
  if (!objects.empty()) return objects;
  return Error(absl::StatusCode::kNotFound,
               absl::StrCat("the job \"", EscapeForPeople(name.job), "\" has left no artifact \"",
                            EscapeForPeople(wanted), "\""))
      .Stage("prepare");
}

absl::Status At(absl::string_view list, int index, const absl::Status& status) {
  std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (v1::ErrorDetail& detail : details) {
    detail.set_policy_field(IndexedField(list, static_cast<size_t>(index)));
  }
  return ErrorFromDetails(status.code(), details);
}

}  // namespace

std::vector<std::string> ArtifactsOf(const v1::BatchJob& job) {
  std::vector<std::string> names;
  for (const v1::CopyOut& entry : job.copy_out()) {
    if (!entry.artifact().empty()) names.push_back(entry.artifact());
  }
  for (const v1::BatchJob& one : job.sandbox()) {
    for (std::string& name : ArtifactsOf(one)) names.push_back(std::move(name));
  }
  return names;
}

void CheckArtifacts(const BatchTask& task,
                    const std::function<std::vector<std::string>(size_t n)>& left_by,
                    std::vector<v1::ErrorDetail>* errors) {
  for (const Named& named : NamedBy(task.job)) {
    const std::string why = WhyUnknown(task, left_by, named.artifact);
    if (!why.empty()) errors->push_back(JobComplaint(task, named.field, why));
  }
}

bool UsesArtifacts(const v1::BatchJob& job) {
  return !NamedBy(job).empty() || !ArtifactsOf(job).empty() || TakesStored(job);
}

absl::Status ResolveArtifacts(
    const v1::BatchJob& job, absl::string_view store,
    const std::function<const v1::Report*(const std::string& job)>& report_of, v1::JobSpec* spec) {
  v1::JobSpec before;
  before.mutable_copy_in()->Swap(spec->mutable_copy_in());
  for (int i = 0; i < before.copy_in_size(); ++i) {
    const v1::CopyIn& entry = before.copy_in(i);
    if (!entry.has_artifact()) {
      *spec->add_copy_in() = entry;
      continue;
    }
    const absl::StatusOr<std::vector<Object>> objects = ObjectsOf(entry.artifact(), report_of);
    if (!objects.ok()) return At("copy_in", i, objects.status());
    for (const Object& object : *objects) {
      v1::CopyIn* added = spec->add_copy_in();
      *added = entry;
      added->set_stored(object.sha256);
      if (!object.below.empty()) {
        added->set_target(absl::StrCat(entry.target(), "/", object.below));
      }
    }
  }
  for (int i = 0; i < job.bind_artifact_size(); ++i) {
    const v1::BindArtifact& entry = job.bind_artifact(i);
    absl::StatusOr<std::vector<Object>> objects = ObjectsOf(entry.artifact(), report_of);
    if (objects.ok() && !(*objects)[0].below.empty()) {
      const absl::Status folder = Error(absl::StatusCode::kInvalidArgument,
                                        "a folder of artifacts cannot be bound, only copied in");
      objects = folder;
    }
    if (!objects.ok()) return At("bind_artifact", i, objects.status());
    v1::Bind* bind = spec->add_extra_bind();
    bind->set_source(absl::StrCat(store, "/", (*objects)[0].sha256));
    bind->set_target(entry.target());
    bind->set_read_only(true);
    bind->set_executable(!entry.has_executable() || entry.executable());
  }
  return absl::OkStatus();
}

}  // namespace cordon
