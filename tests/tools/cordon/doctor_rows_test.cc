// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/doctor_rows.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace cordon::cli {
namespace {

LayerRow RowOf(const std::vector<v1::LayerState>& states) {
  std::vector<Trial> trials;
  for (const v1::LayerState state : states) {
    Trial trial;
    v1::LayerReport& said = *trial.report.add_layers();
    said.set_layer("landlock");
    said.set_state(state);
    said.set_confirmed_by("by " + v1::LayerState_Name(state));
    said.set_detail("detail of " + v1::LayerState_Name(state));
    trials.push_back(trial);
  }
  return RowsOf({"landlock"}, trials, {}).front();
}

TEST(DoctorRowsTest, TheWorstOfTheTrialsIsKept) {
  std::vector<v1::LayerState> states = {v1::LAYER_OFF, v1::ENFORCED_PROBED,
                                        v1::ENFORCED_UNREADABLE};
  std::sort(states.begin(), states.end());
  do {
    const LayerRow row = RowOf(states);
    EXPECT_EQ(row.state, "ENFORCED_UNREADABLE");
    EXPECT_EQ(row.confirmed_by, "by ENFORCED_UNREADABLE");
    EXPECT_TRUE(row.available && row.engaged);
    EXPECT_FALSE(row.verified);
  } while (std::next_permutation(states.begin(), states.end()));
  states.push_back(v1::UNAVAILABLE);
  std::sort(states.begin(), states.end());
  do {
    const LayerRow row = RowOf(states);
    EXPECT_EQ(row.state, "UNAVAILABLE");
    EXPECT_FALSE(row.available || row.engaged || row.verified);
    EXPECT_EQ(row.todo, "detail of UNAVAILABLE");
  } while (std::next_permutation(states.begin(), states.end()));
}

TEST(DoctorRowsTest, WhatEveryTrialConfirmedIsVerified) {
  for (const v1::LayerState state : {v1::ENFORCED_VERIFIED, v1::ENFORCED_PROBED}) {
    const LayerRow row = RowOf({state, state, v1::LAYER_OFF});
    EXPECT_TRUE(row.available && row.engaged && row.verified);
    EXPECT_TRUE(row.todo.empty());
  }
  const LayerRow off = RowOf({v1::LAYER_OFF});
  EXPECT_EQ(off.state, "LAYER_OFF");
  EXPECT_FALSE(off.available || off.engaged || off.verified);
}

}  // namespace
}  // namespace cordon::cli
