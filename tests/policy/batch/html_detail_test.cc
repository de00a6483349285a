// SPDX-License-Identifier: Apache-2.0
// The data of one job: everything is there once, long lists end, no peak of a course is lost.
#include "policy/batch/html_detail.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Report Report() {
  v1::Report report;
  report.set_verdict(v1::MEMORY_LIMIT);
  v1::Evidence* evidence = report.add_evidence();
  evidence->set_name("cgroup.oom_kill");
  evidence->set_observed("1");
  evidence->set_limit("0");
  evidence->set_source("memory.events");
  report.mutable_usage()->mutable_cpu_time()->set_nanos(7000);
  report.mutable_usage()->set_memory_peak_bytes(4096);
  report.mutable_usage()->add_lower_bound("cpu_time");
  report.mutable_limits()->set_memory("1MiB");
  report.mutable_limits()->set_processes(4);
  v1::LayerReport* layer = report.add_layers();
  layer->set_layer("seccomp");
  layer->set_state(v1::ENFORCED_PROBED);
  layer->set_confirmed_by("twin");
  v1::Step* step = report.add_steps();
  step->set_name("Clone");
  step->set_duration_ns(99);
  return report;
}

TEST(HtmlDetailTest, EveryPartIsThere) {
  HtmlShared shared;
  EXPECT_EQ(HtmlDetail(Report(), "why", &shared),
            R"({"why":"why","evidence":[["cgroup.oom_kill","1","0","memory.events"]],)"
            R"("usage":[[0,7000],[1,4096]],"lower":["cpu_time"],"limits":0,"layers":0,)"
            R"("steps":[0,[99]]})");
  ScriptJson lists;
  lists.Open('[');
  for (const SharedValues* each : {&shared.usage, &shared.limits, &shared.layers, &shared.steps}) {
    each->Write(&lists);
  }
  EXPECT_EQ(lists.Close(']').json(), R"([[["cpu_time","ns"],["memory_peak_bytes","bytes"]],)"
                                     R"([[["memory","bytes",1048576],["processes","count",4]]],)"
                                     R"([[["seccomp","ENFORCED_PROBED","twin",""]]],[["Clone"]]])");
}

TEST(HtmlDetailTest, WhatJobsShareIsKeptOnce) {
  HtmlShared shared;
  const std::string first = HtmlDetail(Report(), "", &shared);
  const size_t bytes = shared.bytes();
  EXPECT_EQ(HtmlDetail(Report(), "", &shared), first);
  EXPECT_EQ(shared.bytes(), bytes);
  v1::Report other = Report();
  other.mutable_limits()->set_memory("2MiB");
  EXPECT_THAT(HtmlDetail(other, "", &shared), HasSubstr("\"limits\":1"));
  EXPECT_GT(shared.bytes(), bytes);
}

TEST(HtmlDetailTest, LongListsEndAndSaySo) {
  v1::Report report;
  for (int i = 0; i < 1000; ++i) {
    report.add_evidence()->set_name("x");
    report.add_layers()->set_layer("x");
    report.add_steps()->set_name("x");
    report.add_widened("x");
    report.add_notified_call()->set_call("x");
    report.add_sandbox()->set_name("x");
    report.add_stream()->set_from("x");
    report.mutable_violation()->add_allow_note("x");
    report.add_denial()->set_object("x");
  }
  HtmlShared shared;
  const std::string json = HtmlDetail(report, std::string(10'000, 'x'), &shared);
  EXPECT_LT(json.size(), 20'000U);
  for (const char* what : {"pieces of evidence", "layers", "widened", "refused calls", "sandboxes",
                           "streams", "notes", "denials"}) {
    EXPECT_THAT(json, HasSubstr(absl::StrCat("\"952 more ", what, "\""))) << json;
  }
  EXPECT_THAT(json, HasSubstr("\"600 more set-up steps\""));
  EXPECT_THAT(json, HasSubstr("(8000 more bytes)"));
}

TEST(HtmlDetailTest, Denials) {
  v1::Report report;
  report.add_denials_unknown("apparmor: why");
  HtmlShared shared;
  EXPECT_EQ(HtmlDetail(report, "", &shared), "{}") << "only with what is known";
  v1::Denial* denial = report.add_denial();
  denial->set_layer("apparmor");
  denial->set_operation("open");
  denial->set_object("/a");
  denial->set_requested("r");
  denial->set_process("cat");
  denial->set_count(2);
  denial->set_decided_by("mounts.bind[0]");
  denial->set_allow_with("mounts {}");
  denial->add_allow_note("x");
  denial->add_allow_note("y");
  report.set_denials_more(3);
  EXPECT_EQ(
      HtmlDetail(report, "", &shared),
      R"({"denials":[["apparmor","open","/a","r","cat",2,"mounts.bind[0]","mounts {}",)"
      R"("x; y"]],"denials_unknown":["apparmor: why"],"cut":["3 denials without an entry"]})");
}

TEST(HtmlDetailTest, FieldsWithoutAPlaceAreFacts) {
  v1::Report report;
  report.set_decided_by("grader");
  report.mutable_health()->set_ready(true);
  report.mutable_health()->mutable_last()->set_output("\xff<");
  HtmlShared shared;
  EXPECT_EQ(HtmlDetail(report, "", &shared),
            R"({"facts":[["health.ready","text","true"],)"
            R"(["health.last.output","text","\\xff\u003c"],["decided_by","text","grader"]]})");
}

TEST(HtmlDetailTest, FilesAndTheQualityOfTimes) {
  v1::Report report;
  report.set_timing_quality(v1::TAINTED);
  report.add_timing_reason("throttled");
  report.mutable_usage()->add_unknown("io_read_bytes");
  report.add_copied_in()->set_path("/in");
  report.add_collected()->set_path("/out");
  report.mutable_collected(0)->set_artifact("program");
  report.mutable_collected(0)->set_bytes(7);
  report.add_not_collected()->set_path("/log");
  report.mutable_not_collected(0)->set_why("a FIFO");
  HtmlShared shared;
  EXPECT_EQ(HtmlDetail(report, "", &shared),
            R"({"unknown":["io_read_bytes"],"tainted":["throttled"],"files":[)"
            R"(["not taken","/log","a FIFO",0],["taken","/out","program",7],)"
            R"(["put in","/in","",0]]})");
}

TEST(HtmlDetailTest, SandboxesHaveDetailsOfTheirOwn) {
  v1::Report report;
  v1::SandboxReport* sandbox = report.add_sandbox();
  sandbox->set_name("grader");
  sandbox->mutable_ended_after()->set_nanos(5);
  *sandbox->mutable_report() = Report();
  sandbox->mutable_report()->add_sandbox()->set_name("within");
  HtmlShared shared;
  const std::string json = HtmlDetail(report, "", &shared);
  EXPECT_THAT(json, HasSubstr(R"("sandboxes":[["grader","MEMORY_LIMIT","",5,{"evidence":)"));
  EXPECT_THAT(json, Not(HasSubstr("within")));
}

TEST(HtmlDetailTest, TimelinesAreThinnedAndKeepTheirPeak) {
  v1::Report report;
  EXPECT_EQ(HtmlTimeline(report, 10), "");
  for (int i = 0; i < 600; ++i) {
    v1::TimelineSample* sample = report.mutable_timeline()->add_sample();
    sample->mutable_offset()->set_nanos(i * 1000);
    sample->mutable_cpu_time()->set_nanos(i * 500);
    sample->set_memory_bytes(i == 301 ? 999 : 1);
    sample->set_pids(2);
  }
  report.mutable_timeline()->mutable_interval()->set_nanos(1000);
  const std::string json = HtmlTimeline(report, 4);
  EXPECT_EQ(json, R"({"every":1000,"of":600,"at":[0,150,301,599],"cpu":[0,75,150,299],)"
                  R"("memory":[1,1,999,1],"pids":[2,2,2,2]})");
  EXPECT_THAT(HtmlTimeline(report, 100'000), HasSubstr("598,599]"));
}

}  // namespace
}  // namespace cordon
