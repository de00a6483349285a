// SPDX-License-Identifier: Apache-2.0
// One job's report as data of the page of a batch: bounded, and with what many jobs share (layers,
// limits, names of steps) kept once. PURE.
#ifndef CORDON_POLICY_BATCH_HTML_DETAIL_H_
#define CORDON_POLICY_BATCH_HTML_DETAIL_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "policy/batch/script_json.h"
#include "policy/proto/report.pb.h"

namespace cordon {

// Values that many jobs share; each is written once and named by its place in the list.
class SharedValues {
 public:
  size_t Add(const std::string& json);
  void Write(ScriptJson* out) const;
  size_t bytes() const { return bytes_; }

 private:
  std::map<std::string, size_t> places_;
  std::vector<std::string> values_;
  size_t bytes_ = 0;
};

struct HtmlShared {
  SharedValues policies;
  SharedValues layers;  // all layers of a job
  SharedValues limits;  // all limits of a job
  SharedValues steps;   // names of all steps of a job
  SharedValues usage;   // a field of Usage: its name and unit
  size_t bytes() const;
};

// Most of each kind that one job may show; the rest is counted.
inline constexpr int kMostEntries = 48;
inline constexpr int kMostSteps = 400;
inline constexpr size_t kMostSamples = 240;

// "0" of EXITED 0, "SIGSEGV" of SIGNALED; "" with other verdicts: those killed, if anything.
std::string HtmlEnd(const v1::Report& report);

// A JSON object, without the timeline. `why`: what the table cuts off.
std::string HtmlDetail(const v1::Report& report, const std::string& why, HtmlShared* shared);

// A JSON object of at most `most` samples; of those that are dropped the ones with the least
// memory, so that no peak is lost. "" when there are none.
std::string HtmlTimeline(const v1::Report& report, size_t most);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_HTML_DETAIL_H_
