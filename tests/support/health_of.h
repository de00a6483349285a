// SPDX-License-Identifier: Apache-2.0
// A health check of a job of the tests: the payload program with `words`. Entry point: AddHealth.
#ifndef CORDON_TESTS_SUPPORT_HEALTH_OF_H_
#define CORDON_TESTS_SUPPORT_HEALTH_OF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "policy/proto/plan.pb.h"

namespace cordon {

// The first check begins with the job, so that a short job has one or none.
inline void AddHealth(const std::vector<std::string>& words, uint64_t interval_ns, uint32_t retries,
                      v1::LaunchPlan* launch) {
  v1::HealthPlan* health = launch->mutable_health();
  health->add_argv("/payload/payload");
  for (const std::string& word : words) health->add_argv(word);
  health->add_exec_path("/payload/payload");
  health->set_interval_ns(interval_ns);
  health->set_timeout_ns(60'000'000'000);
  health->set_retries(retries);
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_HEALTH_OF_H_
