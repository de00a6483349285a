// SPDX-License-Identifier: Apache-2.0
// Jobs of a batch for tests, from the text of a list.
#ifndef CORDON_TESTS_SUPPORT_BATCH_TASKS_H_
#define CORDON_TESTS_SUPPORT_BATCH_TASKS_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "policy/batch/jobs.h"
#include "sandbox/api/batch/check.h"

namespace cordon {

inline std::vector<BatchTask> TasksOf(const std::string& text) {
  absl::StatusOr<std::vector<BatchTask>> tasks = ReadJobs(text, JobsForm::kText, "list");
  EXPECT_TRUE(tasks.ok()) << tasks.status();
  return tasks.ok() ? *std::move(tasks) : std::vector<BatchTask>();
}

inline std::vector<CheckedTask> CheckedTasksOf(const std::string& text, BatchCheck* check) {
  absl::StatusOr<std::vector<CheckedTask>> tasks = check->Add(TasksOf(text));
  EXPECT_TRUE(tasks.ok()) << tasks.status();
  return tasks.ok() ? *std::move(tasks) : std::vector<CheckedTask>();
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_BATCH_TASKS_H_
