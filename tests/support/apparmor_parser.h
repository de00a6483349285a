// SPDX-License-Identifier: Apache-2.0
// The real apparmor_parser for tests: compiles a profile without loading it and reads the automata
// of the result, so that a test asks what the kernel would answer and not how the text looks.
// Entry points: CORDON_NEEDS_APPARMOR_PARSER, CompileWithParser,
// ParseWithParser.
#ifndef CORDON_TESTS_SUPPORT_APPARMOR_PARSER_H_
#define CORDON_TESTS_SUPPORT_APPARMOR_PARSER_H_

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace cordon {

inline constexpr char kAppArmorParser[] = "/usr/sbin/apparmor_parser";
// What the parser takes the kernel's features from where no kernel of AppArmor runs.
inline constexpr char kAppArmorFeatures[] = "/etc/apparmor.d/abi/3.0";

#define CORDON_NEEDS_APPARMOR_PARSER()                                                    \
  do {                                                                                    \
    if (::access(kAppArmorParser, X_OK) != 0 || ::access(kAppArmorFeatures, R_OK) != 0) { \
      GTEST_SKIP() << "needs apparmor_parser (Debian package apparmor)";                  \
    }                                                                                     \
  } while (false)

// Permissions of the file automaton (kernel: security/apparmor/include/file.h), of the owner.
inline constexpr uint32_t kAaExec = 1;
inline constexpr uint32_t kAaWrite = 2;
inline constexpr uint32_t kAaRead = 4;
inline constexpr uint32_t kAaLink = 16;
inline constexpr uint32_t kAaLock = 32;
inline constexpr uint32_t kAaMap = 64;
inline constexpr uint32_t kAaPermissions = 0x77;
inline constexpr unsigned kAaOtherShift = 14;

// A compiled automaton: tables in big endian behind a header (kernel: security/apparmor/match.c).
class AppArmorAutomaton {
 public:
  static absl::StatusOr<AppArmorAutomaton> Read(absl::string_view blob) {
    const size_t start = blob.find("\x1b\x5e\x78\x3d");
    if (start == absl::string_view::npos) return absl::InvalidArgumentError("no automaton");
    blob.remove_prefix(start);
    AppArmorAutomaton automaton;
    const size_t size = Number(blob, 8, 4);
    for (size_t at = Number(blob, 4, 4); at + 12 <= size;) {
      const size_t id = Number(blob, at, 2);
      const size_t width = Number(blob, at + 2, 2);
      const size_t count = Number(blob, at + 8, 4);
      if (width == 0 || at + 12 + count * width > blob.size()) {
        return absl::InvalidArgumentError("a table is cut");
      }
      if (id >= automaton.tables_.size()) return absl::InvalidArgumentError("an odd table");
      std::vector<uint32_t>& table = automaton.tables_[id];
      for (size_t i = 0; i < count; ++i) {
        table.push_back(static_cast<uint32_t>(Number(blob, at + 12 + i * width, width)));
      }
      at = (at + 12 + count * width + 7) / 8 * 8;
    }
    for (const size_t id : {kAccept, kBase, kCheck, kDefault, kNext}) {
      if (automaton.tables_[id].empty()) return absl::InvalidArgumentError("a table is missing");
    }
    return automaton;
  }

  static constexpr uint32_t kStart = 1;

  uint32_t Run(uint32_t state, absl::string_view bytes) const {
    for (const char c : bytes) state = Step(state, static_cast<unsigned char>(c));
    return state;
  }

  uint32_t AcceptOf(uint32_t state) const { return tables_[kAccept][state]; }

  // Everything that some longer string than `bytes` is allowed, or'ed together.
  uint32_t ReachableBehind(absl::string_view bytes) const {
    std::set<uint32_t> seen;
    std::vector<uint32_t> open = {Run(kStart, bytes)};
    uint32_t all = 0;
    while (!open.empty()) {
      const uint32_t state = open.back();
      open.pop_back();
      for (unsigned byte = 0; byte < 256; ++byte) {
        const uint32_t next = Step(state, static_cast<unsigned char>(byte));
        if (!seen.insert(next).second) continue;
        all |= AcceptOf(next);
        open.push_back(next);
      }
    }
    return all;
  }

 private:
  enum Table : size_t { kAccept = 1, kBase = 2, kCheck = 3, kDefault = 4, kClasses = 5, kNext = 8 };

  static size_t Number(absl::string_view bytes, size_t at, size_t width) {
    size_t value = 0;
    for (size_t i = 0; i < width && at + i < bytes.size(); ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
  }

  uint32_t Step(uint32_t state, unsigned char byte) const {
    constexpr uint32_t kDifferential = 0x80000000;  // the default state is asked again
    const std::vector<uint32_t>& check = tables_[kCheck];
    const uint32_t symbol = tables_[kClasses].empty() ? byte : tables_[kClasses][byte];
    for (;;) {
      const uint32_t base = tables_[kBase][state];
      const size_t slot = (base & 0xffffff) + symbol;
      if (slot < check.size() && check[slot] == state) return tables_[kNext][slot];
      state = tables_[kDefault][state];
      if ((base & kDifferential) == 0) return state;
    }
  }

  std::array<std::vector<uint32_t>, 9> tables_;
};

// A profile as the kernel gets it: the automaton of files, and that of all other classes.
struct CompiledProfile {
  AppArmorAutomaton policy;
  AppArmorAutomaton files;

  // What may be done with the path; linking only where the pair of names is allowed too.
  uint32_t Allowed(absl::string_view path) const {
    const uint32_t state = files.Run(AppArmorAutomaton::kStart, path);
    const uint32_t accept = files.AcceptOf(state);
    uint32_t allowed = accept & accept >> kAaOtherShift & kAaPermissions;
    const uint32_t pair = files.Run(files.Run(state, absl::string_view("\0", 1)), "/any");
    if ((files.AcceptOf(pair) & kAaLink) == 0) allowed &= ~kAaLink;
    return allowed;
  }

  // A class of rules (kernel: security/apparmor/include/apparmor.h): true when the profile decides
  // about it at all (the class alone is a marker), and what it allows somewhere.
  bool Mediates(char which) const {
    return policy.Run(AppArmorAutomaton::kStart, absl::string_view(&which, 1)) != 0;
  }
  uint32_t Grants(char which) const { return policy.ReachableBehind(absl::string_view(&which, 1)); }
};

inline constexpr char kAaClassMount = 7;
inline constexpr char kAaClassPtrace = 9;
inline constexpr char kAaClassSignal = 10;
inline constexpr char kAaClassNet = 14;

// The binary that the parser makes of the text, with every warning an error. INVALID_ARGUMENT with
// what it said.
inline absl::StatusOr<std::string> ParseWithParser(absl::string_view text) {
  const std::string stem =
      absl::StrCat(testing::TempDir(), "/cordon-apparmor-", static_cast<int>(::getpid()));
  const auto read = [](const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  };
  std::ofstream(stem + ".in", std::ios::binary) << text;
  const std::string command = absl::StrCat(
      kAppArmorParser, " --skip-kernel-load --skip-cache --Werror --features-file ",
      kAppArmorFeatures, " --ofile '", stem, ".out' '", stem, ".in' >'", stem, ".err' 2>&1");
  const int status = std::system(command.c_str());  // NOLINT(cert-env33-c): constant but the folder
  const std::string said = read(stem + ".err");
  std::string binary = read(stem + ".out");
  for (const char* end : {".in", ".out", ".err"}) ::unlink(absl::StrCat(stem, end).c_str());
  if (status != 0 || !said.empty()) return absl::InvalidArgumentError(said);
  return binary;
}

// Compiles a text of one profile that confines.
inline absl::StatusOr<CompiledProfile> CompileWithParser(absl::string_view text) {
  const absl::StatusOr<std::string> binary = ParseWithParser(text);
  if (!binary.ok()) return binary.status();
  // Named blobs: the automaton of the classes comes first, that of the files last.
  std::vector<AppArmorAutomaton> automata;
  for (size_t at = binary->find("aadfa"); at != std::string::npos;
       at = binary->find("aadfa", at + 1)) {
    absl::StatusOr<AppArmorAutomaton> automaton =
        AppArmorAutomaton::Read(absl::string_view(*binary).substr(at));
    if (!automaton.ok()) return automaton.status();
    automata.push_back(*std::move(automaton));
  }
  if (automata.size() != 2) return absl::InternalError(absl::StrCat(automata.size(), " automata"));
  return CompiledProfile{std::move(automata[0]), std::move(automata[1])};
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_APPARMOR_PARSER_H_
