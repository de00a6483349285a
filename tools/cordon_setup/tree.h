// SPDX-License-Identifier: Apache-2.0
// The host as cordon-setup sees and changes it, below Means::root, and the record of what was
// changed. Nothing of it decides anything.
#ifndef CORDON_TOOLS_CORDON_SETUP_TREE_H_
#define CORDON_TOOLS_CORDON_SETUP_TREE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/apparmor.h"
#include "sandbox/os/unique_fd.h"
#include "tools/cordon_setup/state.h"

namespace cordon::setup {

struct Means {
  std::string root;  // prefix of every path; "" for the host itself
  bool dry_run = false;
  std::function<void(const std::string&)> say;
  // Runs a program by its path, without a shell. Not called in a dry run.
  std::function<absl::Status(const std::vector<std::string>&)> run;
};

// Where the record of what was done is.
inline constexpr const char* kStateFile = kSetupRecord;

class Tree {
 public:
  explicit Tree(const Means& means) : means_(means) {}

  const Means& means() const { return means_; }
  void Say(absl::string_view line) const { means_.say(std::string(line)); }
  std::string Real(const std::string& path) const { return means_.root + path; }
  // An error where it cannot be told.
  absl::StatusOr<bool> Has(const std::string& path) const;
  bool Exists(const std::string& path) const;
  std::string Text(const std::string& path) const;  // "" when it cannot be had
  bool IsOurs(const Done& file) const;              // its content is one that is recorded

  // What was done so far. Nobody else changes it until this object goes: an error when another
  // cordon-setup is at work.
  absl::Status Load();
  std::vector<Done>& done() { return done_; }
  const std::vector<Done>& done() const { return done_; }
  // Adds to the record, or replaces what it has of the same path. A dry run keeps it to itself.
  absl::Status Note(Done done);
  absl::Status Save() const;

  // A file of mode 0644, as one step: cut off, it leaves the old one, or none.
  absl::Status Put(const std::string& path, const std::string& content) const;
  // Removes what a Put that was killed may have left in the folders of the record.
  void Tidy() const;

  // Of the root's policy namespace, by name.
  absl::StatusOr<LoadedProfile> Profile(absl::string_view name) const;
  // Pids of those whose label has such a part.
  absl::StatusOr<std::vector<std::string>> Confined(
      const std::function<bool(const AppArmorLabel::Part&)>& such) const;

  // Says it first. No program of ours is meant to run for another tree.
  absl::Status Run(const std::vector<std::string>& argv) const;

 private:
  void TidyFolder(const std::string& folder) const;

  const Means& means_;
  std::vector<Done> done_;
  bool said_record_ = false;
  UniqueFd lock_;
};

}  // namespace cordon::setup

#endif  // CORDON_TOOLS_CORDON_SETUP_TREE_H_
