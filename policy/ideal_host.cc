// SPDX-License-Identifier: Apache-2.0
#include "policy/ideal_host.h"

#include <cstdint>
#include <string>

#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

constexpr uint32_t kPageBytes = 4096;
// Enough for every cpuset; the kernel's largest NR_CPUS.
constexpr uint32_t kCpus = 8192;

}  // namespace

v1::HostFacts IdealHost(Architecture architecture) {
  v1::HostFacts facts;
  facts.set_kernel_release("ideal");
  facts.set_architecture(std::string(ArchitectureName(architecture)));
  facts.set_user_namespaces(true);
  facts.set_cgroup_mode(v1::HostFacts::CGROUP_V2);
  for (const char* name : {"memory", "pids", "cpu", "cpuacct", "cpuset", "io"}) {
    facts.add_cgroup_controllers(name);
  }
  facts.set_swap_accounting(true);
  facts.set_cpus(kCpus);
  facts.set_page_size(kPageBytes);
  for (const char* name : {"kill_process", "errno", "user_notif", "log", "allow"}) {
    facts.add_seccomp_actions(name);
  }
  facts.set_landlock_abi(uapi::kLandlockNewestAbi);
  facts.mutable_apparmor()->set_present(true);
  facts.mutable_apparmor()->set_may_load(true);
  facts.mutable_rlimit_hard()->set_file_size(UINT64_MAX);
  facts.mutable_rlimit_hard()->set_open_files(UINT64_MAX);
  facts.mutable_rlimit_hard()->set_stack(UINT64_MAX);
  return facts;
}

}  // namespace cordon
