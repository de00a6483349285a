// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/exec_program.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"

namespace cordon {

absl::Status WriteExecProgram(const v1::LaunchPlan& launch, child::SharedRegion* region) {
  std::string text;
  std::vector<uint32_t> offsets;
  const auto put = [&](const std::string& word) {
    const auto offset = static_cast<uint32_t>(text.size());
    text.append(word.c_str(), word.size() + 1);
    return offset;
  };
  const uint32_t cwd = put(launch.working_directory());
  for (const std::string& word : launch.argv()) offsets.push_back(put(word));
  for (const std::string& word : launch.environment()) offsets.push_back(put(word));
  for (const std::string& word : launch.exec_path()) offsets.push_back(put(word));
  for (const std::string& word : launch.health().argv()) offsets.push_back(put(word));
  for (const std::string& word : launch.health().exec_path()) offsets.push_back(put(word));
  text.resize((text.size() + 3) / 4 * 4, '\0');
  const size_t vector_offset = text.size();
  const size_t used = vector_offset + offsets.size() * sizeof(uint32_t) + 1;
  constexpr size_t kMaxStrings = sizeof(region->pointers) / sizeof(region->pointers[0]) - 5;
  if (used > child::kLaunchBytes || offsets.size() > kMaxStrings) {
    return Error(absl::StatusCode::kResourceExhausted,
                 absl::StrCat("arguments and environment take ", used, " bytes in ", offsets.size(),
                              " strings; at most ", child::kLaunchBytes, " bytes in ", kMaxStrings,
                              " fit"))
        .Layer("process");
  }
  std::memcpy(region->bytes, text.data(), text.size());
  std::memcpy(region->bytes + vector_offset, offsets.data(), offsets.size() * sizeof(uint32_t));
  region->bytes[used - 1] = '\0';
  region->argc = static_cast<uint32_t>(launch.argv_size());
  region->envc = static_cast<uint32_t>(launch.environment_size());
  region->path_count = static_cast<uint32_t>(launch.exec_path_size());
  region->check_argc = static_cast<uint32_t>(launch.health().argv_size());
  region->check_path_count = static_cast<uint32_t>(launch.health().exec_path_size());
  region->used = static_cast<uint32_t>(used);
  region->cwd = cwd;
  region->vector_offset = static_cast<uint32_t>(vector_offset);
  region->magic = child::kLaunchMagic;
  return absl::OkStatus();
}

absl::Status WriteWorkingDirectory(const std::string& path, child::SharedRegion* region) {
  if (path.size() + 1 > child::kLaunchBytes) {
    return Error(absl::StatusCode::kInvalidArgument, "the working directory is too long")
        .Layer("process");
  }
  std::memcpy(region->bytes, path.c_str(), path.size() + 1);
  region->cwd = 0;
  return absl::OkStatus();
}

}  // namespace cordon
