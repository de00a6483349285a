// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "tests/support/lint_cases.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

#define CORDON_RULE(rule) "seccomp { allow: [\"stdio\", \"exec\"] rule { " rule " } }"
#define CORDON_ALLOWS(calls) CORDON_RULE("calls: [" calls "] action: ALLOW")
#define CORDON_GROUPS(groups) "seccomp { allow: [\"stdio\", \"exec\", " groups "] }"
#define CORDON_CASE_OF_SOCKET(family, other)                                             \
  CORDON_RULE("calls: \"socket\" when { arg: 0 equals: \"" family "\" } action: ALLOW"), \
      CORDON_RULE("calls: \"socket\" when { arg: 0 equals: \"" other "\" } action: ALLOW")

constexpr LintCase kCases[] = {
    {"clone-namespaces",
     CORDON_RULE("calls: \"clone\" when { arg: 0 masked_equals { mask: \"CLONE_NEWNET\" "
                 "value: \"0\" } } action: ALLOW"),
     CORDON_GROUPS("\"proc\"")},
    {"clone3-allowed", CORDON_ALLOWS("\"clone3\""), CORDON_GROUPS("\"proc\"")},
    {"clone3-answer",
     "seccomp { allow: [\"stdio\", \"exec\", \"thread\"] "
     "rule { calls: \"clone3\" action: ERRNO errno_name: \"EPERM\" } }",
     "seccomp { allow: [\"stdio\", \"exec\", \"thread\"] "
     "rule { calls: \"clone3\" action: ERRNO errno_name: \"ENOSYS\" } }"},
    {"unshare-setns", CORDON_ALLOWS("\"setns\""),
     CORDON_RULE("calls: [\"setns\", \"unshare\"] action: KILL")},
    {"mount-calls", CORDON_ALLOWS("\"open_tree\""), CORDON_GROUPS("\"rpath\", \"cpath\"")},
    {"open-by-handle", CORDON_ALLOWS("\"open_by_handle_at\""),
     CORDON_ALLOWS("\"name_to_handle_at\"")},
    {"ioctl-tiocsti",
     CORDON_RULE("calls: \"ioctl\" when { arg: 1 not_equals: \"TIOCLINUX\" } action: ALLOW"),
     CORDON_RULE("calls: \"ioctl\" when { arg: 1 not_equals: \"TIOCSTI\" } action: ALLOW")},
    {"ioctl-tioclinux",
     CORDON_RULE("calls: \"ioctl\" when { arg: 1 not_equals: \"TIOCSTI\" } action: ALLOW"),
     CORDON_GROUPS("\"tty\"")},
    {"ioctl-any", CORDON_ALLOWS("\"ioctl\""),
     CORDON_RULE("calls: \"ioctl\" when { arg: 1 any_of { value: \"TCGETS\" value: \"0x1\" } } "
                 "action: ALLOW")},
    {"set-id-bits", CORDON_ALLOWS("\"fchmodat2\""),
     CORDON_GROUPS("\"rpath\", \"wpath\", \"cpath\", \"fattr\", \"tmpfile\"")},
    {"openat2-unseen", CORDON_ALLOWS("\"openat2\""), CORDON_GROUPS("\"rpath\"")},
    {"trace-others", CORDON_ALLOWS("\"process_vm_readv\""), CORDON_GROUPS("\"proc\"")},
    {"core-limit", CORDON_ALLOWS("\"prlimit64\""), CORDON_GROUPS("\"self\", \"limits\"")},
    {"keyrings", CORDON_ALLOWS("\"keyctl\""), CORDON_RULE("calls: \"keyctl\" action: ERRNO")},
    {"bpf", CORDON_ALLOWS("\"bpf\""), CORDON_RULE("calls: \"bpf\" action: KILL")},
    {"perf-events", CORDON_ALLOWS("\"perf_event_open\""),
     CORDON_RULE("calls: \"perf_event_open\" action: ERRNO")},
    {"userfaultfd", CORDON_RULE("calls: \"userfaultfd\" action: LOG"),
     CORDON_RULE("calls: \"userfaultfd\" action: KILL")},
    {"io-uring", CORDON_ALLOWS("\"io_uring_enter\""), CORDON_GROUPS("\"memory\"")},
    {"kernel-administration", CORDON_ALLOWS("\"finit_module\""), CORDON_ALLOWS("\"getpriority\"")},
    {"socket-vsock", CORDON_CASE_OF_SOCKET("AF_VSOCK", "AF_UNIX")},
    {"socket-alg", CORDON_CASE_OF_SOCKET("AF_ALG", "AF_INET")},
    {"socket-netlink", CORDON_CASE_OF_SOCKET("AF_NETLINK", "AF_INET6")},
    {"socket-packet", CORDON_CASE_OF_SOCKET("AF_PACKET", "AF_UNIX")},
    {"socket-family", CORDON_CASE_OF_SOCKET("AF_TIPC", "AF_INET")},
    {"inet-without-network", CORDON_GROUPS("\"inet\""),
     CORDON_GROUPS("\"inet\"") " network { mode: LOOPBACK }"},
    {"host-abstract-sockets", CORDON_GROUPS("\"unix\"") " network { enforcement: OFF }",
     CORDON_GROUPS("\"unix\"")},
    {"personality", CORDON_ALLOWS("\"personality\""), CORDON_GROUPS("\"self\"")},
    {"write-execute", CORDON_GROUPS("\"memory\""),
     CORDON_RULE("calls: [\"mmap\", \"mprotect\"] when { arg: 2 masked_equals { "
                 "mask: \"PROT_EXEC\" value: \"0\" } } action: ALLOW")},
    {"executable-memory-file", CORDON_GROUPS("\"tmpfile\""),
     CORDON_RULE("calls: \"memfd_create\" when { arg: 1 masked_equals { mask: "
                 "\"MFD_NOEXEC_SEAL\" value: \"MFD_NOEXEC_SEAL\" } } action: ALLOW")},
    {"default-allows", "seccomp { default_action: LOG }",
     "seccomp { allow: [\"stdio\", \"exec\"] }"},
    {"default-errno", "seccomp { allow: [\"stdio\", \"exec\"] default_errno: \"EPERM\" }",
     "seccomp { allow: [\"stdio\", \"exec\"] default_errno: \"ENOSYS\" }"},
    {"nothing-kills", "seccomp { allow: [\"stdio\", \"exec\"] }",
     "seccomp { allow: [\"stdio\", \"exec\"] kill: \"keys\" }"},
    {"log-action", CORDON_RULE("calls: \"getpriority\" action: LOG"),
     CORDON_ALLOWS("\"getpriority\"")},
    {"rule-without-effect", CORDON_RULE("calls: \"read\" action: ALLOW"),
     CORDON_RULE("calls: \"read\" action: ERRNO")},
};

TEST(CallLintsTest, EachFindsItsPolicyAndNotTheNearMiss) { ExpectCases(CallLints(), kCases); }

TEST(CallLintsTest, MemoryFilesAddNothingToAnExecutablePlace) {
  EXPECT_TRUE(Only("executable-memory-file",
                   LintsOfText(CORDON_GROUPS(
                       "\"tmpfile\"") " mounts { tmpfs { target: \"/w\" size: \"1MiB\" "
                                      "executable: true } }"))
                  .empty());
}

TEST(CallLintsTest, EachNamespaceFlagIsSeenAlone) {
  for (const char* flag : {"CLONE_NEWNS", "CLONE_NEWCGROUP", "CLONE_NEWUTS", "CLONE_NEWIPC",
                           "CLONE_NEWUSER", "CLONE_NEWPID", "CLONE_NEWNET"}) {
    const auto found = Only(
        "clone-namespaces",
        LintsOfText(absl::StrCat("seccomp { allow: [\"stdio\", \"exec\"] rule { calls: \"clone\" "
                                 "when { arg: 0 equals: \"",
                                 flag, "|CLONE_VM|17\" } action: ALLOW } }")));
    ASSERT_EQ(found.size(), 1u) << flag;
    EXPECT_EQ(found[0].field(), "seccomp.rule[0]");
    EXPECT_EQ(found[0].place(), "test.textproto:1:36");
  }
}

TEST(CallLintsTest, EveryWayToASetIdBitIsSeenAlone) {
  for (const char* call : {"chmod", "fchmod", "fchmodat", "fchmodat2", "open", "openat", "creat",
                           "mknod", "mknodat"}) {
    const auto found =
        Only("set-id-bits",
             LintsOfText(absl::StrCat("seccomp { allow: [\"stdio\", \"exec\"] rule { calls: \"",
                                      call, "\" action: ALLOW } }")));
    ASSERT_EQ(found.size(), 1u) << call;
    EXPECT_THAT(found[0].message(), HasSubstr(call));
  }
}

TEST(CallLintsTest, FindingsNameTheGroupAndACallThatPasses) {
  const auto found = Only("write-execute", LintsOfText(CORDON_GROUPS("\"memory\"")));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].field(), "seccomp.allow[1]");
  EXPECT_EQ(found[0].message(),
            "(memory) lets mmap, mprotect, pkey_mprotect pass, for instance mmap(0x0, 0x0, 0x6)");
  const auto many = Only("kernel-administration", LintsOfText("seccomp { default_action: ALLOW }"));
  ASSERT_EQ(many.size(), 1u);
  EXPECT_EQ(many[0].field(), "seccomp.default_action");
  EXPECT_THAT(many[0].message(), HasSubstr("kexec_load, kexec_file_load, init_module, finit_module "
                                           "and 17 more pass"));
}

TEST(CallLintsTest, AnOffFilterIsOneFindingAndNotThirty) {
  std::vector<std::string> ids;
  for (const v1::LintFinding& finding : LintsOfText("seccomp { enforcement: OFF }")) {
    ids.push_back(finding.id());
  }
  EXPECT_THAT(ids, ElementsAre("seccomp-off"));
}

TEST(CallLintsTest, ARuleThatNarrowsAGroupHasAnEffect) {
  EXPECT_THAT(Only("rule-without-effect",
                   LintsOfText("seccomp { allow: [\"stdio\", \"exec\", \"thread\"] "
                               "rule { calls: \"fcntl\" when { arg: 1 equals: \"F_GETFD\" } "
                               "action: ALLOW } }")),
              IsEmpty());
  // Two rules that say one thing: each is needless while the other is there.
  EXPECT_EQ(
      Only("rule-without-effect",
           LintsOfText(
               "seccomp { allow: [\"stdio\", \"exec\"] "
               "rule { calls: \"sched_setscheduler\" when { arg: 1 equals: \"1\" } action: KILL } "
               "rule { calls: \"sched_setscheduler\" when { arg: 1 equals: \"1\" } action: KILL } "
               "}"))
          .size(),
      2u);
}

}  // namespace
}  // namespace cordon
