// SPDX-License-Identifier: Apache-2.0
// A call that was made, in the words that policies use. Entry point: CallInWords.
#ifndef CORDON_POLICY_BPF_CALL_WORDS_H_
#define CORDON_POLICY_BPF_CALL_WORDS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "policy/bpf/syscall_table.h"

namespace cordon {

// The types of the call's arguments, as many as it has; none of a call that has no name.
std::vector<ArgumentType> ArgumentsOf(absl::string_view call, Architecture architecture);

// The bits of a register that the kernel reads for an argument of this type.
uint64_t BitsRead(const ArgumentType& type, uint64_t value);

// "-1", "0x80042": an argument as the kernel reads it; a signed one in decimal.
std::string ArgumentText(const ArgumentType& type, uint64_t value);

// What a policy would write for this argument of this call: "AF_INET", "CLONE_NEWUSER|CLONE_NEWNS";
// "" when the value has no name at this place.
std::string ConstantName(absl::string_view call, uint32_t argument, uint64_t value);

// "socket(AF_INET=2, 3, 0)"; "call 999()" of a number without a name.
std::string CallInWords(uint32_t number, const std::array<uint64_t, 6>& args,
                        Architecture architecture);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CALL_WORDS_H_
