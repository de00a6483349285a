// SPDX-License-Identifier: Apache-2.0
// What tests that need a real kernel share: which features the caller has here, and skipping with
// the name of the missing one. Entry points: CORDON_NEEDS, HostFactsOfTest.
#ifndef CORDON_TESTS_SUPPORT_KERNEL_TEST_H_
#define CORDON_TESTS_SUPPORT_KERNEL_TEST_H_

#include <unistd.h>

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "sandbox/host/probe.h"

namespace cordon {

// A skip names the feature, so that a report of skipped tests says what to grant.
#define CORDON_NEEDS(feature, condition)                     \
  do {                                                       \
    if (!(condition)) GTEST_SKIP() << "needs " << (feature); \
  } while (false)

inline v1::HostFacts HostFactsOfTest() {
  absl::StatusOr<v1::HostFacts> facts = ProbeHostThoroughly();
  return facts.ok() ? *std::move(facts) : v1::HostFacts();
}

inline bool IsRoot() { return ::geteuid() == 0; }

inline bool HaveUserNamespaces() { return HostFactsOfTest().user_namespaces(); }

inline bool HaveController(const std::string& name) {
  const v1::HostFacts facts = HostFactsOfTest();
  const auto& all = facts.cgroup_controllers();
  return std::find(all.begin(), all.end(), name) != all.end();
}

// The controllers that every limit of the shipped profiles needs.
inline bool HaveCgroup() {
  return HaveController("memory") && HaveController("pids") &&
         (HaveController("cpuacct") || HostFactsOfTest().cgroup_mode() == v1::HostFacts::CGROUP_V2);
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_KERNEL_TEST_H_
