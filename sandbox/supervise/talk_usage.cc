// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/talk_usage.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace cordon {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;
using google::protobuf::RepeatedPtrField;

enum class Rule { kSum, kLargest };

// A field that is in neither list is not in the job's usage, and the test says so.
constexpr int kSums[] = {
    v1::Usage::kCpuTimeFieldNumber,           v1::Usage::kUserTimeFieldNumber,
    v1::Usage::kSystemTimeFieldNumber,        v1::Usage::kCleanupCpuTimeFieldNumber,
    v1::Usage::kMemoryPeakBytesFieldNumber,   v1::Usage::kPidsPeakFieldNumber,
    v1::Usage::kOutputBytesFieldNumber,       v1::Usage::kStdoutBytesFieldNumber,
    v1::Usage::kStderrBytesFieldNumber,       v1::Usage::kMemoryAnonBytesFieldNumber,
    v1::Usage::kMemoryFileBytesFieldNumber,   v1::Usage::kMemoryShmemBytesFieldNumber,
    v1::Usage::kMemoryKernelBytesFieldNumber, v1::Usage::kSwapPeakBytesFieldNumber,
    v1::Usage::kIoReadBytesFieldNumber,       v1::Usage::kIoWriteBytesFieldNumber,
    v1::Usage::kIoReadOperationsFieldNumber,  v1::Usage::kIoWriteOperationsFieldNumber,
    v1::Usage::kVoluntarySwitchesFieldNumber, v1::Usage::kInvoluntarySwitchesFieldNumber,
    v1::Usage::kMinorFaultsFieldNumber,       v1::Usage::kMajorFaultsFieldNumber,
    v1::Usage::kThrottledTimeFieldNumber,     v1::Usage::kThrottledPeriodsFieldNumber};
constexpr int kLargest[] = {
    v1::Usage::kWallTimeFieldNumber,       v1::Usage::kSupervisorPeakRssBytesFieldNumber,
    v1::Usage::kStolenTimeFieldNumber,     v1::Usage::kCpuPressureFieldNumber,
    v1::Usage::kMemoryPressureFieldNumber, v1::Usage::kIoPressureFieldNumber,
    v1::Usage::kCpuPressureFullFieldNumber};

template <size_t N>
bool In(const int (&list)[N], const FieldDescriptor& field) {
  return std::count(std::begin(list), std::end(list), field.number()) > 0;
}

template <typename Number>
Number Joined(Rule rule, Number a, Number b) {
  return rule == Rule::kSum ? a + b : std::max(a, b);
}

int64_t Nanoseconds(const Duration& duration) {
  return duration.seconds() * 1'000'000'000 + duration.nanos();
}

void Join(const FieldDescriptor& field, Rule rule, const v1::Usage& more, v1::Usage* sum) {
  const Reflection& of = *v1::Usage::GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      of.SetUInt32(sum, &field,
                   Joined(rule, of.GetUInt32(*sum, &field), of.GetUInt32(more, &field)));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      of.SetUInt64(sum, &field,
                   Joined(rule, of.GetUInt64(*sum, &field), of.GetUInt64(more, &field)));
      return;
    default: {  // every message in it is a Duration
      if (!of.HasField(more, &field)) return;
      auto* total = static_cast<Duration*>(of.MutableMessage(sum, &field));
      const auto& part = static_cast<const Duration&>(of.GetMessage(more, &field));
      const int64_t ns = Joined(rule, Nanoseconds(*total), Nanoseconds(part));
      total->set_seconds(ns / 1'000'000'000);
      total->set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
    }
  }
}

bool Holds(const RepeatedPtrField<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Those that ran; a report without a usage is of one without a verdict.
std::vector<const v1::SandboxReport*> Ran(const v1::Report& job) {
  std::vector<const v1::SandboxReport*> ran;
  for (const v1::SandboxReport& each : job.sandbox()) {
    if (!each.report().setup_only()) ran.push_back(&each);
  }
  return ran;
}

}  // namespace

void AddUsage(v1::Report* job) {
  const std::vector<const v1::SandboxReport*> ran = Ran(*job);
  if (ran.empty()) return;
  v1::Usage sum;
  for (int i = 0; i < v1::Usage::descriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *v1::Usage::descriptor()->field(i);
    if (!In(kSums, field) && !In(kLargest, field)) continue;
    size_t unknown = 0;
    size_t at_least = 0;
    for (const v1::SandboxReport* each : ran) {
      const v1::Usage& usage = each->report().usage();
      Join(field, In(kSums, field) ? Rule::kSum : Rule::kLargest, usage, &sum);
      if (!each->report().has_usage() || Holds(usage.unknown(), field.name())) {
        ++unknown;
      } else if (Holds(usage.lower_bound(), field.name())) {
        ++at_least;
      }
    }
    if (unknown == ran.size()) {
      sum.add_unknown(field.name());
    } else if (unknown + at_least > 0) {
      sum.add_lower_bound(field.name());
    }
  }
  *job->mutable_usage() = std::move(sum);
}

void AddTiming(v1::Report* job) {
  const std::vector<const v1::SandboxReport*> ran = Ran(*job);
  bool clean = !ran.empty();
  for (const v1::SandboxReport* each : ran) {
    const v1::Report& report = each->report();
    clean &= report.timing_quality() == v1::CLEAN;
    for (const std::string& reason : report.timing_reason()) {
      job->add_timing_reason(absl::StrCat(each->name(), ": ", reason));
    }
    if (report.timing_quality() == v1::TAINTED) job->set_timing_quality(v1::TAINTED);
  }
  if (clean) job->set_timing_quality(v1::CLEAN);
}

}  // namespace cordon
