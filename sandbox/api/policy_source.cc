// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/policy_source.h"

#include <fcntl.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "policy/base/hard_limits.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/ceiling.h"
#include "profiles/embedded.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

// Its first answer is the policy that was given, whatever is asked for.
class GivenPolicy : public PolicySource {
 public:
  explicit GivenPolicy(PolicyBytes given) : given_(std::move(given)) {}
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference,
                                   absl::string_view directory) override {
    if (!given_.has_value()) return PolicySource::Load(reference, directory);
    PolicyBytes first = *std::move(given_);
    given_.reset();
    return first;
  }

 private:
  absl::optional<PolicyBytes> given_;
};

}  // namespace

absl::StatusOr<std::string> ReadRegularFile(absl::string_view path, size_t limit) {
  const std::string full = LexicalJoin(CurrentDirectory(), path);
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  CORDON_ASSIGN_OR_RETURN(const UniqueFd fd, OpenAt(kCwd, full, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
  if (!info.IsRegular()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(EscapeForPeople(full), " is not a regular file"));
  }
  return ReadAll(fd.get(), full, limit);
}

absl::StatusOr<PolicyBytes> PolicySource::Load(absl::string_view reference,
                                               absl::string_view directory) {
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    if (profile.name == reference) {
      return PolicyBytes{std::string(profile.name), std::string(profile.text), PolicyForm::kText,
                         ""};
    }
  }
  const std::string base = directory.empty() ? CurrentDirectory() : std::string(directory);
  const std::string path = LexicalJoin(base, reference);
  absl::StatusOr<std::string> bytes = ReadRegularFile(path, kMaxPolicyBytes);
  if (!bytes.ok()) {
    const v1::ErrorDetail detail = DetailsOf(bytes.status())[0];
    if (detail.errno_name() != "ENOENT") return bytes.status();
    return Error(absl::StatusCode::kNotFound,
                 absl::StrCat("no shipped profile and no file is named \"",
                              EscapeForPeople(reference), "\""))
        .Stage("resolve")
        .Syscall("openat", path, detail.errno_value())
        .Hint("`cordon profiles` lists the shipped ones");
  }
  return PolicyBytes{std::string(reference), *std::move(bytes), FormOfFile(path),
                     std::string(ParentPath(path))};
}

absl::StatusOr<NormalPolicy> LoadPolicy(absl::string_view reference) {
  PolicySource source;
  return LoadPolicy(reference, source);
}

absl::StatusOr<NormalPolicy> LoadPolicy(absl::string_view reference, ProfileSource& source) {
  CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed, ResolvePolicy(reference, "", source));
  CORDON_ASSIGN_OR_RETURN(NormalPolicy policy, NormalPolicy::Make(std::move(parsed)));
  CORDON_RETURN_IF_ERROR(HoldCeilings(policy, source));
  return policy;
}

absl::StatusOr<NormalPolicy> LoadPolicyBytes(PolicyBytes given) {
  if (given.directory.empty()) given.directory = CurrentDirectory();
  const std::string name = given.name;
  GivenPolicy source(std::move(given));
  return LoadPolicy(name, source);
}

std::vector<std::string> ShippedProfiles() {
  std::vector<std::string> names;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) names.emplace_back(profile.name);
  return names;
}

}  // namespace cordon
