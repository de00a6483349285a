// SPDX-License-Identifier: Apache-2.0
// The table of quantities. Defaults repeat those of the comments in policy.proto; the test reads
// both. Ranges: what the kernel takes, cut where a larger value could only be a mistake.
#include "policy/quantity.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "policy/base/units.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = kKiB * kKiB;
constexpr uint64_t kGiB = kMiB * kKiB;
constexpr uint64_t kMillisecond = uint64_t{1000} * 1000;
constexpr uint64_t kWeek = uint64_t{7} * 24 * 3600 * 1000 * kMillisecond;
constexpr uint64_t kLargestSize = INT64_MAX;
constexpr uint64_t kLargestCount = UINT32_MAX;
constexpr uint64_t kMostProcesses = 100000;
constexpr uint64_t kLargestId = UINT32_MAX - 1;  // -1 means "no change" to setuid(2) and chown(2)

constexpr absl::string_view kLimits = "cordon.v1.Limits";
constexpr absl::string_view kCgroup = "cordon.v1.Cgroup";
constexpr absl::string_view kIo = "cordon.v1.IoLimit";
constexpr absl::string_view kHealth = "cordon.v1.HealthCheck";
constexpr absl::string_view kTmpfs = "cordon.v1.Tmpfs";
constexpr absl::string_view kCopyOut = "cordon.v1.CopyOut";

constexpr QuantityKind kSize = QuantityKind::kSize;
constexpr QuantityKind kDuration = QuantityKind::kDuration;
constexpr QuantityKind kCount = QuantityKind::kCount;

constexpr Quantity Required(Quantity quantity) {
  quantity.required = true;
  return quantity;
}
constexpr Quantity OrZero(Quantity quantity) {
  quantity.zero = true;
  return quantity;
}
constexpr Quantity OrUnlimited(Quantity quantity) {
  quantity.unlimited = true;
  return quantity;
}

constexpr Quantity kQuantities[] = {
    {"cordon.v1.Identity", "uid", kCount, 0, kLargestId, "1000"},
    {"cordon.v1.Identity", "gid", kCount, 0, kLargestId, "1000"},
    Required({kTmpfs, "size", kSize, 4 * kKiB, 64 * kGiB, nullptr}),
    {kTmpfs, "inodes", kCount, 1, 100000000, "4096"},
    {kTmpfs, "mode", kCount, 0, 01777, "1023"},  // 01777
    {"cordon.v1.Dev", "shm_size", kSize, 4 * kKiB, 64 * kGiB, nullptr},
    // A wall limit always exists: a week is the longest job.
    {kLimits, "wall_time", kDuration, kMillisecond, kWeek, "10s"},
    OrUnlimited({kLimits, "cpu_time", kDuration, kMillisecond, INT64_MAX, "5s"}),
    {kLimits, "memory", kSize, kMiB, kLargestSize, "256MiB"},
    OrZero({kLimits, "swap", kSize, kMiB, kLargestSize, "0"}),
    {kLimits, "processes", kCount, 1, kMostProcesses, "64"},
    OrUnlimited({kLimits, "output", kSize, 1, kLargestSize, "16MiB"}),
    OrUnlimited({kLimits, "file_size", kSize, 1, kLargestSize, "64MiB"}),
    // With fewer the set-up of the job itself fails (EMFILE), whatever the program needs.
    {kLimits, "open_files", kCount, 16, 1048576, "256"},
    // exec(2) gives arguments a quarter of it and refuses to start below some pages.
    OrUnlimited({kLimits, "stack", kSize, 64 * kKiB, kLargestSize, "8MiB"}),
    // Below, a job that waits for its first input on a busy machine would be taken for idle.
    OrUnlimited({kLimits, "idle_time", kDuration, 100 * kMillisecond, kWeek, "unlimited"}),
    OrZero({kLimits, "extra_time", kDuration, kMillisecond, kWeek, "0"}),
    OrUnlimited({kLimits, "stdout_size", kSize, 1, kLargestSize, "unlimited"}),
    OrUnlimited({kLimits, "stderr_size", kSize, 1, kLargestSize, "unlimited"}),
    {kCgroup, "memory_max", kSize, kMiB, kLargestSize, nullptr},
    {kCgroup, "memory_high", kSize, kMiB, kLargestSize, nullptr},
    OrZero({kCgroup, "swap_max", kSize, kMiB, kLargestSize, nullptr}),
    {kCgroup, "pids_max", kCount, 1, kMostProcesses, nullptr},
    {kCgroup, "cpu_max", QuantityKind::kMilli, 10, uint64_t{1024} * 1000, nullptr},
    {kCgroup, "cpu_weight", kCount, 1, 10000, nullptr},
    {kIo, "read_bytes_per_second", kSize, kKiB, kLargestSize, nullptr},
    {kIo, "write_bytes_per_second", kSize, kKiB, kLargestSize, nullptr},
    {kIo, "read_operations_per_second", kCount, 1, kLargestCount, nullptr},
    {kIo, "write_operations_per_second", kCount, 1, kLargestCount, nullptr},
    // Zeros of a sparse file are read and hashed, too: the largest takes a minute.
    {kCopyOut, "max_size", kSize, 1, 16 * kGiB, "64MiB"},
    {kCopyOut, "max_files", kCount, 1, 100000, "1000"},
    {kCopyOut, "max_depth", kCount, 1, 128, "32"},
    {"cordon.v1.JobSpec", "timeline", kDuration, kMillisecond, kWeek, nullptr},
    {kHealth, "interval", kDuration, kMillisecond, kWeek, "30s"},
    {kHealth, "timeout", kDuration, kMillisecond, kWeek, "30s"},
    {kHealth, "retries", kCount, 1, 1000, "3"},
    OrZero({kHealth, "start_period", kDuration, kMillisecond, kWeek, "0"}),
    OrZero({"cordon.v1.Cancel", "grace", kDuration, kMillisecond, kWeek, "0"}),
};

const FieldDescriptor* FieldOf(const Message& message, const Quantity& quantity) {
  return message.GetDescriptor()->FindFieldByName(std::string(quantity.field));
}

absl::StatusOr<uint64_t> ParseQuantity(const Quantity& quantity, const std::string& text) {
  switch (quantity.kind) {
    case QuantityKind::kSize:
      return quantity.unlimited ? ParseSizeOrUnlimited(text) : ParseSize(text);
    case QuantityKind::kDuration:
      return quantity.unlimited ? ParseDurationOrUnlimited(text) : ParseDuration(text);
    case QuantityKind::kMilli:
      return ParseMilli(text);
    case QuantityKind::kCount:
      break;
  }
  uint64_t count = 0;
  if (!absl::SimpleAtoi(text, &count)) return absl::InvalidArgumentError("is not a number");
  return count;
}

absl::Status OutOfRange(const Quantity& quantity, uint64_t value) {
  const std::string least = FormatQuantity(quantity.kind, quantity.least);
  const uint64_t largest = quantity.kind == QuantityKind::kCount ? kLargestCount : kLargestSize;
  std::string range = absl::StrCat("at least ", least, " is allowed");
  if (quantity.most < largest) {
    range =
        absl::StrCat(least, " to ", FormatQuantity(quantity.kind, quantity.most), " is allowed");
  }
  if (value == 0) absl::StrAppend(&range, ", and 0 never means unlimited");
  return absl::InvalidArgumentError(
      absl::StrCat("is ", FormatQuantity(quantity.kind, value), "; ", range));
}

}  // namespace

std::vector<const Quantity*> QuantitiesOf(const google::protobuf::Descriptor* type) {
  std::vector<const Quantity*> rows;
  for (const Quantity& quantity : kQuantities) {
    if (quantity.message == type->full_name()) rows.push_back(&quantity);
  }
  return rows;
}

bool HasQuantity(const Message& message, const Quantity& quantity) {
  return message.GetReflection()->HasField(message, FieldOf(message, quantity));
}

absl::StatusOr<uint64_t> ReadQuantity(const Message& message, const Quantity& quantity) {
  const FieldDescriptor* field = FieldOf(message, quantity);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  uint64_t value = 0;
  if (quantity.kind == QuantityKind::kCount) {
    value = reflection.GetUInt32(message, field);
  } else {
    CORDON_ASSIGN_OR_RETURN(value, ParseQuantity(quantity, reflection.GetString(message, field)));
  }
  const bool allowed = (value >= quantity.least && value <= quantity.most) ||
                       (value == 0 && quantity.zero) || (value == kUnlimited && quantity.unlimited);
  if (!allowed) return OutOfRange(quantity, value);
  return value;
}

void WriteQuantity(Message* message, const Quantity& quantity, uint64_t value) {
  const FieldDescriptor* field = FieldOf(*message, quantity);
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  if (quantity.kind == QuantityKind::kCount) {
    reflection.SetUInt32(message, field, static_cast<uint32_t>(value));
  } else {
    reflection.SetString(message, field, FormatQuantity(quantity.kind, value));
  }
}

void NormalizeQuantities(Message* message) {
  for (const Quantity* quantity : QuantitiesOf(message->GetDescriptor())) {
    if (HasQuantity(*message, *quantity)) {
      const absl::StatusOr<uint64_t> value = ReadQuantity(*message, *quantity);
      if (value.ok()) WriteQuantity(message, *quantity, *value);
    } else if (quantity->default_value != nullptr) {
      const absl::StatusOr<uint64_t> value = ParseQuantity(*quantity, quantity->default_value);
      if (value.ok()) WriteQuantity(message, *quantity, *value);
    }
  }
}

std::string FormatQuantity(QuantityKind kind, uint64_t value) {
  switch (kind) {
    case QuantityKind::kSize:
      return FormatSize(value);
    case QuantityKind::kDuration:
      return FormatDuration(value);
    case QuantityKind::kMilli:
      return FormatMilli(value);
    case QuantityKind::kCount:
      break;
  }
  return absl::StrCat(value);
}

}  // namespace cordon
