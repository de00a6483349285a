// SPDX-License-Identifier: Apache-2.0
// The kernel's log, in two ways that the first byte chooses. Any bytes as records: nothing that a
// process wrote becomes a denial, and no denial holds more than its record. Any names in a line
// that is written as the kernel writes it: they come back as they were, and change nothing else.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzz/require.h"
#include "policy/denial/apparmor_line.h"
#include "policy/denial/apparmor_list.h"
#include "policy/denial/kernel_line.h"
#include "policy/denial/landlock_line.h"
#include "policy/denial/landlock_list.h"

namespace cordon {
namespace {

// audit_log_untrustedstring.
std::string AsAudit(absl::string_view name) {
  std::string hex;
  bool plain = true;
  for (const char c : name) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    plain = plain && byte > 0x20 && byte <= 0x7e && c != '"';
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return plain ? absl::StrCat("\"", name, "\"") : hex;
}

// msg_add_ext_text.
std::string AsRecord(absl::string_view text) {
  std::string record = "5,107481,25128477216,-;";
  for (const char c : text) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte > 126 || c == '\\') {
      record += "\\x";
      record += kDigits[byte >> 4];
      record += kDigits[byte & 15];
    } else {
      record += c;
    }
  }
  return record + "\n";
}

v1::AppArmorPlan PlanOf(absl::string_view profile) {
  v1::AppArmorPlan plan;
  plan.set_name(std::string(profile));
  return plan;
}

void CheckNames(absl::string_view data) {
  std::vector<absl::string_view> names = absl::StrSplit(data, absl::MaxSplits('\0', 2));
  names.resize(3);
  for (absl::string_view& name : names) name = name.substr(0, 4095);
  const std::string text = absl::StrCat(
      "audit: type=1400 audit(1795729743.470:11729): apparmor=\"DENIED\" operation=\"open\" "
      "profile=",
      AsAudit(names[2]), " name=", AsAudit(names[0]), " pid=7 comm=", AsAudit(names[1]),
      " requested_mask=\"r\" denied_mask=\"r\" fsuid=9 ouid=0");
  const auto line = ParseKernelLine(AsRecord(text));
  Require(line.ok() && line->by_kernel && line->text == text, "the record is read back");
  AppArmorDenial denial;
  Require(ReadAppArmorLine(line->text, &denial) == AuditLine::kDenial, "the line is a denial");
  Require(denial.object == names[0] && denial.process == names[1] && denial.profile == names[2] &&
              denial.pid == 7u && denial.user == 9u && denial.operation == "open",
          "its names are as they were");
}

void CheckLandlockName(absl::string_view name) {
  name = name.substr(0, 4095);
  const std::string text = absl::StrCat(
      "audit: type=1423 audit(1795729743.470:11729): domain=1f blockers=fs.refer path=",
      AsAudit(name), " dev=\"vda\" ino=1");
  LandlockLine line;
  Require(ReadLandlockLine(text, &line) == AuditLine::kDenial, "the line is a denial");
  Require(line.object == name && line.domain == 0x1f && line.blockers == "fs.refer",
          "its name is as it was");
}

// The job's main process is 7, of user 9.
void CheckLandlockRecords(absl::string_view data) {
  LandlockList list({9, 7});
  std::set<uint64_t> owned;
  for (const absl::string_view each : absl::StrSplit(data, '\0')) {
    const std::string record = absl::StrCat(each, "\n");
    list.Add(record);
    const auto line = ParseKernelLine(record);
    LandlockLine read;
    if (!line.ok() || !line->by_kernel) continue;
    const AuditLine kind = ReadLandlockLine(line->text, &read);
    if (kind == AuditLine::kDomain && read.pid == 7 && read.user == 9) owned.insert(read.domain);
    if (kind != AuditLine::kDenial) continue;
    Require(read.object.size() + read.blockers.size() <= record.size() + 32,
            "a denial is no longer than its line");
  }
  v1::Report report;
  list.Fill(&report);
  Require(report.denial_size() <= static_cast<int>(LandlockList::kMostShown * owned.size()),
          "what is shown is of a domain that the job's main process made");
}

void CheckRecords(absl::string_view data) {
  AppArmorList list(PlanOf("p"), {9, 7});
  for (const absl::string_view each : absl::StrSplit(data, '\0')) {
    const std::string record = absl::StrCat(each, "\n");
    list.Add(record);
    const auto line = ParseKernelLine(record);
    AppArmorDenial denial;
    if (!line.ok() || ReadAppArmorLine(line->text, &denial) != AuditLine::kDenial) continue;
    Require(
        denial.object.size() + denial.process.size() + denial.profile.size() <= record.size() + 32,
        "a denial is no longer than its line");
  }
  v1::Report report;
  list.Fill(&report);
  Require(report.denial_size() <= static_cast<int>(AppArmorList::kMostShown),
          "the list is bounded");
  for (const v1::Denial& denial : report.denial()) Require(denial.profile() == "p", "its profile");
}

}  // namespace
}  // namespace cordon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 2 == 0) {
    cordon::CheckRecords(rest);
    cordon::CheckLandlockRecords(rest);
  } else {
    cordon::CheckNames(rest);
    cordon::CheckLandlockName(rest);
  }
  return 0;
}
