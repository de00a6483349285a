// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/script_json.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/base/utf8.h"

namespace cordon {
namespace {

// The character as it is shown, or an escape that can be read.
std::string ShownChar(absl::string_view bytes, char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (IsControl(code)) return absl::StrFormat("\\x%02x", static_cast<unsigned>(code));
  if (IsDeceptive(code)) return absl::StrFormat("\\u%04x", static_cast<unsigned>(code));
  return std::string(bytes);
}

}  // namespace

std::string ShownText(absl::string_view text, size_t most) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char next = DecodeUtf8(text, i);
    const size_t length = next.length == 0 ? 1 : next.length;
    const std::string shown = next.length == 0
                                  ? absl::StrFormat("\\x%02x", static_cast<unsigned char>(text[i]))
                                  : ShownChar(text.substr(i, length), next.code);
    if (out.size() + shown.size() > most) {
      return absl::StrCat(out, "… (", text.size() - i, " more bytes)");
    }
    out += shown;
    i += length;
  }
  return out;
}

void ScriptJson::Comma() {
  if (!fresh_) json_.push_back(',');
  fresh_ = false;
}

ScriptJson& ScriptJson::Open(char bracket) {
  Comma();
  json_.push_back(bracket);
  fresh_ = true;
  return *this;
}

ScriptJson& ScriptJson::Close(char bracket) {
  json_.push_back(bracket);
  fresh_ = false;
  return *this;
}

ScriptJson& ScriptJson::Key(absl::string_view name) {
  Text(name);
  json_.push_back(':');
  fresh_ = true;
  return *this;
}

ScriptJson& ScriptJson::Text(absl::string_view text, size_t most) {
  Comma();
  json_.push_back('"');
  for (const char c : ShownText(text, most)) {
    if (c == '<' || c == '>' || c == '&') {
      absl::StrAppendFormat(&json_, "\\u%04x", static_cast<unsigned>(c));
    } else {
      if (c == '"' || c == '\\') json_.push_back('\\');
      json_.push_back(c);
    }
  }
  json_.push_back('"');
  return *this;
}

ScriptJson& ScriptJson::Number(uint64_t value) {
  Comma();
  absl::StrAppend(&json_, value);
  return *this;
}

ScriptJson& ScriptJson::Null() { return Raw("null"); }

ScriptJson& ScriptJson::Raw(absl::string_view json) {
  Comma();
  absl::StrAppend(&json_, json);
  return *this;
}

}  // namespace cordon
