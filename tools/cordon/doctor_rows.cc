// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/doctor_rows.h"

#include <algorithm>

namespace cordon::cli {
namespace {

bool Applied(v1::LayerState state) {
  return state != v1::LAYER_STATE_UNSPECIFIED && state != v1::UNAVAILABLE && state != v1::LAYER_OFF;
}

std::vector<v1::ErrorDetail> ErrorsOf(const v1::Report& report) {
  std::vector<v1::ErrorDetail> errors;
  if (report.has_error()) errors.push_back(report.error());
  errors.insert(errors.end(), report.more_errors().begin(), report.more_errors().end());
  return errors;
}

std::string HostsWhy(const std::string& layer, const v1::HostFacts& facts) {
  if (layer == "cgroup") return facts.cgroup_why();
  if (layer == "landlock") return facts.landlock_why();
  if (layer == "namespaces" || layer == "userns") return facts.user_namespaces_why();
  return "";
}

// From good to bad. A layer that some trial had to do without is not available, and one that some
// trial could not confirm is not verified, whatever the others say.
int Badness(v1::LayerState state) {
  switch (state) {
    case v1::LAYER_OFF:
      return 0;  // as asked for: says nothing about the host
    case v1::ENFORCED_VERIFIED:
    case v1::ENFORCED_PROBED:
      return 1;
    case v1::ENFORCED_UNREADABLE:
      return 2;
    default:
      return 3;
  }
}

// The worst is kept; of equals the first.
void Merge(const v1::LayerReport& said, LayerRow* row) {
  v1::LayerState had = v1::LAYER_STATE_UNSPECIFIED;
  if (!row->state.empty() && v1::LayerState_Parse(row->state, &had) &&
      Badness(said.state()) <= Badness(had)) {
    return;
  }
  row->state = v1::LayerState_Name(said.state());
  row->engaged = Applied(said.state());
  row->verified = row->engaged && said.state() != v1::ENFORCED_UNREADABLE;
  row->available = row->engaged;
  row->confirmed_by = said.confirmed_by();
  row->detail = said.detail();
}

LayerRow RowOf(const std::string& name, const std::vector<Trial>& trials,
               const v1::HostFacts& facts) {
  LayerRow row;
  row.layer = name;
  for (const Trial& trial : trials) {
    for (const v1::Report* report : {&trial.report, &trial.without}) {
      for (const v1::LayerReport& said : report->layers()) {
        if (said.layer() == name) Merge(said, &row);
      }
    }
  }
  for (const Trial& trial : trials) {
    for (const v1::ErrorDetail& error : ErrorsOf(trial.report)) {
      if (error.layer() != name) continue;
      row.available = false;
      row.detail = error.message();
      row.todo = error.hint();
    }
  }
  if (!row.available && row.todo.empty()) row.todo = HostsWhy(name, facts);
  if (!row.available && row.todo.empty()) row.todo = row.detail;
  if (!row.available && row.todo.empty()) row.todo = "no trial job got as far as this layer";
  if (row.available) row.todo.clear();
  return row;
}

}  // namespace

bool Trial::Ran() const {
  return report.verdict() == v1::EXITED && report.exit_code() == 0 && !report.has_error();
}

std::vector<LayerRow> RowsOf(const std::vector<std::string>& names,
                             const std::vector<Trial>& trials, const v1::HostFacts& facts) {
  std::vector<LayerRow> rows;
  rows.reserve(names.size());
  for (const std::string& name : names) rows.push_back(RowOf(name, trials, facts));
  return rows;
}

std::vector<std::string> FailedLayers(const v1::Report& report) {
  std::vector<std::string> names;
  for (const v1::ErrorDetail& error : ErrorsOf(report)) {
    if (!error.layer().empty() &&
        std::find(names.begin(), names.end(), error.layer()) == names.end()) {
      names.push_back(error.layer());
    }
  }
  return names;
}

}  // namespace cordon::cli
