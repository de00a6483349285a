// SPDX-License-Identifier: Apache-2.0
// What cordon-setup has done to a host, so that --undo can take back exactly that. Written before
// each step: a set-up that was cut off can be undone too.
#ifndef CORDON_TOOLS_CORDON_SETUP_STATE_H_
#define CORDON_TOOLS_CORDON_SETUP_STATE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cordon::setup {

struct Done {
  enum class Kind { kDirectory, kFile, kProfile, kNamespace };
  Kind kind = Kind::kFile;
  std::string path;  // on the host, without --root
  // A file: SHA-256 of its content; while it is replaced, of the old and the new one, since either
  // may be there when the run is cut off. A profile: the kernel's hash of what was loaded, if it
  // keeps one (sandbox/layers/apparmor.h compares it when a job starts).
  std::vector<std::string> hashes;
};

// One line each, in the order of doing. An unknown line is an error: nothing is guessed.
std::string FormatState(const std::vector<Done>& done);
absl::StatusOr<std::vector<Done>> ParseState(const std::string& text);

// The record of `path`, or null.
const Done* Find(const std::vector<Done>& done, Done::Kind kind, const std::string& path);

}  // namespace cordon::setup

#endif  // CORDON_TOOLS_CORDON_SETUP_STATE_H_
