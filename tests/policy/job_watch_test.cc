// SPDX-License-Identifier: Apache-2.0
// What a job asks of its supervisor: ranges, names, and what a launch plan makes of them.
#include "policy/job_watch.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::JobSpec Job(const std::string& text) {
  v1::JobSpec job;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &job)) << text;
  return job;
}

// "field: message" of each violation.
std::vector<std::string> Check(const std::string& text) {
  const SourceMap places("job");
  Violations violations(places);
  CheckWatch(Job(text), "", &violations);
  std::vector<std::string> found;
  for (const v1::ErrorDetail& each : DetailsOf(violations.ToStatus())) {
    found.push_back(each.policy_field() + ": " + each.message());
  }
  return violations.empty() ? std::vector<std::string>() : found;
}

v1::LaunchPlan Compile(const std::string& text) {
  EXPECT_THAT(Check(text), IsEmpty());
  v1::LaunchPlan launch;
  CompileWatch(Job(text), &launch);
  return launch;
}

TEST(JobWatchTest, NothingIsAskedForByItself) {
  const v1::LaunchPlan launch = Compile("");
  EXPECT_EQ(launch.timeline_interval_ns(), 0u);
  EXPECT_EQ(launch.cancel_grace_ns(), 0u);
  EXPECT_EQ(launch.cancel_signal(), 0u);
}

TEST(JobWatchTest, ATimelineHasAnIntervalOfAMillisecondOrMore) {
  EXPECT_EQ(Compile("timeline: '100ms'").timeline_interval_ns(), 100'000'000u);
  EXPECT_EQ(Compile("timeline: '1ms'").timeline_interval_ns(), 1'000'000u);
  for (const char* text : {"0", "999us", "-1s", "1", "unlimited", "8d", "169h", "often"}) {
    EXPECT_THAT(Check(std::string("timeline: '") + text + "'"),
                ElementsAre(HasSubstr("timeline: ")))
        << text;
  }
}

TEST(JobWatchTest, AGraceHasASignal) {
  v1::LaunchPlan launch = Compile("cancel { grace: '2s' }");
  EXPECT_EQ(launch.cancel_grace_ns(), 2'000'000'000u);
  EXPECT_EQ(launch.cancel_signal(), 15u);
  EXPECT_EQ(Compile("cancel { grace: '2s' signal: 'SIGINT' }").cancel_signal(), 2u);
  launch = Compile("cancel { grace: '0' }");
  EXPECT_EQ(launch.cancel_grace_ns(), 0u);
  EXPECT_EQ(launch.cancel_signal(), 0u);
}

TEST(JobWatchTest, WhatCouldNotWorkIsRefused) {
  EXPECT_THAT(Check("cancel { grace: 'soon' }"), ElementsAre(HasSubstr("cancel.grace: ")));
  EXPECT_THAT(Check("cancel { signal: 'SIGINT' }"),
              ElementsAre("cancel.signal: is never sent: there is no grace"));
  EXPECT_THAT(Check("cancel { grace: '1s' signal: 'TERM' }"),
              ElementsAre("cancel.signal: \"TERM\" is not the name of a signal"));
  for (const char* name : {"SIGKILL", "SIGSTOP"}) {
    EXPECT_THAT(Check(std::string("cancel { grace: '1s' signal: '") + name + "' }"),
                ElementsAre(HasSubstr("cancel.signal: no job can act on")));
  }
}

TEST(JobWatchTest, AnEntryOfABatchHasTheSame) {
  v1::BatchJob entry;
  entry.set_timeline("5ms");
  entry.mutable_cancel()->set_grace("1s");
  v1::JobSpec job;
  CopyWatch(entry, &job);
  EXPECT_EQ(job.ShortDebugString(), "timeline: \"5ms\" cancel { grace: \"1s\" }");
  v1::JobSpec none;
  CopyWatch(v1::BatchJob(), &none);
  EXPECT_EQ(none.ByteSizeLong(), 0u);
}

}  // namespace
}  // namespace cordon
