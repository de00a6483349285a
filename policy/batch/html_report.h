// SPDX-License-Identifier: Apache-2.0
// The result of a batch as one page of HTML for people: summary, plots, a table with filters, the
// evidence of each job. The page needs nothing but itself: no network, no other file.
//
// What jobs have said is data in it and never markup or script: it is JSON without `<`, `>` and
// `&` in an element that no browser runs, the page's own script puts it into text nodes only, and
// the page's policy (Content-Security-Policy) admits that one script by its hash and nothing else.
#ifndef CORDON_POLICY_BATCH_HTML_REPORT_H_
#define CORDON_POLICY_BATCH_HTML_REPORT_H_

#include <cstddef>
#include <string>

#include "policy/proto/batch_result.pb.h"

namespace cordon {

// Bytes that each part of the page may have. Jobs that were not as expected come first, then the
// slower ones; the page says what it leaves out. With these, one of ten thousand jobs with names of
// usual length stays below 2 MB.
struct HtmlRoom {
  size_t details = 700'000;
  size_t timelines = 400'000;
  size_t rows = 8'000'000;
};

std::string HtmlReport(const v1::BatchReport& report, const std::string& title,
                       const HtmlRoom& room = HtmlRoom());

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_HTML_REPORT_H_
