// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/html_report.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/sha256.h"
#include "policy/batch/html_detail.h"
#include "policy/batch/html_page.h"
#include "policy/batch/script_json.h"

namespace cordon {
namespace {

constexpr size_t kLeastSamples = 24;
constexpr size_t kMostReason = 160;  // bytes of `why` in a row of the table

uint64_t Nanoseconds(const google::protobuf::Duration& duration) {
  return static_cast<uint64_t>(duration.seconds()) * 1'000'000'000 +
         static_cast<uint64_t>(duration.nanos());
}

// Unexpected, not run, skipped, good; of equal ones the slowest.
std::vector<size_t> ByInterest(const v1::BatchReport& report) {
  const auto rank = [](v1::JobResult::Outcome outcome) {
    switch (outcome) {
      case v1::JobResult::BAD:
        return 0;
      case v1::JobResult::SKIPPED:
        return 2;
      case v1::JobResult::GOOD:
        return 3;
      default:
        return 1;
    }
  };
  std::vector<std::tuple<int, uint64_t, size_t>> keys;  // the slowest first: ~wall
  for (int i = 0; i < report.result_size(); ++i) {
    const v1::JobResult& result = report.result(i);
    keys.emplace_back(rank(result.outcome()), ~Nanoseconds(result.report().usage().wall_time()),
                      static_cast<size_t>(i));
  }
  std::sort(keys.begin(), keys.end());
  std::vector<size_t> order;
  order.reserve(keys.size());
  for (const auto& key : keys) order.push_back(std::get<2>(key));
  return order;
}

// The data of the page. Sizes are known only when a part is written, so that each part is made
// for the jobs in the order of interest until its room is full.
class PageData {
 public:
  PageData(const v1::BatchReport& report, const HtmlRoom& room) : report_(report), room_(room) {}

  std::string Write(const std::string& title) {
    const std::vector<size_t> order = ByInterest(report_);
    FillDetails(order);
    FillTimelines(order);
    FillRows(order);
    ScriptJson out;
    out.Open('{').Key("title").Text(title);
    out.Key("jobs").Number(report_.jobs()).Key("good").Number(report_.good());
    out.Key("bad").Number(report_.bad()).Key("skipped").Number(report_.skipped());
    out.Key("not_run").Number(report_.not_run()).Key("digest").Text(report_.digest());
    AddHosts(&out);
    AddNames(&out);
    out.Key("policies");
    shared_.policies.Write(&out);
    out.Key("layers");
    shared_.layers.Write(&out);
    out.Key("limits");
    shared_.limits.Write(&out);
    out.Key("steps");
    shared_.steps.Write(&out);
    out.Key("usage");
    shared_.usage.Write(&out);
    out.Key("rows").Open('[');
    for (const auto& [index, row] : rows_) out.Raw(row);
    out.Close(']').Key("details").Open('[');
    for (const auto& [index, row] : rows_) {
      const auto found = details_.find(index);
      out.Raw(found == details_.end() ? "0" : found->second);
    }
    out.Close(']').Key("timelines").Open('[');
    for (const auto& [index, row] : rows_) {
      const auto found = timelines_.find(index);
      out.Raw(found == timelines_.end() ? "0" : found->second);
    }
    out.Close(']').Key("trimmed").Open('[');
    for (const std::string& each : trimmed_) out.Text(each);
    return out.Close(']').Close('}').json();
  }

 private:
  void FillDetails(const std::vector<size_t>& order) {
    size_t used = 0;
    size_t left_out = 0;
    for (const size_t index : order) {
      const v1::JobResult& result = report_.result(static_cast<int>(index));
      if (!result.has_report()) continue;
      if (used + shared_.bytes() >= room_.details) {
        ++left_out;  // 0 in its place
        continue;
      }
      const std::string why = result.why().size() > kMostReason ? result.why() : "";
      std::string detail = HtmlDetail(result.report(), why, &shared_);
      used += detail.size() + 1;
      details_.emplace(index, std::move(detail));
    }
    if (left_out > 0) {
      trimmed_.push_back(
          absl::StrCat("the details of ", left_out, " of ", report_.result_size(), " jobs"));
    }
  }

  // With many timelines, each has fewer samples before any is left out.
  void FillTimelines(const std::vector<size_t>& order) {
    constexpr size_t kBytesOfSample = 28;
    const auto& results = report_.result();
    const auto jobs = static_cast<size_t>(std::count_if(
        results.begin(), results.end(),
        [](const v1::JobResult& each) { return !each.report().timeline().sample().empty(); }));
    if (jobs == 0) return;
    const size_t most =
        std::clamp(room_.timelines / jobs / kBytesOfSample, kLeastSamples, kMostSamples);
    size_t used = 0;
    for (const size_t index : order) {
      if (used >= room_.timelines) break;
      std::string timeline = HtmlTimeline(results[static_cast<int>(index)].report(), most);
      if (timeline.empty()) continue;
      used += timeline.size() + 1;
      timelines_.emplace(index, std::move(timeline));
    }
    if (timelines_.size() < jobs) {
      trimmed_.push_back(
          absl::StrCat("the courses of ", jobs - timelines_.size(), " of ", jobs, " jobs"));
    }
  }

  void FillRows(const std::vector<size_t>& order) {
    size_t used = 0;
    for (const size_t index : order) {
      if (used >= room_.rows) break;
      std::string row = Row(report_.result(static_cast<int>(index)));
      used += row.size() + 3;
      rows_.emplace(index, std::move(row));
    }
    if (rows_.size() < order.size()) {
      trimmed_.push_back(
          absl::StrCat(order.size() - rows_.size(), " of ", order.size(), " jobs altogether"));
    }
  }

  std::string Row(const v1::JobResult& result) {
    const v1::Report& report = result.report();
    ScriptJson out;
    out.Open('[').Text(result.name()).Number(static_cast<uint64_t>(result.outcome()));
    out.Number(static_cast<uint64_t>(report.verdict())).Text(HtmlEnd(report));
    out.Text(result.why(), kMostReason);
    ScriptJson policy;
    out.Number(shared_.policies.Add(policy.Text(report.policy()).json()));
    if (report.has_usage()) {
      out.Number(Nanoseconds(report.usage().cpu_time()) / 1000);
      out.Number(Nanoseconds(report.usage().wall_time()) / 1000);
      out.Number(report.usage().memory_peak_bytes());
    } else {
      out.Null().Null().Null();
    }
    return out.Close(']').json();
  }

  // Resumed batches and those of several machines have more than one of each.
  void AddHosts(ScriptJson* out) const {
    SharedValues hosts;
    for (const v1::JobResult& result : report_.result()) {
      const v1::Report& report = result.report();
      if (report.cordon_version().empty()) continue;
      ScriptJson host;
      host.Open('[').Text(report.cordon_version()).Text(report.kernel_release()).Close(']');
      if (hosts.bytes() < 2000) hosts.Add(host.json());
    }
    out->Key("hosts");
    hosts.Write(out);
  }

  static void AddNames(ScriptJson* out) {
    const google::protobuf::EnumDescriptor& verdicts = *v1::Verdict_descriptor();
    out->Key("verdicts").Open('{');
    for (int i = 0; i < verdicts.value_count(); ++i) {
      out->Key(absl::StrCat(verdicts.value(i)->number())).Text(verdicts.value(i)->name());
    }
    out->Close('}');
  }

  const v1::BatchReport& report_;
  const HtmlRoom& room_;
  HtmlShared shared_;
  std::map<size_t, std::string> rows_;     // by the place in the list
  std::map<size_t, std::string> details_;  // the same
  std::map<size_t, std::string> timelines_;
  std::vector<std::string> trimmed_;
};

std::string HashSource(absl::string_view text) {
  return absl::StrCat("'sha256-", absl::Base64Escape(absl::HexStringToBytes(Sha256Hex(text))), "'");
}

std::string EscapedTitle(const std::string& title) {
  std::string out;
  for (const char c : ShownText(title, ScriptJson::kMostText)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string HtmlReport(const v1::BatchReport& report, const std::string& title,
                       const HtmlRoom& room) {
  const absl::string_view script = HtmlPageScript();
  const absl::string_view style = HtmlPageStyle();
  // The policy stands before everything that it rules.
  return absl::StrCat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src ",
      HashSource(script), "; style-src ", HashSource(style),
      "; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
      "trusted-types 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
      EscapedTitle(title), "</title>\n<style>", style, "</style>\n</head>\n<body>\n",
      "<noscript><p>This report draws its tables with a script of its own; this browser runs none."
      " The same results are in the files of <code>--report</code> and <code>--junit</code>.</p>"
      "</noscript>\n<main id=\"report\"></main>\n<script type=\"application/json\" id=\"data\">",
      PageData(report, room).Write(title), "</script>\n<script>", script,
      "</script>\n</body>\n</html>\n");
}

}  // namespace cordon
