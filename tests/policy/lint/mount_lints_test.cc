// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "tests/support/lint_cases.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

#define CORDON_BIND(bind) "mounts { bind { " bind " } }"
#define CORDON_PATH(path) "environment { name: \"PATH\" value: \"" path "\" } "

constexpr LintCase kCases[] = {
    {"writable-host-system",
     CORDON_BIND("source: \"/var/lib/x\" target: \"/out\" read_only: false"),
     CORDON_BIND("source: \"/srv/x\" target: \"/out\" read_only: false")},
    {"writable-program-path",
     CORDON_BIND("source: \"/srv/x\" target: \"/usr/local\" read_only: false"),
     CORDON_BIND("source: \"/srv/x\" target: \"/usr/local\"")},
    {"bind-run", CORDON_BIND("source: \"/var/run/docker.sock\" target: \"/d\""),
     CORDON_BIND("source: \"/runs\"")},
    {"bind-sys", CORDON_BIND("source: \"/sys/kernel\""), CORDON_BIND("source: \"/system\"")},
    {"bind-device", CORDON_BIND("source: \"/dev/kvm\""), "mounts { dev {} }"},
    {"bind-shared-tmp", CORDON_BIND("source: \"/tmp\""),
     CORDON_BIND("source: \"/tmp/case07\" target: \"/data\"")},
    {"bind-wide", CORDON_BIND("source: \"/home/ann\""),
     CORDON_BIND("source: \"/home/ann/cases/07\"")},
    {"bind-secrets", CORDON_BIND("source: \"/home/ann/.ssh/id_rsa\" target: \"/k\""),
     CORDON_BIND("source: \"/home/ann/ssh/notes\"")},
    {"writable-executable", CORDON_BIND("source: \"/srv/x\" target: \"/out\" read_only: false"),
     CORDON_BIND("source: \"/srv/x\" target: \"/out\" read_only: false executable: false")},
    {"tmpfs-over-memory",
     "mounts { tmpfs { target: \"/a\" size: \"40MiB\" } dev { shm_size: \"25MiB\" } } "
     "limits { memory: \"64MiB\" }",
     "mounts { tmpfs { target: \"/a\" size: \"40MiB\" } dev { shm_size: \"24MiB\" } } "
     "limits { memory: \"64MiB\" }"},
    {"file-size-unreachable",
     "mounts { tmpfs { target: \"/a\" size: \"8MiB\" } } limits { file_size: \"9MiB\" }",
     "mounts { tmpfs { target: \"/a\" size: \"8MiB\" } } limits { file_size: \"8MiB\" }"},
    {"file-size-unlimited",
     "mounts { bind { source: \"/srv/x\" read_only: false } } limits { file_size: \"unlimited\" }",
     "mounts { bind { source: \"/srv/x\" } } limits { file_size: \"unlimited\" }"},
    {"mask-hides-nothing", "mounts { bind { source: \"/usr\" } masked: \"/usrs/games\" }",
     "mounts { bind { source: \"/usr\" } masked: \"/usr/games\" }"},
    {"full-proc", "mounts { proc { process_only: false } }", "mounts { proc {} }"},
    {"path-writable",
     CORDON_PATH(
         "/bin:/w/bin") "mounts { tmpfs { target: \"/w\" size: \"8MiB\" executable: true } }",
     CORDON_PATH("/bin:/w/bin") "mounts { tmpfs { target: \"/w\" size: \"8MiB\" } }"},
    {"path-relative", CORDON_PATH("/usr/bin:."), CORDON_PATH("/usr/bin:/bin")},
};

TEST(MountLintsTest, EachFindsItsPolicyAndNotTheNearMiss) { ExpectCases(MountLints(), kCases); }

TEST(MountLintsTest, FoldersAboveASystemFolderAreSeen) {
  EXPECT_THAT(Only("writable-host-system",
                   LintsOfText(CORDON_BIND("source: \"/var\" target: \"/v\" read_only: false"))),
              SizeIs(1));
  // Read-only, it shows much and changes nothing.
  EXPECT_THAT(Only("writable-host-system", LintsOfText(CORDON_BIND("source: \"/var\""))),
              IsEmpty());
}

TEST(MountLintsTest, SocketsOfEnginesAreKnownByName) {
  for (const char* source : {"/srv/docker.sock", "/run/containerd/containerd.sock"}) {
    const auto found = Only("bind-run", LintsOfText(absl::StrCat("mounts { bind { source: \"",
                                                                 source, "\" target: \"/s\" } }")));
    ASSERT_THAT(found, SizeIs(1)) << source;
    EXPECT_THAT(found[0].message(), HasSubstr("root on the host"));
  }
}

TEST(MountLintsTest, AMountBelowAnotherDecidesAboutThePath) {
  EXPECT_THAT(Only("path-writable",
                   LintsOfText(CORDON_PATH("/w/bin") "mounts { bind { source: \"/usr\" target: "
                                                     "\"/w/bin\" } tmpfs { target: \"/w\" size: "
                                                     "\"8MiB\" executable: true } }")),
              IsEmpty());
}

TEST(MountLintsTest, EmptyMembersOfPathAreTheCurrentDirectory) {
  EXPECT_THAT(Only("path-relative", LintsOfText(CORDON_PATH(":/usr/bin:"))), SizeIs(2));
}

TEST(MountLintsTest, PathsArePrintedEscaped) {
  const auto found =
      Only("bind-sys", LintsOfText(CORDON_BIND("source: \"/sys/a\\\"b\" target: \"/b\"")));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].message(), "shows the job \"/sys/a\\\"b\"");
  EXPECT_EQ(found[0].field(), "mounts.bind[0]");
}

}  // namespace
}  // namespace cordon
