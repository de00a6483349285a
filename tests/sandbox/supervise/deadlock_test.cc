// SPDX-License-Identifier: Apache-2.0
// Two looks at sandboxes -> deadlock or not. Each row changes one thing of a real deadlock, after
// which it must not be called.
#include "sandbox/supervise/deadlock.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Looks = std::vector<TalkerLook>;

ThreadWait Wait(int thread, const std::string& call, std::vector<std::string> pipes) {
  ThreadWait wait;
  wait.thread = thread;
  wait.switches = 10;
  wait.call = call;
  wait.pipes = std::move(pipes);
  return wait;
}

// Both read what the other does not write.
Looks Deadlocked() {
  TalkerLook grader;
  grader.name = "grader";
  grader.quiet = true;
  grader.waits.stuck = true;
  grader.waits.threads = {Wait(100, "read", {"pipe:[1]"})};
  grader.streams = {{"pipe:[1]", "stdin, from contestant.stdout"},
                    {"pipe:[2]", "stdout, to contestant"}};
  TalkerLook contestant;
  contestant.name = "contestant";
  contestant.quiet = true;
  contestant.waits.stuck = true;
  contestant.waits.threads = {Wait(200, "wait", {}), Wait(201, "poll", {"pipe:[3]", "pipe:[9]"})};
  contestant.streams = {{"pipe:[3]", "stdin, from grader.stdout"},
                        {"pipe:[4]", "stdout, to grader"}};
  return {grader, contestant};
}

TEST(DeadlockTest, SaysWhoWaitsForWhom) {
  EXPECT_THAT(FindDeadlock(Deadlocked(), Deadlocked()),
              ElementsAre("grader waits in read for its stdin, from contestant.stdout",
                          "contestant waits in poll for its stdin, from grader.stdout"));
}

TEST(DeadlockTest, FullPipesAreOneToo) {
  Looks looks = Deadlocked();
  looks[0].waits.threads = {Wait(100, "write", {"pipe:[2]"})};
  looks[0].unread = 65536;  // which it does not read
  EXPECT_THAT(FindDeadlock(looks, looks),
              ElementsAre("grader waits in write for its stdout, to contestant",
                          "contestant waits in poll for its stdin, from grader.stdout"));
}

struct Change {
  const char* name;
  std::function<void(Looks*)> apply;
};

const std::vector<Change>& Changes() {
  static const auto* const changes = new std::vector<Change>{
      {"a thread has run", [](Looks* looks) { (*looks)[1].waits.threads[0].switches = 11; }},
      {"another thread", [](Looks* looks) { (*looks)[1].waits.threads[0].thread = 7; }},
      {"another call", [](Looks* looks) { (*looks)[1].waits.threads[1].call = "read"; }},
      {"one thread more",
       [](Looks* looks) { (*looks)[0].waits.threads.push_back(Wait(101, "wait", {})); }},
      {"one is not stuck", [](Looks* looks) { (*looks)[1].waits.stuck = false; }},
      {"something to carry", [](Looks* looks) { (*looks)[0].quiet = false; }},
      {"bytes to read", [](Looks* looks) { (*looks)[0].unread = 1; }},
      {"one has ended", [](Looks* looks) { looks->pop_back(); }},
      {"one came", [](Looks* looks) { looks->push_back((*looks)[1]); }},
      {"another order", [](Looks* looks) { std::swap((*looks)[0], (*looks)[1]); }},
  };
  return *changes;
}

TEST(DeadlockTest, WhateverChangesBetweenTheLooksIsNone) {
  for (const Change& change : Changes()) {
    SCOPED_TRACE(change.name);
    Looks changed = Deadlocked();
    change.apply(&changed);
    EXPECT_THAT(FindDeadlock(Deadlocked(), changed), IsEmpty());
    EXPECT_THAT(FindDeadlock(changed, Deadlocked()), IsEmpty());
  }
}

TEST(DeadlockTest, OneThatDoesNotWaitForAnotherSandboxIsNone) {
  Looks looks = Deadlocked();
  looks[1].waits.threads[1].pipes = {"pipe:[9]"};  // of its own
  EXPECT_THAT(FindDeadlock(looks, looks), IsEmpty());
}

TEST(DeadlockTest, OneAloneIsNone) {
  Looks looks = Deadlocked();
  looks.pop_back();
  EXPECT_THAT(FindDeadlock(looks, looks), IsEmpty());
  EXPECT_THAT(FindDeadlock({}, {}), IsEmpty());
}

}  // namespace
}  // namespace cordon
