// SPDX-License-Identifier: Apache-2.0
// Writes JSON that may stand inside a <script> element of a page: whatever the bytes of a job are,
// the element ends where its writer ends it, and a reader sees every byte that could steer it.
#ifndef CORDON_POLICY_BATCH_SCRIPT_JSON_H_
#define CORDON_POLICY_BATCH_SCRIPT_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

// `text` as a reader may see it: controls, characters that reorder text and bytes that are not
// UTF-8 as visible escapes. Cut behind `most` bytes, and then it says how many are left out.
std::string ShownText(absl::string_view text, size_t most);

// Commas are put by the writer; brackets are the caller's to balance.
class ScriptJson {
 public:
  ScriptJson& Open(char bracket);   // '{' or '['
  ScriptJson& Close(char bracket);  // '}' or ']'
  ScriptJson& Key(absl::string_view name);
  // A string of ShownText, with `<`, `>`, `&` and the line separators of JavaScript as \u escapes.
  ScriptJson& Text(absl::string_view text, size_t most = kMostText);
  ScriptJson& Number(uint64_t value);
  ScriptJson& Null();
  // JSON that another writer made.
  ScriptJson& Raw(absl::string_view json);

  const std::string& json() const { return json_; }

  static constexpr size_t kMostText = 300;

 private:
  void Comma();
  std::string json_;
  bool fresh_ = true;  // nothing stands before the next value in its bracket
};

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_SCRIPT_JSON_H_
