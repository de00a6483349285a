// SPDX-License-Identifier: Apache-2.0
// Output of a job as a terminal may see it. Arrives in pieces that may cut a character in two.
#ifndef CORDON_SANDBOX_SUPERVISE_TERMINAL_TEXT_H_
#define CORDON_SANDBOX_SUPERVISE_TERMINAL_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

// Passes printable UTF-8, newlines and tabs. Controls, also those that UTF-8 writes with two bytes
// (U+009B begins a command as ESC [ does), characters that make text read otherwise than it is
// written, and bytes that are not UTF-8 become \xNN.
class TerminalText {
 public:
  void Append(absl::string_view bytes, std::string* out);
  // No more bytes: a character that was cut off is shown as what it is.
  void Finish(std::string* out);

 private:
  std::string begun_;  // the first bytes of a character, at most 3
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_TERMINAL_TEXT_H_
