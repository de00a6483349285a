// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/read_back.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "sandbox/launch/sources.h"
#include "sandbox/os/file.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(ReadBackTest, ReadsAProcessAsTheKernelShowsIt) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    for (;;) ::pause();
  }
  const auto back = TakeReadBack(pid);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(back->status.at("Pid"), std::to_string(pid));
  EXPECT_FALSE(back->mounts.empty());
  EXPECT_FALSE(back->uid_map.empty());
  EXPECT_EQ(back->limits.count("Max open files"), 1u);
  EXPECT_FALSE(back->cgroup.empty());
  EXPECT_EQ(back->namespaces, back->own_namespaces);  // a plain child shares them all
  EXPECT_EQ(back->namespaces.size(), 7u);
  EXPECT_GE(back->descriptors.size(), 3u);
  EXPECT_EQ(back->pid, pid);
  EXPECT_EQ(back->place.session, ::getsid(0));
  EXPECT_EQ(FieldOf(back->status, "Tgid"), std::to_string(pid));
  EXPECT_EQ(FieldOf(back->status, "NoSuchField"), "nothing");
}

TEST(ReadBackTest, AProcessThatDoesNotExistIsAnError) {
  EXPECT_THAT(TakeReadBack(0x7fffffff), HasErrorWith("ENOENT"));
}

TEST(ReadBackTest, PlacesAreThoseOfTheProcess) {
  ReadBack back;
  absl::StatusOr<UniqueFd> proc_fd = OpenAt(kCwd, "/proc/self", O_RDONLY | O_DIRECTORY);
  ASSERT_THAT(proc_fd, IsOk());
  back.proc = *std::move(proc_fd);
  ASSERT_THAT(ReadPlaces({"/", "/proc", "/proc/self", "/no/such", "/proc/version/x"}, &back),
              IsOk());
  const auto mounts = OwnMounts();
  ASSERT_THAT(mounts, IsOk());
  EXPECT_EQ(back.places.count("/no/such"), 0u);
  EXPECT_EQ(back.places.count("/proc/version/x"), 0u);
  struct stat root = {};
  ASSERT_EQ(::stat("/", &root), 0);
  EXPECT_EQ(back.places["/"].inode, root.st_ino);
  EXPECT_TRUE(back.places["/proc/self"].IsDirectory());  // through the link
  // The mount is the one that mountinfo has there, the upper one of two.
  uint64_t proc = 0;
  for (const MountInfo& mount : *mounts) {
    if (mount.mount_point == "/proc") proc = mount.id;
  }
  EXPECT_EQ(back.places["/proc"].mount, proc);
  EXPECT_NE(back.places["/proc"].mount, back.places["/"].mount);
  EXPECT_THAT(ReadPlaces({"/proc/self/exe/" + std::string(5000, 'x')}, &back),
              HasErrorWith("ENAMETOOLONG"));
}

TEST(MismatchTest, NamesLayerItemExpectedAndFound) {
  const absl::Status status = Mismatch("caps", "CapEff", "none", "all");
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kFailedPrecondition, "CapEff: expected none, found all"));
  const v1::ErrorDetail detail = DetailsOf(status)[0];
  EXPECT_EQ(detail.stage(), "verify");
  EXPECT_EQ(detail.layer(), "caps");
}

}  // namespace
}  // namespace cordon
