// SPDX-License-Identifier: Apache-2.0
// What the page of a batch is made of, as text that is part of the program: the files of
// policy/batch/page/, joined by the build.
#ifndef CORDON_POLICY_BATCH_HTML_PAGE_H_
#define CORDON_POLICY_BATCH_HTML_PAGE_H_

#include "absl/strings/string_view.h"

namespace cordon {

absl::string_view HtmlPageScript();
absl::string_view HtmlPageStyle();

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_HTML_PAGE_H_
