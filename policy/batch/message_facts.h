// SPDX-License-Identifier: Apache-2.0
// A message as a flat list of facts with units, taken from its schema: what a page shows of fields
// that it has no words of its own for, those of later versions too. PURE.
#ifndef CORDON_POLICY_BATCH_MESSAGE_FACTS_H_
#define CORDON_POLICY_BATCH_MESSAGE_FACTS_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cordon {

struct Fact {
  std::string name;                // "cpu_time", "group.member[2].field"
  std::string unit;                // "ns", "bytes", "count", "text"
  std::optional<uint64_t> number;  // absent: `text` is the value
  std::string text;
};

// Facts of every field that is set, in the order of the schema; fields named in `without` (of
// `message` itself) are left out. At most `most`; `left_out` counts the rest.
std::vector<Fact> FactsOf(const google::protobuf::Message& message,
                          const std::set<std::string>& without, size_t most, size_t* left_out);

// The value of a limit as it is written in policies ("256MiB", "1500ms", "64") as a fact of the
// field: a number, or the text when it is none ("unlimited").
Fact LimitFact(const std::string& name, const std::string& value);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_MESSAGE_FACTS_H_
