// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/html_detail.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "policy/batch/message_facts.h"

namespace cordon {
namespace {

constexpr size_t kMostWhy = 2000;

// Fields of a report that have a place of their own on the page; all others are shown as facts.
const std::set<std::string>& ShownApart() {
  static const auto* const kFields = new std::set<std::string>{
      "verdict",        "exit_code",     "signal",      "signal_name",   "evidence",
      "usage",          "layers",        "policy",      "steps",         "notified_call",
      "error",          "widened",       "more_errors", "skipped",       "timeline",
      "limits",         "sandbox",       "stream",      "violation",     "setup_only",
      "cordon_version", "copied_in",     "collected",   "not_collected", "kernel_release",
      "timing_quality", "timing_reason", "denial",      "denials_more",  "denials_unknown"};
  return *kFields;
}

// The number of entries that are shown; says so when it is not all of them.
int Shown(int size, absl::string_view what, std::vector<std::string>* cut,
          int most = kMostEntries) {
  if (size > most) cut->push_back(absl::StrCat(size - most, " more ", what));
  return std::min(size, most);
}

void AddFact(const Fact& fact, ScriptJson* out) {
  out->Open('[').Text(fact.name).Text(fact.unit);
  if (fact.number.has_value()) {
    out->Number(*fact.number);
  } else {
    out->Text(fact.text);
  }
  out->Close(']');
}

void AddEvidence(const v1::Report& report, std::vector<std::string>* cut, ScriptJson* out) {
  if (report.evidence().empty()) return;
  out->Key("evidence").Open('[');
  for (int i = 0, shown = Shown(report.evidence_size(), "pieces of evidence", cut); i < shown;
       ++i) {
    const v1::Evidence& each = report.evidence(i);
    out->Open('[').Text(each.name()).Text(each.observed()).Text(each.limit()).Text(each.source());
    out->Close(']');
  }
  out->Close(']');
}

void AddLayers(const v1::Report& report, std::vector<std::string>* cut, HtmlShared* shared,
               ScriptJson* out) {
  if (report.layers().empty()) return;
  ScriptJson all;
  all.Open('[');
  for (int i = 0, shown = Shown(report.layers_size(), "layers", cut); i < shown; ++i) {
    const v1::LayerReport& each = report.layers(i);
    all.Open('[').Text(each.layer()).Text(v1::LayerState_Name(each.state()));
    all.Text(each.confirmed_by()).Text(each.detail()).Close(']');
  }
  out->Key("layers").Number(shared->layers.Add(all.Close(']').json()));
}

void AddSteps(const v1::Report& report, std::vector<std::string>* cut, HtmlShared* shared,
              ScriptJson* out) {
  if (report.steps().empty()) return;
  ScriptJson names;
  ScriptJson times;
  names.Open('[');
  times.Open('[');
  for (int i = 0, shown = Shown(report.steps_size(), "set-up steps", cut, kMostSteps); i < shown;
       ++i) {
    names.Text(report.steps(i).name());
    times.Number(report.steps(i).duration_ns());
  }
  out->Key("steps").Open('[').Number(shared->steps.Add(names.Close(']').json()));
  out->Raw(times.Close(']').json()).Close(']');
}

void AddUsage(const v1::Usage& usage, HtmlShared* shared, ScriptJson* out) {
  size_t left_out = 0;
  const std::vector<Fact> facts =
      FactsOf(usage, {"lower_bound", "unknown"}, kMostEntries, &left_out);
  if (facts.empty()) return;
  out->Key("usage").Open('[');
  for (const Fact& fact : facts) {
    ScriptJson field;
    field.Open('[').Text(fact.name).Text(fact.unit).Close(']');
    out->Open('[').Number(shared->usage.Add(field.json()));
    if (fact.number.has_value()) {
      out->Number(*fact.number);
    } else {
      out->Text(fact.text);
    }
    out->Close(']');
  }
  out->Close(']');
}

// Each file that went in or out: what became of it, its path, where to or why not, its size.
void AddFiles(const v1::Report& report, std::vector<std::string>* cut, ScriptJson* out) {
  if (report.copied_in().empty() && report.collected().empty() && report.not_collected().empty()) {
    return;
  }
  out->Key("files").Open('[');
  const auto add = [out](absl::string_view what, const std::string& path, absl::string_view words,
                         uint64_t bytes) {
    out->Open('[').Text(what).Text(path).Text(words).Number(bytes).Close(']');
  };
  for (int i = 0, shown = Shown(report.not_collected_size(), "files that were not taken", cut);
       i < shown; ++i) {
    const v1::NotCollected& each = report.not_collected(i);
    add(each.optional() ? "not taken, optional" : "not taken", each.path(), each.why(), 0);
  }
  for (int i = 0, shown = Shown(report.collected_size(), "files that were taken", cut); i < shown;
       ++i) {
    const v1::Collected& each = report.collected(i);
    add("taken", each.path(), each.to().empty() ? each.artifact() : each.to(), each.bytes());
  }
  for (int i = 0, shown = Shown(report.copied_in_size(), "files that were put in", cut); i < shown;
       ++i) {
    add("put in", report.copied_in(i).path(), "", report.copied_in(i).bytes());
  }
  out->Close(']');
}

void AddLimits(const v1::Limits& limits, HtmlShared* shared, ScriptJson* out) {
  size_t left_out = 0;
  ScriptJson all;
  all.Open('[');
  for (const Fact& fact : FactsOf(limits, {"enforcement"}, kMostEntries, &left_out)) {
    AddFact(fact.unit == "text" ? LimitFact(fact.name, fact.text) : fact, &all);
  }
  out->Key("limits").Number(shared->limits.Add(all.Close(']').json()));
}

void AddCalls(const v1::Report& report, std::vector<std::string>* cut, ScriptJson* out) {
  if (report.notified_call().empty()) return;
  out->Key("calls").Open('[');
  for (int i = 0, shown = Shown(report.notified_call_size(), "refused calls", cut); i < shown;
       ++i) {
    const v1::NotifiedCall& each = report.notified_call(i);
    out->Open('[').Text(each.call()).Text(absl::StrJoin(each.argument(), ", "));
    out->Text(each.architecture()).Number(each.count()).Close(']');
  }
  out->Close(']');
}

template <typename Strings>
void AddTexts(absl::string_view key, const Strings& texts, std::vector<std::string>* cut,
              ScriptJson* out) {
  if (texts.empty()) return;
  out->Key(key).Open('[');
  const int shown = Shown(static_cast<int>(texts.size()), key, cut);
  for (int i = 0; i < shown; ++i) {
    out->Text(*(texts.begin() + i), kMostWhy);
  }
  out->Close(']');
}

// The call that ended the job, and what would let it pass.
void AddViolation(const v1::CallViolation& violation, std::vector<std::string>* cut,
                  ScriptJson* out) {
  out->Key("violation").Open('{');
  out->Key("words").Text(violation.words().empty() ? violation.call() : violation.words());
  out->Key("architecture").Text(violation.architecture());
  out->Key("by").Text(violation.decided_by());
  const std::vector<std::string> lines =
      absl::StrSplit(violation.allow_with(), '\n', absl::SkipEmpty());
  AddTexts("allow", lines, cut, out);
  AddTexts("notes", violation.allow_note(), cut, out);
  out->Close('}');
}

// What a security module refused. Why there may be more stands with it, or in the report only:
// that is the same for most jobs of a host.
void AddDenials(const v1::Report& report, std::vector<std::string>* cut, ScriptJson* out) {
  if (report.denial().empty()) return;
  out->Key("denials").Open('[');
  const int shown = Shown(report.denial_size(), "denials", cut);
  for (int i = 0; i < shown; ++i) {
    const v1::Denial& each = report.denial(i);
    out->Open('[').Text(each.layer()).Text(each.operation()).Text(each.object());
    out->Text(each.requested()).Text(each.process()).Number(each.count()).Text(each.decided_by());
    out->Text(each.allow_with(), kMostWhy);
    out->Text(absl::StrJoin(each.allow_note(), "; "), kMostWhy).Close(']');
  }
  out->Close(']');
  if (report.denials_more() > 0) {
    cut->push_back(absl::StrCat(report.denials_more(), " denials without an entry"));
  }
  AddTexts("denials_unknown", report.denials_unknown(), cut, out);
}

void AddStreams(const v1::Report& report, std::vector<std::string>* cut, ScriptJson* out) {
  if (report.stream().empty()) return;
  out->Key("streams").Open('[');
  for (int i = 0, shown = Shown(report.stream_size(), "streams", cut); i < shown; ++i) {
    const v1::StreamReport& each = report.stream(i);
    out->Open('[').Text(each.from()).Text(each.to()).Number(each.bytes());
    out->Raw(each.cut() ? "true" : "false").Close(']');
  }
  out->Close(']');
}

uint64_t Nanoseconds(const google::protobuf::Duration& duration) {
  return static_cast<uint64_t>(duration.seconds()) * 1'000'000'000 +
         static_cast<uint64_t>(duration.nanos());
}

// Which samples are kept: of each run of `size / most` the one with the most memory, the first and
// the last.
std::vector<int> KeptSamples(const v1::Timeline& timeline, size_t most) {
  std::vector<int> kept;
  const size_t size = static_cast<size_t>(timeline.sample_size());
  const size_t shown = std::min(size, std::max<size_t>(most, 2));
  for (size_t i = 0; i < shown; ++i) {
    int best = static_cast<int>(i * size / shown);
    for (size_t at = i * size / shown; at < (i + 1) * size / shown; ++at) {
      const int next = static_cast<int>(at);
      if (timeline.sample(next).memory_bytes() > timeline.sample(best).memory_bytes()) best = next;
    }
    if (i == 0) best = 0;
    if (i + 1 == shown) best = static_cast<int>(size) - 1;
    kept.push_back(best);
  }
  return kept;
}

std::vector<std::string> ErrorsOf(const v1::Report& report) {
  std::vector<std::string> errors;
  if (report.has_error()) errors.push_back(RenderError(report.error()));
  for (const v1::ErrorDetail& each : report.more_errors()) errors.push_back(RenderError(each));
  return errors;
}

// Of a job of several: each sandbox has a detail of its own, without sandboxes inside.
void AddSandboxes(const v1::Report& report, std::vector<std::string>* cut, HtmlShared* shared,
                  ScriptJson* out) {
  if (report.sandbox().empty()) return;
  out->Key("sandboxes").Open('[');
  for (int i = 0, shown = Shown(report.sandbox_size(), "sandboxes", cut); i < shown; ++i) {
    const v1::SandboxReport& each = report.sandbox(i);
    v1::Report inner = each.report();
    inner.clear_sandbox();
    out->Open('[').Text(each.name()).Text(v1::Verdict_Name(inner.verdict()));
    out->Text(HtmlEnd(inner));
    out->Number(Nanoseconds(each.ended_after())).Raw(HtmlDetail(inner, "", shared)).Close(']');
  }
  out->Close(']');
}

}  // namespace

size_t SharedValues::Add(const std::string& json) {
  const auto [found, fresh] = places_.emplace(json, values_.size());
  if (fresh) {
    values_.push_back(json);
    bytes_ += json.size() + 1;
  }
  return found->second;
}

void SharedValues::Write(ScriptJson* out) const {
  out->Open('[');
  for (const std::string& value : values_) out->Raw(value);
  out->Close(']');
}

size_t HtmlShared::bytes() const {
  return policies.bytes() + layers.bytes() + limits.bytes() + steps.bytes() + usage.bytes();
}

std::string HtmlEnd(const v1::Report& report) {
  if (report.verdict() == v1::EXITED) return absl::StrCat(report.exit_code());
  return report.verdict() == v1::SIGNALED ? report.signal_name() : "";
}

std::string HtmlDetail(const v1::Report& report, const std::string& why, HtmlShared* shared) {
  std::vector<std::string> cut;
  ScriptJson out;
  out.Open('{');
  if (!why.empty()) out.Key("why").Text(why, kMostWhy);
  AddTexts("errors", ErrorsOf(report), &cut, &out);
  AddEvidence(report, &cut, &out);
  if (report.has_usage()) {
    AddUsage(report.usage(), shared, &out);
    AddTexts("lower", report.usage().lower_bound(), &cut, &out);
    AddTexts("unknown", report.usage().unknown(), &cut, &out);
  }
  AddTexts("tainted", report.timing_reason(), &cut, &out);
  if (report.has_limits()) AddLimits(report.limits(), shared, &out);
  AddLayers(report, &cut, shared, &out);
  AddSteps(report, &cut, shared, &out);
  AddCalls(report, &cut, &out);
  if (report.has_violation()) AddViolation(report.violation(), &cut, &out);
  AddDenials(report, &cut, &out);
  AddStreams(report, &cut, &out);
  AddSandboxes(report, &cut, shared, &out);
  AddFiles(report, &cut, &out);
  if (!report.timeline().unavailable_why().empty()) {
    out.Key("no_timeline").Text(report.timeline().unavailable_why());
  }
  AddTexts("widened", report.widened(), &cut, &out);
  AddTexts("skipped", report.skipped(), &cut, &out);
  size_t left_out = 0;
  const std::vector<Fact> facts = FactsOf(report, ShownApart(), kMostEntries, &left_out);
  if (!facts.empty()) {
    out.Key("facts").Open('[');
    for (const Fact& fact : facts) AddFact(fact, &out);
    out.Close(']');
  }
  if (left_out > 0) cut.push_back(absl::StrCat(left_out, " more facts"));
  if (report.setup_only()) out.Key("setup_only").Raw("true");
  if (!cut.empty()) {
    out.Key("cut").Open('[');
    for (const std::string& each : cut) out.Text(each);
    out.Close(']');
  }
  return out.Close('}').json();
}

std::string HtmlTimeline(const v1::Report& report, size_t most) {
  const v1::Timeline& timeline = report.timeline();
  if (timeline.sample().empty()) return "";
  const std::vector<int> kept = KeptSamples(timeline, most);
  ScriptJson out;
  out.Open('{').Key("every").Number(Nanoseconds(timeline.interval()));
  out.Key("of").Number(static_cast<uint64_t>(timeline.sample_size()));
  const auto column = [&](absl::string_view name, auto value) {
    out.Key(name).Open('[');
    for (const int at : kept) out.Number(value(timeline.sample(at)));
    out.Close(']');
  };
  using Sample = v1::TimelineSample;
  // Microseconds are as much as a plot can show, and half as long.
  column("at", [](const Sample& each) { return Nanoseconds(each.offset()) / 1000; });
  column("cpu", [](const Sample& each) { return Nanoseconds(each.cpu_time()) / 1000; });
  column("memory", [](const Sample& each) { return each.memory_bytes(); });
  column("pids", [](const Sample& each) { return uint64_t{each.pids()}; });
  return out.Close('}').json();
}

}  // namespace cordon
