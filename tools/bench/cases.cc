// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/cases.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace cordon::bench {
namespace {

std::string PlacePolicy(const std::string& payload) {
  const std::string path = payload + ".policy.textproto";
  std::ofstream(path) << "extends: \"base/strict\"\ncgroup { enforcement: OFF }\n";
  return path;
}

}  // namespace

const std::vector<std::string>& VerificationSteps() {
  static const auto* const names =
      new std::vector<std::string>{"verify: the caller's mounts", "ForkTwin", "ReapTwin", "verify"};
  return *names;
}

std::string PlacePayload(const std::string& own_path) {
  std::string folder = (std::filesystem::temp_directory_path() / "cordon-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr || chmod(folder.c_str(), 0755) != 0) return "";
  const std::filesystem::path source =
      std::filesystem::path(own_path).parent_path() / "cordon_bench_true";
  std::error_code error;
  std::filesystem::copy_file(source, folder + "/true", error);
  return error ? "" : folder + "/true";
}

std::vector<Case> MakeCases(const Options& options, const std::string& payload) {
  std::vector<Case> cases;
  cases.push_back({"posix_spawn", {payload}, {}, "", {}, {}});
  cases.push_back({"cordon --version", {options.cordon, "--version"}, {}, "", {}, {}});
  const auto add = [&](const std::string& name, const std::string& policy) {
    std::vector<std::string> argv = {options.cordon, "run", "--policy", policy};
    std::vector<std::string> reporting = argv;
    const std::string report = payload + ".report.json";
    reporting.insert(reporting.end(), {"--report", report, "--", payload});
    argv.insert(argv.end(), {"--", payload});
    cases.push_back({"cordon run " + name, argv, {}, "", {}, {}});
    cases.push_back({name + ", report", reporting, {}, report, {}, {}});
  };
  for (const std::string& policy : options.policies) add(policy, policy);
  // Moving into a group of cgroup v1 takes milliseconds, beside which everything looks cheap.
  add("without a group", PlacePolicy(payload));
  return cases;
}

}  // namespace cordon::bench
