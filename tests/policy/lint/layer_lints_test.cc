// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lint_cases.h"

namespace cordon {
namespace {

using testing::SizeIs;

constexpr LintCase kCases[] = {
    {"seccomp-off", "seccomp { enforcement: OFF }",
     "seccomp { allow: [\"stdio\", \"exec\"] enforcement: IF_AVAILABLE }"},
    {"cgroup-off", "cgroup { enforcement: OFF }", "cgroup { enforcement: REQUIRED }"},
    {"limits-off", "limits { enforcement: OFF }", "limits { memory: \"64MiB\" }"},
    {"capabilities-off", "capabilities { enforcement: OFF }", "capabilities {}"},
    {"network-off", "network { enforcement: OFF }", "network { mode: LOOPBACK }"},
    {"layer-if-available", "cgroup { enforcement: IF_AVAILABLE }",
     "cgroup { enforcement: REQUIRED }"},
    {"landlock-off", "landlock { enforcement: OFF }", "landlock { enforcement: IF_AVAILABLE }"},
    {"apparmor-off", "apparmor { enforcement: OFF }", "apparmor { enforcement: IF_AVAILABLE }"},
    {"file-rules-optional",
     "mounts { bind { source: \"/usr\" } } "
     "landlock { enforcement: IF_AVAILABLE file { path: \"/usr\" access: READ } }",
     "mounts { bind { source: \"/usr\" } } "
     "landlock { enforcement: REQUIRED file { path: \"/usr\" access: READ } }"},
    {"root-inside", "identity { uid: 0 }", "identity { uid: 1 gid: 0 }"},
    {"loader-variable", "environment { name: \"LD_PRELOAD\" value: \"/x.so\" }",
     "environment { name: \"OLD_PRELOAD\" value: \"/x.so\" }"},
    {"secret-variable", "environment { name: \"github_token\" value: \"x\" }",
     "environment { name: \"GITHUB_TOKEN\" value: \"\" }"},
    {"unused-acceptance", "accept_lint { id: \"network-off\" reason: \"as agreed\" }",
     "accept_lint { id: \"network-off\" reason: \"as agreed\" } network { enforcement: OFF }"},
};

TEST(LayerLintsTest, EachFindsItsPolicyAndNotTheNearMiss) { ExpectCases(LayerLints(), kCases); }

TEST(LayerLintsTest, EachLayerIsNamedByItsField) {
  const auto findings = LintsOfText(R"(limits { enforcement: IF_AVAILABLE }
    cgroup { enforcement: IF_AVAILABLE } capabilities { enforcement: IF_AVAILABLE }
    network { enforcement: IF_AVAILABLE } landlock { enforcement: IF_AVAILABLE }
    apparmor { enforcement: IF_AVAILABLE }
    seccomp { allow: ["stdio", "exec"] enforcement: IF_AVAILABLE })");
  EXPECT_THAT(Only("layer-if-available", findings), SizeIs(5));
  const auto named = Only("layer-if-available",
                          LintsOfText("apparmor { enforcement: IF_AVAILABLE profile: \"x\" }"));
  ASSERT_THAT(named, SizeIs(1)) << "it may hold what nothing else does";
  EXPECT_EQ(named[0].field(), "apparmor.enforcement");
  const auto off = Only("cgroup-off", LintsOfText("cgroup { enforcement: OFF }"));
  ASSERT_THAT(off, SizeIs(1));
  EXPECT_EQ(off[0].field(), "cgroup.enforcement");
}

}  // namespace
}  // namespace cordon
