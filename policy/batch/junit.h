// SPDX-License-Identifier: Apache-2.0
// The result of a batch as JUnit XML, which CI systems read.
#ifndef CORDON_POLICY_BATCH_JUNIT_H_
#define CORDON_POLICY_BATCH_JUNIT_H_

#include <string>

#include "policy/proto/batch_result.pb.h"

namespace cordon {

// One testcase per job; a job that was not run counts as an error. Characters that XML cannot hold
// are shown as escapes.
std::string JUnitXml(const v1::BatchReport& report);

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_JUNIT_H_
