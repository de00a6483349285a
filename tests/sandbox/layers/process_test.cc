// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

TEST(ProcessLayerTest, NoNewPrivsMustBeSet) {
  VerifyCase each;
  EXPECT_THAT(each.Verify(VerifyProcess), IsOk());
  each.back.status["NoNewPrivs"] = "0";
  EXPECT_THAT(each.Verify(VerifyProcess), StatusIs(kRefused, "NoNewPrivs"));
  each.back.status.erase("NoNewPrivs");
  EXPECT_THAT(each.Verify(VerifyProcess), StatusIs(kRefused, "NoNewPrivs"));
}

TEST(ProcessLayerTest, DescriptorsAreExactByNumberAndByWhatIsBehindThem) {
  const auto spoilt = [](void (*spoil)(VerifyCase*)) {
    VerifyCase each;
    spoil(&each);
    return each.Verify(VerifyProcess);
  };
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->back.descriptors["7"] = "/"; }),
              StatusIs(kRefused, "open descriptors of init"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->back.descriptors["6"] = "/etc/passwd"; }),
              StatusIs(kRefused, "open descriptors of init"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->back.descriptors["4"] = "pipe:[9]"; }),
              StatusIs(kRefused, "descriptor 4 of init"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->back.descriptors.erase("5"); }),
              StatusIs(kRefused, "open descriptors of init"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.descriptors["4"] = "pipe:[104]"; }),
              StatusIs(kRefused, "open descriptors of the twin"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.descriptors["3"] = "/"; }),
              StatusIs(kRefused, "open descriptors of the twin"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.descriptors["1"] = "/dev/pts/0"; }),
              StatusIs(kRefused, "descriptor 1 of the twin"));
}

TEST(ProcessLayerTest, EverythingOfTheTwinIsCompared) {
  const auto spoilt = [](void (*spoil)(VerifyCase*)) {
    VerifyCase each;
    spoil(&each);
    return each.Verify(VerifyProcess);
  };
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.standing["NoNewPrivs"] = "0"; }),
              StatusIs(kRefused, "NoNewPrivs of the twin: expected 1, found 0"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->back.status["Threads"] = "2"; }),
              StatusIs(kRefused, "Threads: expected 1, found 2"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.standing["Umask"] = "0002"; }),
              StatusIs(kRefused, "Umask of the twin: expected 0022, found 0002"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.standing["SigIgn"] = "0000000000010000"; }),
              StatusIs(kRefused, "SigIgn of the twin: expected 0000000000000000, found 0000"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.standing["SigBlk"] = "0000000000000200"; }),
              StatusIs(kRefused, "SigBlk of the twin"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.oom_score_adj = "0"; }),
              StatusIs(kRefused, "oom_score_adj of the twin: expected 1000, found 0"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.directory = "/elsewhere"; }),
              StatusIs(kRefused, "working directory of the twin"));
  EXPECT_THAT(
      spoilt([](VerifyCase* c) { c->twin.place_of_directory.mount = 77; }),
      StatusIs(kRefused, "directory of the twin: expected inside its root, found mount 77"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.root.mount = 77; }),
              StatusIs(kRefused, "root of the twin: expected that of init, found mount 77"));
  EXPECT_FALSE(spoilt([](VerifyCase* c) { c->back.places.erase("/"); }).ok());
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.place.session = 1; }),
              StatusIs(kRefused, "session and group of the twin"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->back.place.group = 1; }),
              StatusIs(kRefused, "session and group of init"));
  EXPECT_THAT(spoilt([](VerifyCase* c) { c->twin.place.terminal = 34816; }),
              StatusIs(kRefused, "controlling terminal of the twin: expected none, found 34816"));
}

TEST(ProcessLayerTest, NothingOfTheCallersPersonalityOrPriorityIsLeft) {
  VerifyCase personality;
  personality.twin.answers["process.personality"][child::kProbeConfined] = 0x40000;
  EXPECT_THAT(personality.Verify(VerifyProcess),
              StatusIs(kRefused, "personality of the twin: expected 0, found 262144"));
  VerifyCase silent;
  silent.twin.answers.erase("process.personality");
  EXPECT_THAT(silent.Verify(VerifyProcess), StatusIs(kRefused, "found no answer"));
  VerifyCase nice;
  nice.twin.place.nice = -1;
  EXPECT_THAT(nice.Verify(VerifyProcess), StatusIs(kRefused, "nice value of the twin"));
  VerifyCase real_time;
  real_time.twin.place.real_time_priority = 1;
  EXPECT_THAT(real_time.Verify(VerifyProcess), StatusIs(kRefused, "real-time priority"));
}

TEST(ProcessLayerTest, TheSessionKeyringIsItsOwn) {
  const auto with = [](int64_t theirs, int64_t ours) {
    VerifyCase each;
    each.twin.answers["process.keyring"][child::kProbeConfined] = theirs;
    each.back.own_keyring = ours;
    return each.Verify(VerifyProcess);
  };
  EXPECT_THAT(with(12, 11), IsOk());
  EXPECT_THAT(with(12, -ENOKEY), IsOk());
  EXPECT_THAT(with(-ENOSYS, -ENOSYS), IsOk());  // a kernel without keyrings
  EXPECT_THAT(with(11, 11), StatusIs(kRefused, "found the supervisor's"));
  EXPECT_THAT(with(-ENOSYS, 11), StatusIs(kRefused, "found ENOSYS"));
  EXPECT_THAT(with(kNoAnswer, 11), StatusIs(kRefused, "found no answer"));
}

TEST(ProcessLayerTest, ThePayloadClosesWhatIsInitsBeforeItGoesAnywhere) {
  EXPECT_THAT(
      NamesOf(*Lowered(LowerProcess, Phase::kPayload, VerifyCase())),
      testing::ElementsAre("PayloadSession", "CloseInitFds", "SetOomScore", "Chdir", "SetUmask"));
}

}  // namespace
}  // namespace cordon
