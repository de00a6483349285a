// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/talk.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;

// What a job of several sandboxes says itself; all else is said by each of them.
constexpr int kOfJob[] = {v1::BatchJob::kNameFieldNumber,     v1::BatchJob::kAfterFieldNumber,
                          v1::BatchJob::kExpectFieldNumber,   v1::BatchJob::kMatrixFieldNumber,
                          v1::BatchJob::kSandboxFieldNumber,  v1::BatchJob::kConnectFieldNumber,
                          v1::BatchJob::kVerdictOfFieldNumber};
constexpr int kOfSandbox[] = {v1::BatchJob::kNameFieldNumber,
                              v1::BatchJob::kPolicyFieldNumber,
                              v1::BatchJob::kArgvFieldNumber,
                              v1::BatchJob::kEnvironmentFieldNumber,
                              v1::BatchJob::kWorkingDirectoryFieldNumber,
                              v1::BatchJob::kLimitsFieldNumber,
                              v1::BatchJob::kBindFieldNumber,
                              v1::BatchJob::kStdinFieldNumber,
                              v1::BatchJob::kStdoutFieldNumber,
                              v1::BatchJob::kStderrFieldNumber,
                              v1::BatchJob::kTimelineFieldNumber,
                              v1::BatchJob::kCancelFieldNumber,
                              v1::BatchJob::kHealthCheckFieldNumber,
                              v1::BatchJob::kCopyInFieldNumber,
                              v1::BatchJob::kCopyOutFieldNumber,
                              v1::BatchJob::kBindArtifactFieldNumber};

// "grader.stdout" taken apart; names may have dots.
struct Stream {
  size_t sandbox = 0;
  int number = 0;  // 0, 1, 2
  bool operator<(const Stream& other) const {
    return std::pair(sandbox, number) < std::pair(other.sandbox, other.number);
  }
};

std::optional<size_t> Position(const v1::BatchJob& job, absl::string_view name) {
  for (int i = 0; i < job.sandbox_size(); ++i) {
    if (job.sandbox(i).name() == name) return static_cast<size_t>(i);
  }
  return std::nullopt;
}

// The stream, or what is wrong with the word.
std::optional<Stream> StreamOf(const v1::BatchJob& job, absl::string_view text, std::string* why) {
  const size_t dot = text.rfind('.');
  const absl::string_view name = text.substr(0, dot);
  const absl::string_view stream =
      dot == absl::string_view::npos ? absl::string_view() : text.substr(dot + 1);
  Stream found;
  if (stream == "stdout" || stream == "stderr") {
    found.number = stream == "stdout" ? 1 : 2;
  } else if (stream != "stdin") {
    *why = absl::StrCat("\"", EscapeForPeople(text),
                        "\" is not NAME.stdin, NAME.stdout or NAME.stderr");
    return std::nullopt;
  }
  const std::optional<size_t> position = Position(job, name);
  if (!position.has_value()) {
    *why = absl::StrCat("there is no sandbox \"", EscapeForPeople(name), "\"");
    return std::nullopt;
  }
  found.sandbox = *position;
  return found;
}

void CheckFields(const v1::BatchJob& job, absl::string_view path, bool is_sandbox,
                 Violations* violations) {
  std::vector<const FieldDescriptor*> fields;
  v1::BatchJob::GetReflection()->ListFields(job, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool allowed =
        is_sandbox ? std::count(std::begin(kOfSandbox), std::end(kOfSandbox), field->number()) > 0
                   : std::count(std::begin(kOfJob), std::end(kOfJob), field->number()) > 0;
    if (allowed) continue;
    const std::string at = ChildField(path, field->name());
    violations->Add(field->is_repeated() ? IndexedField(at, 0) : at,
                    is_sandbox ? "is not for one sandbox of several"
                               : "is said by each sandbox of a job that has several");
  }
}

void CheckSandboxes(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  const auto count = static_cast<size_t>(job.sandbox_size());
  if (count < kMinSandboxes || count > kMaxSandboxes) {
    violations->Add(ChildField(path, "sandbox"),
                    absl::StrCat("there are ", count, " sandboxes; ", kMinSandboxes, " to ",
                                 kMaxSandboxes, " can talk"));
  }
  std::set<absl::string_view> names;
  for (size_t i = 0; i < count && !violations->full(); ++i) {
    const v1::BatchJob& one = job.sandbox(static_cast<int>(i));
    const std::string at = IndexedField(ChildField(path, "sandbox"), i);
    CheckFields(one, at, true, violations);
    if (!IsJobName(one.name())) {
      violations->Add(ChildField(at, "name"), NotAJobName(one.name()));
    } else if (!names.insert(one.name()).second) {
      violations->Add(ChildField(at, "name"), "there are two of this name");
    }
    if (one.argv_size() == 0 || one.argv(0).empty()) {
      violations->Add(ChildField(at, "argv"), "there is no program to run");
    }
  }
}

// One end of a connection: known, of the right kind, free.
std::optional<Stream> CheckEnd(const v1::BatchJob& job, const std::string& text, bool reads,
                               const std::string& at, std::set<Stream>* used,
                               Violations* violations) {
  std::string why;
  const std::optional<Stream> end = StreamOf(job, text, &why);
  if (!end.has_value()) {
    violations->Add(at, why);
    return std::nullopt;
  }
  if (reads != (end->number == 0)) {
    violations->Add(at, reads ? "only a stdin can be written to" : "a stdin cannot be read from");
    return std::nullopt;
  }
  if (!used->insert(*end).second) violations->Add(at, "is connected already");
  const v1::BatchJob& one = job.sandbox(static_cast<int>(end->sandbox));
  const std::string& file = end->number == 0   ? one.stdin()
                            : end->number == 1 ? one.stdout()
                                               : one.stderr();
  if (!file.empty()) violations->Add(at, "has a file, too");
  return end;
}

void CheckConnections(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  std::set<Stream> used;
  std::set<size_t> connected;
  for (int i = 0; i < job.connect_size() && !violations->full(); ++i) {
    const std::string at = IndexedField(ChildField(path, "connect"), static_cast<size_t>(i));
    const std::optional<Stream> from =
        CheckEnd(job, job.connect(i).from(), false, ChildField(at, "from"), &used, violations);
    const std::optional<Stream> to =
        CheckEnd(job, job.connect(i).to(), true, ChildField(at, "to"), &used, violations);
    for (const auto& end : {from, to}) {
      if (end.has_value()) connected.insert(end->sandbox);
    }
    if (from.has_value() && to.has_value() && from->sandbox == to->sandbox) {
      violations->Add(at, "connects a sandbox with itself");
    }
  }
  for (int i = 0; i < job.sandbox_size() && !violations->full(); ++i) {
    if (connected.count(static_cast<size_t>(i)) > 0) continue;
    violations->Add(IndexedField(ChildField(path, "sandbox"), static_cast<size_t>(i)),
                    "is connected to nothing");
  }
}

}  // namespace

bool IsTalk(const v1::BatchJob& job) {
  return job.sandbox_size() > 0 || job.connect_size() > 0 || !job.verdict_of().empty();
}

void CheckTalk(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  if (!IsTalk(job)) return;
  CheckFields(job, path, false, violations);
  CheckSandboxes(job, path, violations);
  CheckConnections(job, path, violations);
  if (job.verdict_of().empty()) {
    violations->Add(ChildField(path, "verdict_of"),
                    "must name the sandbox whose end is the answer");
  } else if (!Position(job, job.verdict_of()).has_value()) {
    violations->Add(
        ChildField(path, "verdict_of"),
        absl::StrCat("there is no sandbox \"", EscapeForPeople(job.verdict_of()), "\""));
  }
}

std::vector<SandboxLink> LinksOf(const v1::BatchJob& job) {
  std::vector<SandboxLink> links;
  for (const v1::Connection& each : job.connect()) {
    std::string why;
    const std::optional<Stream> from = StreamOf(job, each.from(), &why);
    const std::optional<Stream> to = StreamOf(job, each.to(), &why);
    if (from.has_value() && to.has_value()) {
      links.push_back({from->sandbox, from->number, to->sandbox});
    }
  }
  return links;
}

size_t DeciderOf(const v1::BatchJob& job) { return Position(job, job.verdict_of()).value_or(0); }

}  // namespace cordon
