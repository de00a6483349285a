// SPDX-License-Identifier: Apache-2.0
// Every size, duration and number of the schema with its range and default, in one table. Reading,
// checking, normalising and comparing all go through it, so that no field can be checked in one
// place and forgotten in another. Pure functions over messages.
#ifndef CORDON_POLICY_QUANTITY_H_
#define CORDON_POLICY_QUANTITY_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

enum class QuantityKind {
  kSize,      // string with a unit, in bytes
  kDuration,  // string with a unit, in nanoseconds
  kMilli,     // decimal string, in thousandths
  kCount,     // uint32
};

struct Quantity {
  absl::string_view message;  // full name of the message type
  absl::string_view field;
  QuantityKind kind;
  uint64_t least;
  uint64_t most;
  // Written when the field is absent: a default; nullptr: the field stays absent.
  const char* default_value;
  bool required = false;   // an absent field is an error
  bool zero = false;       // 0 is allowed although it is below `least`
  bool unlimited = false;  // the word "unlimited" is allowed and means kUnlimited
};

// The rows of one message type.
std::vector<const Quantity*> QuantitiesOf(const google::protobuf::Descriptor* type);

bool HasQuantity(const google::protobuf::Message& message, const Quantity& quantity);

// The value of a set field, parsed and in range; the message of an error says what is allowed.
absl::StatusOr<uint64_t> ReadQuantity(const google::protobuf::Message& message,
                                      const Quantity& quantity);

// Sets the field to the canonical form of a value.
void WriteQuantity(google::protobuf::Message* message, const Quantity& quantity, uint64_t value);

// Canonical forms for all set fields of a valid message, defaults for the others.
void NormalizeQuantities(google::protobuf::Message* message);

// "256MiB", "1500ms", "0.5", "64".
std::string FormatQuantity(QuantityKind kind, uint64_t value);

}  // namespace cordon

#endif  // CORDON_POLICY_QUANTITY_H_
