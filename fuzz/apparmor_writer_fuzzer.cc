// SPDX-License-Identifier: Apache-2.0
// Any bytes as the entries of a mount plan: the text of its profile is read back by a strict
// tokenizer of its own, which knows each line that the writer may write. A path that became syntax
// would be a line, a rule or a decoded path that no entry asked for.
//
// Input: one byte of options, then for each entry a byte of kind and flags, a byte of length, and
// that many bytes of its target behind the first slash.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "policy/apparmor/profile.h"
#include "policy/base/path.h"
#include "policy/base/status.h"

namespace {

using cordon::PathIsBelow;
using Kind = cordon::v1::MountEntry;

constexpr char kName[] = "fuzz";
constexpr char kProcReads[] = "/{,[0-9]*{,/,/**}}";
constexpr char kProcAll[] = "/{,**}";
constexpr char kProcWrites[] = "/[0-9]*/{comm,coredump_filter,oom_score_adj,task/[0-9]*/comm}";
constexpr char kProcInsides[] =
    "/{iomem,ioports,kallsyms,kcore,key-users,keys,kmsg,kpage*,sched_debug,slabinfo,timer_list,"
    "vmallocinfo}";

void Require(bool holds, absl::string_view property, absl::string_view evidence) {
  if (holds) return;
  std::cerr << "does not hold: " << property << "\n" << cordon::EscapeForPeople(evidence) << "\n";
  std::abort();
}

cordon::v1::Plan ReadPlan(const uint8_t* data, size_t size) {
  cordon::v1::Plan plan;
  plan.mutable_net()->set_own_namespace((data[0] & 1) == 0);
  plan.mutable_net()->set_loopback_up((data[0] & 2) != 0);
  plan.mutable_caps()->set_enabled((data[0] & 4) == 0);
  plan.mutable_seccomp()->set_enabled((data[0] & 8) == 0);
  for (size_t at = 1; at + 2 <= size && plan.mount().entry_size() < 64;) {
    const uint8_t kind = data[at];
    const size_t length = std::min<size_t>(data[at + 1], size - at - 2);
    Kind& entry = *plan.mutable_mount()->add_entry();
    entry.set_kind(static_cast<Kind::Kind>(kind % 8));
    entry.set_read_only((kind & 16) != 0);
    entry.set_no_exec((kind & 32) != 0);
    entry.set_process_only((kind & 64) != 0);
    entry.set_mode((kind & 128) != 0 ? 0555 : 0444);
    entry.set_target(
        absl::StrCat("/", absl::string_view(reinterpret_cast<const char*>(data + at + 2), length)));
    at += 2 + length;
  }
  return plan;
}

bool IsRegion(const Kind& entry) {
  return entry.kind() == Kind::BIND || entry.kind() == Kind::TMPFS || entry.kind() == Kind::PROC ||
         entry.kind() == Kind::MASK;
}

// Takes the path from the front of a pattern: plain bytes and octal escapes.
std::string TakePath(absl::string_view* pattern) {
  std::string path;
  while (!pattern->empty()) {
    const char c = pattern->front();
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || absl::string_view("/._-+:=%~").find(c) != absl::string_view::npos) {
      path += c;
      pattern->remove_prefix(1);
      continue;
    }
    if (c != '\\') break;
    Require(pattern->size() >= 4, "an escape has three digits", *pattern);
    int value = 0;
    for (size_t i = 1; i < 4; ++i) {
      const int digit = (*pattern)[i] - '0';
      Require(digit >= 0 && digit < 8, "an escape has octal digits", *pattern);
      value = value * 8 + digit;
    }
    Require(value > 0 && value < 256, "an escape is a byte and not NUL", *pattern);
    path += static_cast<char>(value);
    pattern->remove_prefix(4);
  }
  return path;
}

// "[^...]**" with bytes or escapes between.
bool IsHole(absl::string_view rest) {
  if (!absl::ConsumePrefix(&rest, "[^") || !absl::ConsumeSuffix(&rest, "]**")) return false;
  while (!rest.empty()) {
    if (absl::ConsumePrefix(&rest, ",")) continue;
    const size_t before = rest.size();
    (void)TakePath(&rest);
    if (rest.size() == before) return false;
  }
  return true;
}

// What the plan may ask for, and how often it was found.
class Reader {
 public:
  explicit Reader(const cordon::v1::MountPlan& plan) {
    for (int i = 0; i < plan.entry_size(); ++i) {
      const Kind& entry = plan.entry(i);
      bool hidden = false;
      for (int j = i + 1; j < plan.entry_size(); ++j) {
        hidden |= IsRegion(plan.entry(j)) && PathIsBelow(entry.target(), plan.entry(j).target());
      }
      if (!hidden) Expect(entry);
    }
  }

  void FileRule(absl::string_view line, bool deny) {
    const size_t end = line.rfind("\" ");
    Require(absl::ConsumePrefix(&line, "\"") && end != absl::string_view::npos, "quotes", line);
    absl::string_view rest = line.substr(0, end - 1);
    absl::string_view modes = line.substr(end + 1);
    Require(modes.find_first_not_of("rwklmix") == absl::string_view::npos, "modes", line);
    Require(!modes.empty() && (!deny || modes.find('i') == absl::string_view::npos), "modes", line);
    const std::string path = TakePath(&rest);
    if (deny) return Denial(path, rest, modes);
    ++found_[absl::StrCat(path, "\n", rest, "\n", modes)];
    const bool listed = rest.empty() && modes == "r" && absl::EndsWith(path, "/") &&
                        (path == "/" || directories_.count(path.substr(0, path.size() - 1)) == 1);
    if (!listed) Require(wanted_.count(LastKey(path, rest, modes)) == 1, "asked for", line);
  }

  void Finish(absl::string_view text) const {
    for (const auto& [key, count] : wanted_) {
      const auto found = found_.find(key);
      Require(found != found_.end() && found->second == count, "each entry has its rule",
              absl::StrCat(key, "\n\n", text));
    }
  }

 private:
  static std::string LastKey(absl::string_view path, absl::string_view rest,
                             absl::string_view modes) {
    return absl::StrCat(path, "\n", rest, "\n", modes);
  }

  void Want(absl::string_view path, absl::string_view rest, absl::string_view modes) {
    ++wanted_[LastKey(path, rest, modes)];
  }

  void Expect(const Kind& entry) {
    const std::string& target = entry.target();
    if (entry.kind() != Kind::MASK) {
      for (absl::string_view path = target; path.size() > 1; path = cordon::ParentPath(path)) {
        directories_.insert(std::string(path));
      }
    }
    if (IsRegion(entry)) regions_.insert(target);
    const char* const execute = entry.no_exec() ? "" : "mix";
    if (entry.kind() == Kind::BIND || (entry.kind() == Kind::TMPFS && !entry.read_only())) {
      Want(target, "{,/,/**}", absl::StrCat("r", entry.read_only() ? "" : "wkl", execute));
    } else if (entry.kind() == Kind::DEVICE) {
      Want(target, "", "rw");
    } else if (entry.kind() == Kind::FILE) {
      Want(target, "", entry.mode() == 0555 ? "rmix" : "r");
    } else if (entry.kind() == Kind::PROC) {
      Want(absl::StrCat(target, "/"), absl::string_view(ProcReads(entry)).substr(1), "r");
      Want(absl::StrCat(target, "/"), absl::string_view(kProcWrites).substr(1), "w");
    }
  }

  static const char* ProcReads(const Kind& entry) {
    return entry.process_only() ? kProcReads : kProcAll;
  }

  void Denial(const std::string& path, absl::string_view rest, absl::string_view modes) const {
    if (absl::StrCat("/", rest) == kProcInsides) return;
    bool inside = false;
    for (const std::string& region : regions_) inside |= PathIsBelow(path, region);
    Require(inside, "a denial lies in an entry", path);
    if (rest.empty() || rest == "{,/,/**}" || IsHole(rest)) return;
    Require(absl::ConsumePrefix(&rest, "{,") && absl::ConsumeSuffix(&rest, "}") && IsHole(rest),
            "a denial has a known shape", absl::StrCat(rest, modes));
  }

  std::map<std::string, int> wanted_;
  std::map<std::string, int> found_;
  std::set<std::string> directories_;
  std::set<std::string> regions_;
};

bool IsWordsOf(absl::string_view text, absl::string_view bytes) {
  return !text.empty() && text.find_first_not_of(bytes) == absl::string_view::npos;
}

// Every line that is no rule about files.
bool IsKnownLine(absl::string_view line) {
  static const char* const kLines[] = {
      "",
      "}",
      "# Compiled by Cordon from a policy: change the policy, not this text.",
      "abi <abi/3.0>,",
      "abi <abi/4.0>,",
      "profile fuzz flags=(attach_disconnected,mediate_deleted) {",
      "  # Files, by their paths inside.",
      "  # Sockets.",
      "  # No sockets.",
      "  # Processes. Without the first rule nobody but the kernel could end the job.",
      "  signal (receive) peer=unconfined,",
      "  signal (receive) peer=cordon,",
      "  signal (send, receive) peer=fuzz,",
      "  ptrace (trace, read, tracedby, readby) peer=fuzz,",
      "  # Privileges.",
      "  capability,",
      "  audit deny userns,",
      "  mqueue type=posix,"};
  if (std::find(std::begin(kLines), std::end(kLines), line) != std::end(kLines)) return true;
  return absl::ConsumePrefix(&line, "  network ") && absl::ConsumeSuffix(&line, ",") &&
         IsWordsOf(line, "abcdefghijklmnopqrstuvwxyz0123456789 ");
}

void CheckText(const cordon::v1::Plan& plan, const std::string& text) {
  Reader reader(plan.mount());
  int ends = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ends += line == "}" ? 1 : 0;
    if (IsKnownLine(line)) continue;
    Require(absl::ConsumeSuffix(&line, ","), "a rule ends in a comma", line);
    const bool deny = absl::ConsumePrefix(&line, "  audit deny ");
    Require(deny || absl::ConsumePrefix(&line, "  "), "a known line", line);
    reader.FileRule(line, deny);
  }
  Require(ends == 1, "one profile", text);
  reader.Finish(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const cordon::v1::Plan plan = ReadPlan(data, size);
  const auto abi = (data[0] & 16) != 0 ? cordon::AppArmorAbi::k4_0 : cordon::AppArmorAbi::k3_0;
  const auto text = cordon::CompileAppArmorProfile(plan, kName, abi);
  if (text.ok()) {
    CheckText(plan, *text);
    Require(cordon::CompileAppArmorProfile(plan, kName, abi).value() == *text, "deterministic", "");
  } else {
    Require(!cordon::DetailsOf(text.status()).empty(), "an error has details", "");
  }
  return 0;
}
