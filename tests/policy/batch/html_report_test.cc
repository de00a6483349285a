// SPDX-License-Identifier: Apache-2.0
// The page as text: what it may load, where data ends, how large it becomes. That it works is
// looked at in a browser (tests/cli/html_report_test.py).
#include "policy/batch/html_report.h"

#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/sha256.h"
#include "policy/batch/html_page.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using testing::HasSubstr;
using testing::Not;

// What stands between `before` and `after`.
std::string Between(const std::string& page, const std::string& before, const std::string& after) {
  const size_t begin = page.find(before);
  const size_t end = page.find(after, begin + before.size());
  EXPECT_NE(begin, std::string::npos) << before;
  EXPECT_NE(end, std::string::npos) << after;
  return page.substr(begin + before.size(), end - begin - before.size());
}

std::string DataOf(const std::string& page) {
  return Between(page, "<script type=\"application/json\" id=\"data\">", "</script>");
}

v1::BatchReport ReportOf(int jobs) {
  v1::BatchReport report;
  report.set_jobs(static_cast<uint32_t>(jobs));
  for (int i = 0; i < jobs; ++i) {
    v1::JobResult* result = report.add_result();
    result->set_name(absl::StrFormat("job-%05d", i));
    result->set_outcome(i % 100 == 99 ? v1::JobResult::BAD : v1::JobResult::GOOD);
    v1::Report* each = result->mutable_report();
    each->set_verdict(v1::EXITED);
    each->mutable_usage()->mutable_wall_time()->set_nanos(1'000'000 + i);
    each->add_evidence()->set_name(absl::StrFormat("evidence-%05d", i));
    for (int at = 0; at < 50; ++at) {
      each->mutable_timeline()->add_sample()->mutable_offset()->set_nanos(at * 1'000'000);
    }
  }
  return report;
}

TEST(HtmlReportTest, OnlyItsOwnScriptAndStyleAreAdmitted) {
  const std::string page = HtmlReport(ReportOf(1), "title");
  const auto hash = [](absl::string_view text) {
    return absl::Base64Escape(absl::HexStringToBytes(Sha256Hex(text)));
  };
  EXPECT_THAT(page, HasSubstr(absl::StrCat("content=\"default-src 'none'; script-src 'sha256-",
                                           hash(HtmlPageScript()), "'; style-src 'sha256-",
                                           hash(HtmlPageStyle()), "'; base-uri 'none'")));
  // The hashes are of what the elements hold, to the byte.
  EXPECT_EQ(Between(page, "</script>\n<script>", "</script>"), HtmlPageScript());
  EXPECT_EQ(Between(page, "<style>", "</style>"), HtmlPageStyle());
  for (const char* outside : {"http:", "https:", "//cdn", "@import", "url(", "src=", "href="}) {
    std::string text(page);
    const std::string svg = "http://www.w3.org/2000/svg";  // a name, and never loaded
    text.erase(text.find(svg), svg.size());
    EXPECT_THAT(text, Not(HasSubstr(outside)));
  }
}

TEST(HtmlReportTest, TheScriptHasNoSinkForMarkup) {
  for (const char* sink : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                           "eval(", "Function(", "DOMParser", "createContextualFragment"}) {
    EXPECT_THAT(std::string(HtmlPageScript()), Not(HasSubstr(sink)));
  }
}

TEST(HtmlReportTest, ATitleIsText) {
  EXPECT_THAT(HtmlReport(ReportOf(1), "</title><script>&"),
              HasSubstr("<title>&lt;/title&gt;&lt;script&gt;&amp;</title>"));
}

// Every string of the message, inside too, becomes hostile bytes.
void Fill(Message* message, std::mt19937* random, int depth) {
  static const char* const kPieces[] = {"</script>", "<!--",         "<script", "-->", "]]>", "\"",
                                        "\\",        "\xe2\x80\xa8", "\xff",    "\n",  "a"};
  const auto text = [&] {
    std::string all;
    for (size_t n = (*random)() % 6; n > 0; --n) all += kPieces[(*random)() % 11];
    return all;
  };
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (field->is_repeated()) {
        reflection->AddString(message, field, text());
      } else {
        reflection->SetString(message, field, text());
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < 5) {
      Fill(field->is_repeated() ? reflection->AddMessage(message, field)
                                : reflection->MutableMessage(message, field),
           random, depth + 1);
    }
  }
}

TEST(HtmlReportTest, NoBytesOfAJobLeaveTheData) {
  std::mt19937 random(11);
  const std::string empty = HtmlReport(v1::BatchReport(), "t");
  const std::string before = empty.substr(0, empty.find("id=\"data\">"));
  const std::string after = empty.substr(empty.find("</script>\n<script>"));
  for (int round = 0; round < 50; ++round) {
    v1::BatchReport report;
    Fill(&report, &random, 0);
    const std::string page = HtmlReport(report, "t");
    EXPECT_EQ(page.substr(0, before.size()), before);
    EXPECT_EQ(page.substr(page.size() - after.size()), after);
    const std::string data =
        page.substr(before.size() + 10, page.size() - before.size() - 10 - after.size());
    EXPECT_EQ(data, DataOf(page));
    EXPECT_EQ(data.find_first_of("<>&\n"), std::string::npos) << data;
  }
}

TEST(HtmlReportTest, RowsKeepTheOrderOfTheList) {
  v1::BatchReport report = ReportOf(3);
  report.mutable_result(1)->set_outcome(v1::JobResult::BAD);
  report.mutable_result(1)->mutable_report()->set_verdict(v1::SIGNALED);
  report.mutable_result(1)->mutable_report()->set_signal_name("SIGSEGV");
  report.mutable_result(2)->clear_report();
  const std::string data = DataOf(HtmlReport(report, "t"));
  EXPECT_THAT(data, HasSubstr(R"("rows":[["job-00000",1,1,"0","",0,0,1000,0],)"
                              R"(["job-00001",2,2,"SIGSEGV","",0,0,1000,0],)"
                              R"(["job-00002",1,0,"","",0,null,null,null]])"));
  EXPECT_THAT(data, HasSubstr(R"("trimmed":[])"));
}

TEST(HtmlReportTest, WhatIsLeftOutIsSaidAndIsTheLeastInteresting) {
  const v1::BatchReport report = ReportOf(1000);
  HtmlRoom room;
  room.details = 4000;
  room.timelines = 20'000;
  const std::string data = DataOf(HtmlReport(report, "t", room));
  EXPECT_THAT(data, HasSubstr("of 1000 jobs\""));
  EXPECT_THAT(data, HasSubstr("\"the courses of "));
  EXPECT_LT(data.size(), 110'000U);
  for (int i = 99; i < 1000; i += 100) {  // those that were not as expected
    EXPECT_THAT(data, HasSubstr(absl::StrFormat("evidence-%05d", i)));
  }
  EXPECT_THAT(data, HasSubstr("evidence-00998"));  // the slowest of the others
  EXPECT_THAT(data, Not(HasSubstr("evidence-00000")));
  EXPECT_THAT(data, HasSubstr("job-00000"));  // its row is there
  room.rows = 5000;
  const std::string few = DataOf(HtmlReport(report, "t", room));
  EXPECT_THAT(few, HasSubstr("of 1000 jobs altogether"));
  EXPECT_THAT(few, HasSubstr("job-00099"));
  EXPECT_THAT(few, Not(HasSubstr("job-00000")));
}

TEST(HtmlReportTest, TenThousandJobsStayBelowTwoMegabytes) {
  EXPECT_LT(HtmlReport(ReportOf(10'000), "t").size(), 2'000'000U);
}

}  // namespace
}  // namespace cordon
