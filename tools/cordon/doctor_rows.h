// SPDX-License-Identifier: Apache-2.0
// What trial runs say about the layers of this host; pure.
#ifndef CORDON_TOOLS_CORDON_DOCTOR_ROWS_H_
#define CORDON_TOOLS_CORDON_DOCTOR_ROWS_H_

#include <string>
#include <vector>

#include "policy/proto/host_facts.pb.h"
#include "policy/proto/report.pb.h"

namespace cordon::cli {

// One job under one profile.
struct Trial {
  std::string policy;
  v1::Report report;
  // What the layers did when each that failed was left out, for rows that would be unknown
  // otherwise; empty when the trial ran in full.
  v1::Report without;

  bool Ran() const;  // the job ran to its end with every layer that the profile requires
};

struct LayerRow {
  std::string layer;
  bool available = false;
  bool engaged = false;   // applied to a real job
  bool verified = false;  // and confirmed by what the kernel shows
  std::string state;      // of the report, "" when no trial got that far
  std::string confirmed_by;
  std::string detail;
  std::string todo;  // what to type or change when it is not available
};

// A row per layer of `names`. A layer is available when no trial lacked it.
std::vector<LayerRow> RowsOf(const std::vector<std::string>& names,
                             const std::vector<Trial>& trials, const v1::HostFacts& facts);

// Names of the layers that kept a report's job from starting.
std::vector<std::string> FailedLayers(const v1::Report& report);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_DOCTOR_ROWS_H_
