// SPDX-License-Identifier: Apache-2.0
// The usage of several sandboxes, field by field: each field of the message has its rule here, and
// one that has none fails.
#include "sandbox/supervise/talk_usage.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using testing::ElementsAre;
using testing::IsEmpty;

// What a job of two sandboxes that used 5 and 3 used.
const std::map<std::string, uint64_t>& Rules() {
  constexpr uint64_t kSum = 8;
  constexpr uint64_t kLargest = 5;
  static const auto* const rules = new std::map<std::string, uint64_t>{
      {"cpu_time", kSum},
      {"user_time", kSum},
      {"system_time", kSum},
      {"cleanup_cpu_time", kSum},
      {"wall_time", kLargest},
      {"memory_peak_bytes", kSum},
      {"pids_peak", kSum},
      {"output_bytes", kSum},
      {"stdout_bytes", kSum},
      {"stderr_bytes", kSum},
      {"supervisor_peak_rss_bytes", kLargest},
      {"memory_anon_bytes", kSum},
      {"memory_file_bytes", kSum},
      {"memory_shmem_bytes", kSum},
      {"memory_kernel_bytes", kSum},
      {"swap_peak_bytes", kSum},
      {"io_read_bytes", kSum},
      {"io_write_bytes", kSum},
      {"io_read_operations", kSum},
      {"io_write_operations", kSum},
      {"voluntary_switches", kSum},
      {"involuntary_switches", kSum},
      {"minor_faults", kSum},
      {"major_faults", kSum},
      {"throttled_time", kSum},
      {"throttled_periods", kSum},
      {"cpu_pressure", kLargest},
      {"memory_pressure", kLargest},
      {"io_pressure", kLargest},
      {"cpu_pressure_full", kLargest},
      {"stolen_time", kLargest},
  };
  return *rules;
}

// All but the lists of names.
std::vector<const FieldDescriptor*> Fields() {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < v1::Usage::descriptor()->field_count(); ++i) {
    const FieldDescriptor* field = v1::Usage::descriptor()->field(i);
    if (field->name() != "lower_bound" && field->name() != "unknown") fields.push_back(field);
  }
  return fields;
}

void Set(const FieldDescriptor* field, uint64_t value, v1::Usage* usage) {
  const auto* reflection = v1::Usage::GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    reflection->SetUInt32(usage, field, static_cast<uint32_t>(value));
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    reflection->SetUInt64(usage, field, value);
  } else {
    ASSERT_EQ(field->message_type(), Duration::descriptor()) << field->name();
    static_cast<Duration*>(reflection->MutableMessage(usage, field))
        ->set_seconds(static_cast<int64_t>(value));
  }
}

uint64_t Get(const FieldDescriptor* field, const v1::Usage& usage) {
  const auto* reflection = v1::Usage::GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    return reflection->GetUInt32(usage, field);
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    return reflection->GetUInt64(usage, field);
  }
  const auto& duration = static_cast<const Duration&>(reflection->GetMessage(usage, field));
  return static_cast<uint64_t>(duration.seconds());
}

v1::Report* Add(const std::string& name, v1::Report* job) {
  v1::SandboxReport* sandbox = job->add_sandbox();
  sandbox->set_name(name);
  sandbox->mutable_report()->mutable_usage();
  return sandbox->mutable_report();
}

TEST(TalkUsageTest, EveryFieldHasARule) {
  for (const FieldDescriptor* field : Fields()) {
    SCOPED_TRACE(field->name());
    ASSERT_TRUE(Rules().count(field->name()) > 0) << "say here how this field is joined";
    // Whoever is first.
    for (const bool larger_first : {true, false}) {
      v1::Report job;
      Set(field, larger_first ? 5 : 3, Add("a", &job)->mutable_usage());
      Set(field, larger_first ? 3 : 5, Add("b", &job)->mutable_usage());
      AddUsage(&job);
      EXPECT_EQ(Get(field, job.usage()), Rules().at(field->name()));
      for (const FieldDescriptor* other : Fields()) {
        if (other != field) {
          EXPECT_EQ(Get(other, job.usage()), 0u) << other->name();
        }
      }
    }
  }
  EXPECT_EQ(Fields().size(), Rules().size());
}

TEST(TalkUsageTest, WhatIsKnownOfAFieldIsJoinedForEachField) {
  for (const FieldDescriptor* field : Fields()) {
    SCOPED_TRACE(field->name());
    v1::Report some;
    Add("a", &some)->mutable_usage()->add_unknown(field->name());
    Add("b", &some);
    AddUsage(&some);
    EXPECT_THAT(some.usage().unknown(), IsEmpty());
    EXPECT_THAT(some.usage().lower_bound(), ElementsAre(field->name()));

    v1::Report all;
    Add("a", &all)->mutable_usage()->add_unknown(field->name());
    Add("b", &all)->mutable_usage()->add_unknown(field->name());
    AddUsage(&all);
    EXPECT_THAT(all.usage().unknown(), ElementsAre(field->name()));
    EXPECT_THAT(all.usage().lower_bound(), IsEmpty());

    v1::Report bound;
    Add("a", &bound)->mutable_usage()->add_lower_bound(field->name());
    Add("b", &bound)->mutable_usage()->add_lower_bound(field->name());
    AddUsage(&bound);
    EXPECT_THAT(bound.usage().lower_bound(), ElementsAre(field->name()));
    EXPECT_THAT(bound.usage().unknown(), IsEmpty());

    v1::Report mixed;
    Add("a", &mixed)->mutable_usage()->add_lower_bound(field->name());
    Add("b", &mixed)->mutable_usage()->add_unknown(field->name());
    AddUsage(&mixed);
    EXPECT_THAT(mixed.usage().lower_bound(), ElementsAre(field->name()));
    EXPECT_THAT(mixed.usage().unknown(), IsEmpty());
  }
}

TEST(TalkUsageTest, NanosecondsAreCarried) {
  v1::Report job;
  for (const char* name : {"a", "b", "c"}) {
    Duration* time = Add(name, &job)->mutable_usage()->mutable_cpu_time();
    time->set_seconds(1);
    time->set_nanos(900'000'000);
  }
  AddUsage(&job);
  EXPECT_EQ(job.usage().cpu_time().seconds(), 5);
  EXPECT_EQ(job.usage().cpu_time().nanos(), 700'000'000);
}

TEST(TalkUsageTest, OneThatNeverRanUsedNothing) {
  v1::Report job;
  Add("a", &job)->mutable_usage()->set_pids_peak(2);
  v1::Report* never = Add("b", &job);
  never->clear_usage();
  never->set_setup_only(true);
  AddUsage(&job);
  EXPECT_EQ(job.usage().pids_peak(), 2u);
  EXPECT_THAT(job.usage().lower_bound(), IsEmpty());
  EXPECT_THAT(job.usage().unknown(), IsEmpty());
  v1::Report none;
  none.add_sandbox()->mutable_report()->set_setup_only(true);
  AddUsage(&none);
  EXPECT_FALSE(none.has_usage());
}

TEST(TalkUsageTest, OfOneWithoutAVerdictNothingIsKnown) {
  v1::Report job;
  Add("a", &job)->mutable_usage()->set_pids_peak(2);
  Add("b", &job)->clear_usage();
  AddUsage(&job);
  EXPECT_EQ(job.usage().pids_peak(), 2u);
  EXPECT_EQ(static_cast<size_t>(job.usage().lower_bound_size()), Fields().size());
}

v1::TimingQuality Joined(const std::vector<v1::TimingQuality>& qualities) {
  v1::Report job;
  for (const v1::TimingQuality quality : qualities) Add("a", &job)->set_timing_quality(quality);
  AddTiming(&job);
  return job.timing_quality();
}

TEST(TalkUsageTest, TheTimesAreCleanWhenAllAre) {
  EXPECT_EQ(Joined({v1::CLEAN, v1::CLEAN}), v1::CLEAN);
  EXPECT_EQ(Joined({v1::CLEAN, v1::TAINTED}), v1::TAINTED);
  EXPECT_EQ(Joined({v1::TAINTED, v1::CLEAN}), v1::TAINTED);
  EXPECT_EQ(Joined({v1::CLEAN, v1::TIMING_QUALITY_UNSPECIFIED}), v1::TIMING_QUALITY_UNSPECIFIED);
  EXPECT_EQ(Joined({v1::TAINTED, v1::TIMING_QUALITY_UNSPECIFIED}), v1::TAINTED);
  EXPECT_EQ(Joined({}), v1::TIMING_QUALITY_UNSPECIFIED);
}

TEST(TalkUsageTest, EachReasonSaysWhose) {
  v1::Report job;
  v1::Report* tainted = Add("grader", &job);
  tainted->set_timing_quality(v1::TAINTED);
  tainted->add_timing_reason("throttled");
  Add("contestant", &job)->set_timing_quality(v1::CLEAN);
  v1::Report* never = Add("third", &job);
  never->set_setup_only(true);
  AddTiming(&job);
  EXPECT_THAT(job.timing_reason(), ElementsAre("grader: throttled"));
}

}  // namespace
}  // namespace cordon
