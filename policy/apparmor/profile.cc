// SPDX-License-Identifier: Apache-2.0
// Writes a profile, section by section. No text of the policy but escaped paths comes into it: its
// comments are constants, since "#include" is an order and not a comment.
#include "policy/apparmor/profile.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/apparmor/file_rules.h"
#include "policy/apparmor/filter_reach.h"
#include "policy/apparmor/narrowed_mounts.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

constexpr size_t kLongestName = 128;
constexpr size_t kMaxProfileBytes = size_t{8} << 20;

constexpr uint64_t kUnix = 1;
constexpr uint64_t kInet = 2;
constexpr uint64_t kInet6 = 10;
constexpr uint64_t kNetlink = 16;

// Families by number, as apparmor_parser 3.0 names them (abi/3.0, network/af_mask). What has no
// word is not granted.
constexpr absl::string_view kFamilies[] = {
    "",        "unix",    "inet",    "ax25",   "ipx",        "appletalk", "netrom",   "bridge",
    "atmpvc",  "x25",     "inet6",   "rose",   "",           "netbeui",   "security", "key",
    "netlink", "packet",  "ash",     "econet", "atmsvc",     "rds",       "sna",      "irda",
    "pppox",   "wanpipe", "llc",     "ib",     "mpls",       "can",       "tipc",     "bluetooth",
    "iucv",    "rxrpc",   "isdn",    "phonet", "ieee802154", "caif",      "alg",      "nfc",
    "vsock",   "kcm",     "qipcrtr", "smc",    "xdp"};

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

class ProfileWriter {
 public:
  ProfileWriter(const v1::Plan& plan, absl::string_view name, AppArmorAbi abi)
      : plan_(plan), name_(name), abi_(abi) {}

  absl::StatusOr<std::string> Write();

 private:
  void Section(absl::string_view comment) { absl::StrAppend(&text_, "\n  # ", comment, "\n"); }
  void Rule(absl::string_view rule) { absl::StrAppend(&text_, "  ", rule, ",\n"); }
  void WriteFiles(const std::vector<AppArmorFileRule>& rules);
  void WriteNetwork();
  bool NetworkHas(uint64_t family) const;
  void WriteProcesses();
  void WritePrivileges();

  const v1::Plan& plan_;
  const absl::string_view name_;
  const AppArmorAbi abi_;
  std::string text_;
};

void ProfileWriter::WriteFiles(const std::vector<AppArmorFileRule>& rules) {
  Section("Files, by their paths inside.");
  for (const AppArmorFileRule& rule : rules) {
    Rule(absl::StrCat(rule.deny ? "audit deny " : "", "\"", rule.pattern, "\" ", rule.modes));
  }
}

// What the network that the plan gives could ever be used with.
bool ProfileWriter::NetworkHas(uint64_t family) const {
  if (!plan_.net().own_namespace() || family == kUnix) return true;
  return plan_.net().loopback_up() && (family == kInet || family == kInet6 || family == kNetlink);
}

void ProfileWriter::WriteNetwork() {
  std::vector<std::string> rules;
  for (uint64_t family = 0; family < std::size(kFamilies); ++family) {
    const absl::string_view word = kFamilies[family];
    if (word.empty() || !NetworkHas(family)) continue;
    if (!FilterMayAllow(plan_.seccomp(), "socket", family) &&
        !FilterMayAllow(plan_.seccomp(), "socketpair", family)) {
      continue;
    }
    if ((family == kInet || family == kInet6) && plan_.caps().enabled()) {
      rules.push_back(absl::StrCat("network ", word, " stream"));
      rules.push_back(absl::StrCat("network ", word, " dgram"));
    } else {
      rules.push_back(absl::StrCat("network ", word));
    }
  }
  Section(rules.empty() ? "No sockets." : "Sockets.");
  for (const std::string& rule : rules) Rule(rule);
}

void ProfileWriter::WriteProcesses() {
  Section("Processes. Without the first rule nobody but the kernel could end the job.");
  Rule("signal (receive) peer=unconfined");
  // The label of the launcher where a host confines those who make user namespaces.
  Rule("signal (receive) peer=cordon");
  Rule(absl::StrCat("signal (send, receive) peer=", name_));
  for (const absl::string_view call :
       {"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"}) {
    if (!FilterMayAllow(plan_.seccomp(), call)) continue;
    Rule(absl::StrCat("ptrace (trace, read, tracedby, readby) peer=", name_));
    break;
  }
}

void ProfileWriter::WritePrivileges() {
  const bool keeps_capabilities = !plan_.caps().enabled();
  const bool newer = abi_ == AppArmorAbi::k4_0;
  if (keeps_capabilities || newer) Section("Privileges.");
  if (keeps_capabilities) Rule("capability");
  if (!newer) return;
  // Written out, so that no rule that an administrator adds brings them back. No word about
  // io_uring: the parser has one, but abi/4.0 does not list the class, so nothing would hold it.
  Rule("audit deny userns");
  if (FilterMayAllow(plan_.seccomp(), "mq_open")) Rule("mqueue type=posix");
}

absl::StatusOr<std::string> ProfileWriter::Write() {
  CORDON_RETURN_IF_ERROR(CheckAppArmorProfileName(name_));
  CORDON_ASSIGN_OR_RETURN(
      const std::vector<AppArmorFileRule> files,
      AppArmorFileRules(NarrowedMounts(plan_.mount(), plan_.apparmor().file())));
  text_ = absl::StrCat(
      "# Compiled by Cordon from a policy: change the policy, not this text.\n"
      "abi <abi/",
      abi_ == AppArmorAbi::k4_0 ? "4.0" : "3.0", ">,\n\n", "profile ", name_,
      // attach_disconnected: descriptors of the old root would fail even fstat. mediate_deleted:
      // files that never had a name (O_TMPFILE) could not be opened.
      " flags=(attach_disconnected,mediate_deleted) {");
  WriteFiles(files);
  WriteNetwork();
  WriteProcesses();
  WritePrivileges();
  text_ += "}\n";
  if (text_.size() > kMaxProfileBytes) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("the profile would have ", text_.size(), " bytes; at most ",
                              kMaxProfileBytes, " are allowed"))
        .Field("mounts");
  }
  return std::move(text_);
}

}  // namespace

absl::Status CheckAppArmorProfileName(absl::string_view name) {
  bool good = !name.empty() && name.size() <= kLongestName &&
              absl::ascii_isalpha(static_cast<unsigned char>(name[0]));
  for (const char c : name) good = good && IsNameByte(c);
  if (good) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(name.substr(0, kLongestName)),
                            "\" cannot name a profile"))
      .Hint("1 to 128 of A-Z a-z 0-9 . _ - beginning with a letter");
}

std::string AppArmorProfileName(absl::string_view policy_name) {
  std::string name = "cordon-";
  for (const char c : policy_name.substr(0, kLongestName - name.size())) {
    name += c == '/' ? '-' : (IsNameByte(c) ? c : '_');
  }
  return name;
}

absl::StatusOr<std::string> CompileAppArmorProfile(const v1::Plan& plan, absl::string_view name,
                                                   AppArmorAbi abi) {
  absl::StatusOr<std::string> text = ProfileWriter(plan, name, abi).Write();
  if (!text.ok()) return WithLayer(text.status(), "apparmor");
  return text;
}

}  // namespace cordon
