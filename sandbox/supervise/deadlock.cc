// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/deadlock.h"

#include "absl/strings/str_cat.h"

namespace cordon {
namespace {

// How a stuck sandbox waits for another one; "" when it does not.
std::string WaitsFor(const TalkerLook& look) {
  if (!look.quiet || !look.waits.stuck) return "";
  std::string found;
  for (const ThreadWait& wait : look.waits.threads) {
    if ((wait.call == "read" || wait.call == "poll") && look.unread > 0) {
      // It reads something else; but it may be about to wake up.
      for (const std::string& pipe : wait.pipes) {
        const auto stream = look.streams.find(pipe);
        if (stream != look.streams.end() && stream->second.substr(0, 5) == "stdin") return "";
      }
    }
    for (const std::string& pipe : wait.pipes) {
      const auto stream = look.streams.find(pipe);
      if (stream == look.streams.end() || !found.empty()) continue;
      found = absl::StrCat(look.name, " waits in ", wait.call, " for its ", stream->second);
    }
  }
  return found;
}

}  // namespace

std::vector<std::string> FindDeadlock(const std::vector<TalkerLook>& before,
                                      const std::vector<TalkerLook>& now) {
  std::vector<std::string> lines;
  if (now.size() < 2 || before.size() != now.size()) return {};
  for (size_t i = 0; i < now.size(); ++i) {
    if (before[i].name != now[i].name || WaitsFor(before[i]).empty()) return {};
    if (!(before[i].waits.threads == now[i].waits.threads)) return {};
    lines.push_back(WaitsFor(now[i]));
    if (lines.back().empty()) return {};
  }
  return lines;
}

}  // namespace cordon
