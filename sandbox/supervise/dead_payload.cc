// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/dead_payload.h"

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

// "NSpid: 4711 3": the last one is that of the innermost namespace.
bool HasIdInside(absl::string_view pid, uint64_t inside) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat("/proc/", pid, "/status"));
  if (!text.ok()) return false;
  const std::map<std::string, std::string> status = ParseStatus(*text);
  const auto ids = status.find("NSpid");
  if (ids == status.end()) return false;
  const std::vector<absl::string_view> words =
      absl::StrSplit(ids->second, absl::ByAnyChar("\t "), absl::SkipEmpty());
  uint64_t id = 0;
  return !words.empty() && absl::SimpleAtoi(words.back(), &id) && id == inside;
}

std::optional<uint64_t> Written(absl::string_view pid) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat("/proc/", pid, "/io"));
  if (!text.ok()) return std::nullopt;
  const std::map<std::string, std::string> io = ParseStatus(*text);
  const auto written = io.find("wchar");
  uint64_t bytes = 0;
  if (written == io.end() || !absl::SimpleAtoi(written->second, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<uint64_t> BytesWritten(pid_t init, uint64_t inside) {
  const absl::StatusOr<std::string> children =
      ReadAt(kCwd, absl::StrCat("/proc/", init, "/task/", init, "/children"));
  if (!children.ok()) return std::nullopt;
  for (const absl::string_view pid : absl::StrSplit(*children, ' ', absl::SkipEmpty())) {
    if (HasIdInside(pid, inside)) return Written(pid);
  }
  return std::nullopt;
}

}  // namespace cordon
