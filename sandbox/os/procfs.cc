// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/procfs.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

absl::Status Malformed(absl::string_view what, absl::string_view line) {
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("malformed ", what, " line: ", EscapeForPeople(line)));
}

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes blank, tab, newline and backslash as \ooo.
std::string UndoOctal(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && IsOctal(text[i + 1]) && IsOctal(text[i + 2]) &&
        IsOctal(text[i + 3])) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::vector<std::string> Words(absl::string_view text, char separator) {
  return absl::StrSplit(text, separator, absl::SkipEmpty());
}

std::vector<absl::string_view> Lines(absl::string_view text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

// "unlimited" or a number.
bool ParseLimitValue(absl::string_view text, uint64_t* value) {
  if (text == "unlimited") {
    *value = UINT64_MAX;
    return true;
  }
  return absl::SimpleAtoi(text, value);
}

}  // namespace

bool MountInfo::Has(absl::string_view option) const {
  return std::any_of(options.begin(), options.end(),
                     [&](const std::string& each) { return each == option; });
}

absl::StatusOr<std::vector<MountInfo>> ParseMountInfo(absl::string_view text) {
  std::vector<MountInfo> mounts;
  for (const absl::string_view line : Lines(text)) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    const auto dash = std::find(words.begin(), words.end(), "-");
    // 36 35 98:0 /root /mount rw,noatime [shared:1 ...] - ext4 /dev/sda rw
    if (words.size() < 9 || dash - words.begin() < 6 || words.end() - dash < 3) {
      return Malformed("mountinfo", line);
    }
    MountInfo mount;
    if (!absl::SimpleAtoi(words[0], &mount.id) || !absl::SimpleAtoi(words[1], &mount.parent)) {
      return Malformed("mountinfo", line);
    }
    mount.device = std::string(words[2]);
    mount.root = UndoOctal(words[3]);
    mount.mount_point = UndoOctal(words[4]);
    mount.options = Words(words[5], ',');
    for (auto word = words.begin() + 6; word != dash; ++word) {
      mount.propagation.emplace_back(*word);
    }
    mount.type = UndoOctal(dash[1]);
    mount.source = UndoOctal(dash[2]);
    if (words.end() - dash > 3) mount.super_options = Words(dash[3], ',');
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::map<std::string, std::string> ParseStatus(absl::string_view text) {
  std::map<std::string, std::string> fields;
  for (const absl::string_view line : Lines(text)) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    // The first wins: Name comes first and is the only field that a program chooses.
    fields.emplace(std::string(line.substr(0, colon)),
                   std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return fields;
}

absl::StatusOr<std::vector<CgroupLine>> ParseCgroupFile(absl::string_view text) {
  std::vector<CgroupLine> lines;
  for (const absl::string_view line : Lines(text)) {
    const size_t first = line.find(':');
    const size_t second = first == absl::string_view::npos ? first : line.find(':', first + 1);
    CgroupLine out;
    if (second == absl::string_view::npos ||
        !absl::SimpleAtoi(line.substr(0, first), &out.hierarchy)) {
      return Malformed("cgroup", line);
    }
    out.controllers = Words(line.substr(first + 1, second - first - 1), ',');
    out.path = std::string(line.substr(second + 1));
    lines.push_back(std::move(out));
  }
  return lines;
}

absl::StatusOr<std::map<std::string, LimitRow>> ParseLimits(absl::string_view text) {
  std::map<std::string, LimitRow> rows;
  for (const absl::string_view line : Lines(text)) {
    if (absl::StartsWith(line, "Limit ")) continue;
    // "Max open files            1024                 524288               files": the name is 26
    // columns wide, names hold single blanks.
    constexpr size_t kNameColumns = 26;
    if (line.size() <= kNameColumns) return Malformed("limits", line);
    const absl::string_view name = absl::StripAsciiWhitespace(line.substr(0, kNameColumns));
    const std::vector<absl::string_view> values =
        absl::StrSplit(line.substr(kNameColumns), ' ', absl::SkipEmpty());
    LimitRow row;
    if (values.size() < 2 || !ParseLimitValue(values[0], &row.soft) ||
        !ParseLimitValue(values[1], &row.hard)) {
      return Malformed("limits", line);
    }
    rows[std::string(name)] = row;
  }
  return rows;
}

absl::StatusOr<std::vector<IdRange>> ParseIdMap(absl::string_view text) {
  std::vector<IdRange> ranges;
  for (const absl::string_view line : Lines(text)) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    IdRange range;
    if (words.size() != 3 || !absl::SimpleAtoi(words[0], &range.inside) ||
        !absl::SimpleAtoi(words[1], &range.outside) || !absl::SimpleAtoi(words[2], &range.count)) {
      return Malformed("id map", line);
    }
    ranges.push_back(range);
  }
  return ranges;
}

std::map<std::string, uint64_t> ParseFlatKeyed(absl::string_view text) {
  std::map<std::string, uint64_t> values;
  for (const absl::string_view line : Lines(text)) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t value = 0;
    if (words.size() == 2 && absl::SimpleAtoi(words[1], &value)) {
      values[std::string(words[0])] = value;
    }
  }
  return values;
}

absl::StatusOr<uint64_t> ParseNumber(absl::string_view text) {
  const absl::string_view word = absl::StripAsciiWhitespace(text);
  if (word == "max") return UINT64_MAX;
  uint64_t value = 0;
  if (!absl::SimpleAtoi(word, &value)) return Malformed("number", word);
  return value;
}

AddressRange ParseArgumentRange(absl::string_view stat) {
  // The name in parentheses may hold anything, so counting starts behind the last one: field 3.
  const size_t close = stat.rfind(')');
  if (close == absl::string_view::npos) return {};
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::StripAsciiWhitespace(stat.substr(close + 1)), ' ');
  constexpr size_t kArgStart = 48 - 3;
  AddressRange range;
  if (fields.size() <= kArgStart + 1 || !absl::SimpleAtoi(fields[kArgStart], &range.begin) ||
      !absl::SimpleAtoi(fields[kArgStart + 1], &range.end) || range.end < range.begin) {
    return {};
  }
  return range;
}

absl::StatusOr<ProcessPlace> ParsePlace(absl::string_view stat) {
  // The name stands in parentheses and may hold anything, also a parenthesis.
  const size_t close = stat.rfind(')');
  const std::vector<absl::string_view> fields =
      close == absl::string_view::npos
          ? std::vector<absl::string_view>()
          : absl::StrSplit(stat.substr(close + 1), ' ', absl::SkipEmpty());
  // proc(5) counts from 1 and from the process id.
  constexpr size_t kNice = 19 - 3;
  constexpr size_t kRealTimePriority = 40 - 3;
  constexpr size_t kFlags = 9 - 3;
  constexpr uint64_t kExiting = 0x4;  // PF_EXITING of linux/sched.h, the same since Linux 2.6
  ProcessPlace place;
  uint64_t flags = 0;
  if (fields.size() <= kRealTimePriority || fields[0].size() != 1 ||
      !absl::SimpleAtoi(fields[kFlags], &flags) || !absl::SimpleAtoi(fields[kNice], &place.nice) ||
      !absl::SimpleAtoi(fields[kRealTimePriority], &place.real_time_priority) ||
      !absl::SimpleAtoi(fields[2], &place.group) || !absl::SimpleAtoi(fields[3], &place.session) ||
      !absl::SimpleAtoi(fields[4], &place.terminal)) {
    return absl::InvalidArgumentError("stat: not the line of a process");
  }
  place.state = fields[0][0];
  place.exiting = (flags & kExiting) != 0 || place.state == 'Z' || place.state == 'X';
  return place;
}

absl::StatusOr<BlockedCall> ParseBlockedCall(absl::string_view text) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::StripAsciiWhitespace(text), ' ');
  BlockedCall call;
  // Number, six arguments, stack pointer, instruction pointer.
  if (words.size() != 9 || !absl::SimpleAtoi(words[0], &call.number) || call.number < 0) {
    return absl::InvalidArgumentError("no blocked call");
  }
  for (size_t i = 1; i <= 6; ++i) {
    uint64_t argument = 0;
    if (!absl::SimpleHexAtoi(words[i], &argument)) {
      return absl::InvalidArgumentError("an argument is no number");
    }
    call.arguments.push_back(argument);
  }
  return call;
}

std::vector<std::string> ParseNetDev(absl::string_view text) {
  std::vector<std::string> names;
  for (const absl::string_view line : Lines(text)) {
    const size_t colon = line.find(':');
    // The two header lines have "|" instead.
    if (colon == absl::string_view::npos || absl::StrContains(line, "|")) continue;
    names.emplace_back(absl::StripAsciiWhitespace(line.substr(0, colon)));
  }
  return names;
}

}  // namespace cordon
