// SPDX-License-Identifier: Apache-2.0
// Follows `extends:` from the named policy to the last base, then merges back. Loads nothing by
// itself: the ProfileSource decides what a reference may reach.
#include "policy/resolve.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/further_errors.h"
#include "policy/merge.h"

namespace cordon {
namespace {

Error ResolveError(absl::string_view message, absl::string_view field, const SourceMap& places) {
  return Error(absl::StatusCode::kInvalidArgument, message)
      .Stage("resolve")
      .Field(field)
      .Source(places.Find(field));
}

// The loader knows what failed; only this room knows which line asked for it.
absl::Status NameTheField(const absl::Status& status, const SourceMap& places) {
  std::vector<v1::ErrorDetail> details = DetailsOf(WithStage(status, "resolve"));
  for (v1::ErrorDetail& detail : details) {
    if (!detail.policy_field().empty() || !detail.source().empty()) continue;
    detail.set_policy_field("extends");
    detail.set_source(places.Find("extends"));
  }
  return ErrorFromDetails(status.code(), details);
}

absl::Status MakeSourcesAbsolute(absl::string_view directory, ParsedPolicy* parsed) {
  std::vector<v1::ErrorDetail> errors;
  if (!parsed->policy.has_mounts()) return absl::OkStatus();
  v1::Mounts* mounts = parsed->policy.mutable_mounts();
  for (int i = 0; i < mounts->bind_size(); ++i) {
    v1::Bind* bind = mounts->mutable_bind(i);
    if (bind->source().empty() || bind->source()[0] == '/') continue;
    if (directory.empty()) {
      const std::string field =
          ChildField(IndexedField("mounts.bind", static_cast<size_t>(i)), "source");
      const absl::Status error =
          ResolveError(absl::StrCat("\"", EscapeForPeople(bind->source()),
                                    "\" is relative, and this policy is in no directory"),
                       field, parsed->places);
      errors.push_back(DetailsOf(error).front());
      continue;
    }
    bind->set_source(LexicalJoin(directory, bind->source()));
  }
  if (errors.empty()) return absl::OkStatus();
  return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
}

// A ceiling is inherited, and must then still be found. Names of profiles have no dots.
void MakeCeilingsAbsolute(absl::string_view directory, v1::Policy* policy) {
  for (std::string& ceiling : *policy->mutable_ceiling()) {
    const bool file = ceiling.find('.') != std::string::npos;
    if (file && !directory.empty()) ceiling = LexicalJoin(directory, ceiling);
  }
}

absl::StatusOr<ParsedPolicy> ParseLoaded(const PolicyBytes& loaded) {
  absl::StatusOr<ParsedPolicy> read = ParsePolicy(loaded.bytes, loaded.form, loaded.name);
  if (!read.ok()) {
    std::optional<ParsedPolicy> rest = ParseWhatCanBeRead(loaded.bytes, loaded.form, loaded.name);
    if (!rest.has_value() || !MakeSourcesAbsolute(loaded.directory, &*rest).ok()) {
      return read.status();
    }
    return WithFurtherErrors(read.status(), *std::move(rest));
  }
  ParsedPolicy parsed = *std::move(read);
  MakeCeilingsAbsolute(loaded.directory, &parsed.policy);
  CORDON_RETURN_IF_ERROR(MakeSourcesAbsolute(loaded.directory, &parsed));
  return parsed;
}

std::string ChainOf(const std::vector<ParsedPolicy>& chain, absl::string_view last) {
  std::vector<std::string> names;
  names.reserve(chain.size() + 1);
  for (const ParsedPolicy& policy : chain) names.push_back(policy.name);
  names.push_back(std::string(last));
  return absl::StrJoin(names, " -> ");
}

}  // namespace

absl::StatusOr<ParsedPolicy> ResolvePolicy(absl::string_view reference, absl::string_view directory,
                                           ProfileSource& source) {
  absl::StatusOr<PolicyBytes> loaded = source.Load(reference, directory);
  if (!loaded.ok()) return WithStage(loaded.status(), "resolve");
  std::vector<ParsedPolicy> chain;  // the named policy first, its last base at the end
  while (true) {
    for (const ParsedPolicy& earlier : chain) {
      if (earlier.name != loaded->name) continue;
      return ResolveError(
          absl::StrCat("policies extend each other in a circle: ", ChainOf(chain, loaded->name)),
          "extends", chain.back().places);
    }
    CORDON_ASSIGN_OR_RETURN(ParsedPolicy parsed, ParseLoaded(*loaded));
    chain.push_back(std::move(parsed));
    const ParsedPolicy& last = chain.back();
    if (last.policy.extends().empty()) break;
    if (chain.size() >= kMaxExtendsDepth) {
      return ResolveError(
          absl::StrCat("a chain of more than ", kMaxExtendsDepth, " policies; at most ",
                       kMaxExtendsDepth, " are allowed: ", ChainOf(chain, last.policy.extends())),
          "extends", last.places);
    }
    absl::StatusOr<PolicyBytes> base = source.Load(last.policy.extends(), loaded->directory);
    if (!base.ok()) return NameTheField(base.status(), last.places);
    loaded = std::move(base);
  }
  ParsedPolicy merged = std::move(chain.back());
  chain.pop_back();
  for (; !chain.empty(); chain.pop_back()) merged = MergePolicies(merged, chain.back());
  merged.policy.clear_extends();
  return merged;
}

}  // namespace cordon
