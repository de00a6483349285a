// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/constants.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <ctime>
#include <initializer_list>
#include <set>

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

uint64_t Value(absl::string_view text) {
  const absl::StatusOr<uint64_t> value = ParseConstant(text);
  EXPECT_THAT(value, IsOk()) << text;
  return value.value_or(0xdeadbeef);
}

// The name with the value that the header gives it.
#define FROM_HEADER(name) \
  { #name, static_cast < uint64_t>(name) }

void ExpectSame(std::initializer_list<NamedConstant> constants) {
  for (const NamedConstant& constant : constants) {
    EXPECT_EQ(Value(constant.name), constant.value) << constant.name;
  }
}

TEST(ConstantsTest, SocketsAreThoseOfTheHeaders) {
  ExpectSame(
      {FROM_HEADER(AF_UNIX),          FROM_HEADER(AF_INET),         FROM_HEADER(AF_INET6),
       FROM_HEADER(AF_NETLINK),       FROM_HEADER(AF_PACKET),       FROM_HEADER(AF_ALG),
       FROM_HEADER(AF_VSOCK),         FROM_HEADER(AF_XDP),          FROM_HEADER(AF_KEY),
       FROM_HEADER(AF_RDS),           FROM_HEADER(AF_TIPC),         FROM_HEADER(AF_RXRPC),
       FROM_HEADER(SOCK_STREAM),      FROM_HEADER(SOCK_DGRAM),      FROM_HEADER(SOCK_RAW),
       FROM_HEADER(SOCK_SEQPACKET),   FROM_HEADER(SOCK_CLOEXEC),    FROM_HEADER(SOCK_NONBLOCK),
       FROM_HEADER(IPPROTO_TCP),      FROM_HEADER(IPPROTO_UDP),     FROM_HEADER(IPPROTO_ICMP),
       FROM_HEADER(IPPROTO_RAW),      FROM_HEADER(SOL_SOCKET),      FROM_HEADER(SO_REUSEADDR),
       FROM_HEADER(SO_ATTACH_FILTER), FROM_HEADER(SO_ATTACH_BPF),   FROM_HEADER(SO_MARK),
       FROM_HEADER(SO_PEERCRED),      FROM_HEADER(SO_BINDTODEVICE), FROM_HEADER(SO_REUSEPORT),
       FROM_HEADER(SO_PROTOCOL),      FROM_HEADER(SO_DOMAIN),       FROM_HEADER(TCP_NODELAY),
       FROM_HEADER(TCP_ULP),          FROM_HEADER(TCP_KEEPIDLE),    FROM_HEADER(IPV6_V6ONLY),
       FROM_HEADER(IP_RECVERR),       FROM_HEADER(MSG_OOB),         FROM_HEADER(MSG_NOSIGNAL),
       FROM_HEADER(MSG_DONTWAIT)});
}

TEST(ConstantsTest, FilesAreThoseOfTheHeaders) {
  ExpectSame({FROM_HEADER(O_WRONLY),        FROM_HEADER(O_RDWR),       FROM_HEADER(O_CREAT),
              FROM_HEADER(O_EXCL),          FROM_HEADER(O_TRUNC),      FROM_HEADER(O_APPEND),
              FROM_HEADER(O_NONBLOCK),      FROM_HEADER(O_CLOEXEC),    FROM_HEADER(AT_FDCWD),
              FROM_HEADER(AT_EMPTY_PATH),   FROM_HEADER(AT_REMOVEDIR), FROM_HEADER(F_DUPFD),
              FROM_HEADER(F_DUPFD_CLOEXEC), FROM_HEADER(F_SETOWN),     FROM_HEADER(F_SETLEASE),
              FROM_HEADER(F_NOTIFY),        FROM_HEADER(F_SETLK),      FROM_HEADER(F_SETLKW),
              FROM_HEADER(F_OFD_SETLKW),    FROM_HEADER(F_SETPIPE_SZ), FROM_HEADER(F_ADD_SEALS),
              FROM_HEADER(S_ISUID),         FROM_HEADER(S_ISGID),      FROM_HEADER(S_IFMT),
              FROM_HEADER(S_IFIFO),         FROM_HEADER(S_IFREG),      FROM_HEADER(S_IFSOCK),
              FROM_HEADER(MFD_HUGETLB),     FROM_HEADER(MFD_CLOEXEC),  FROM_HEADER(FICLONE),
              FROM_HEADER(FS_IOC_GETFLAGS), FROM_HEADER(RLIMIT_NPROC)});
  // The C library's name joins two bits; the kernel's own is the one that matters.
  EXPECT_EQ(Value("__O_TMPFILE"), static_cast<uint64_t>(O_TMPFILE & ~O_DIRECTORY));
  EXPECT_EQ(Value("O_PATH"), 010000000u);
}

TEST(ConstantsTest, ProcessesAreThoseOfTheHeaders) {
  ExpectSame({FROM_HEADER(CLONE_NEWUSER),
              FROM_HEADER(CLONE_NEWNS),
              FROM_HEADER(CLONE_NEWPID),
              FROM_HEADER(CLONE_NEWNET),
              FROM_HEADER(CLONE_NEWIPC),
              FROM_HEADER(CLONE_NEWUTS),
              FROM_HEADER(CLONE_NEWCGROUP),
              FROM_HEADER(CLONE_NEWTIME),
              FROM_HEADER(CLONE_THREAD),
              FROM_HEADER(CLONE_VM),
              FROM_HEADER(CLONE_PARENT),
              FROM_HEADER(CLONE_PTRACE),
              FROM_HEADER(CLONE_UNTRACED),
              FROM_HEADER(CLONE_PIDFD),
              FROM_HEADER(CLONE_IO),
              FROM_HEADER(PR_SET_NAME),
              FROM_HEADER(PR_SET_DUMPABLE),
              FROM_HEADER(PR_SET_SECCOMP),
              FROM_HEADER(PR_SET_NO_NEW_PRIVS),
              FROM_HEADER(PR_SET_MM),
              FROM_HEADER(PR_CAP_AMBIENT),
              FROM_HEADER(PR_SET_PTRACER),
              FROM_HEADER(PR_SCHED_CORE),
              FROM_HEADER(PR_SET_VMA),
              FROM_HEADER(PR_SET_PDEATHSIG),
              FROM_HEADER(PR_SET_CHILD_SUBREAPER),
              FROM_HEADER(PR_SET_TSC),
              FROM_HEADER(PR_SET_THP_DISABLE),
              FROM_HEADER(SIGKILL),
              FROM_HEADER(SIGSYS),
              FROM_HEADER(SIGCHLD),
              FROM_HEADER(SCHED_IDLE),
              FROM_HEADER(SCHED_DEADLINE),
              FROM_HEADER(ADDR_NO_RANDOMIZE),
              FROM_HEADER(READ_IMPLIES_EXEC),
              FROM_HEADER(PER_LINUX32),
              FROM_HEADER(PER_LINUX),
              FROM_HEADER(FUTEX_WAIT_BITSET),
              FROM_HEADER(FUTEX_CMP_REQUEUE_PI),
              FROM_HEADER(FUTEX_LOCK_PI),
              FROM_HEADER(CLOCK_BOOTTIME),
              FROM_HEADER(PRIO_USER),
              FROM_HEADER(RUSAGE_CHILDREN)});
#if defined(__x86_64__)
  ExpectSame({FROM_HEADER(ARCH_SET_FS), FROM_HEADER(ARCH_GET_FS), FROM_HEADER(ARCH_SET_CPUID),
              FROM_HEADER(ARCH_REQ_XCOMP_PERM)});
#endif
}

TEST(ConstantsTest, MemoryAndTerminalsAreThoseOfTheHeaders) {
  ExpectSame({FROM_HEADER(PROT_EXEC),
              FROM_HEADER(MAP_HUGETLB),
              FROM_HEADER(MAP_ANONYMOUS),
              FROM_HEADER(MAP_SYNC),
              FROM_HEADER(MADV_HWPOISON),
              FROM_HEADER(MADV_MERGEABLE),
              FROM_HEADER(MADV_DONTNEED),
              FROM_HEADER(MADV_FREE),
              FROM_HEADER(MADV_HUGEPAGE),
              FROM_HEADER(MADV_WIPEONFORK),
              FROM_HEADER(POSIX_FADV_NORMAL),
              FROM_HEADER(POSIX_FADV_RANDOM),
              FROM_HEADER(POSIX_FADV_SEQUENTIAL),
              FROM_HEADER(POSIX_FADV_WILLNEED),
              FROM_HEADER(POSIX_FADV_DONTNEED),
              FROM_HEADER(POSIX_FADV_NOREUSE),
              FROM_HEADER(MADV_COLD),
              FROM_HEADER(MADV_PAGEOUT),
              FROM_HEADER(MADV_POPULATE_WRITE),
              FROM_HEADER(TCGETS),
              FROM_HEADER(TCSETS),
              FROM_HEADER(TIOCSTI),
              FROM_HEADER(TIOCLINUX),
              FROM_HEADER(TIOCGWINSZ),
              FROM_HEADER(FIONREAD),
              FROM_HEADER(TIOCSCTTY),
              FROM_HEADER(TIOCGPGRP),
              FROM_HEADER(FIONBIO),
              FROM_HEADER(FIOCLEX),
              FROM_HEADER(TIOCSWINSZ)});
}

TEST(ConstantsTest, FlagsAreJoined) {
  EXPECT_EQ(Value("CLONE_VM|CLONE_FS"), 0x300u);
  EXPECT_EQ(Value("CLONE_VM | 0x1 | 2"), 0x103u);
}

TEST(ConstantsTest, NumbersAreExact) {
  EXPECT_EQ(Value("0"), 0u);
  EXPECT_EQ(Value("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(Value("0xffffffffffffffff"), UINT64_MAX);
  EXPECT_EQ(Value("0XfF"), 255u);
  EXPECT_EQ(Value("-1"), UINT64_MAX);
  EXPECT_EQ(Value("-100"), Value("AT_FDCWD"));
  EXPECT_EQ(Value("-9223372036854775808"), uint64_t{1} << 63);
}

TEST(ConstantsTest, RefusesWhatIsNoNumberAndNoName) {
  for (absl::string_view text : {"",
                                 "|",
                                 "AF_UNIX|",
                                 "18446744073709551616",
                                 "0x10000000000000000",
                                 "0x",
                                 "0xg",
                                 "-0",
                                 "-",
                                 "-0x1",
                                 "--1",
                                 "-9223372036854775809",
                                 "-AF_UNIX",
                                 "1.0",
                                 "1 2",
                                 "0644",
                                 "1k",
                                 "+1",
                                 "af unix",
                                 "AF_UNIX AF_INET"}) {
    EXPECT_THAT(ParseConstant(text), StatusIs(absl::StatusCode::kInvalidArgument, "")) << text;
  }
}

TEST(ConstantsTest, SuggestsTheNearestName) {
  EXPECT_THAT(ParseConstant("AF_UNX"),
              HasError("\"AF_UNX\" is not a known kernel constant; hint: did you mean "
                       "\"AF_UNIX\"?"));
}

TEST(ConstantsTest, NoNameIsThereTwice) {
  std::set<std::string> names;
  for (const NamedConstant& constant : NamedConstants()) {
    EXPECT_TRUE(names.insert(std::string(constant.name)).second) << constant.name;
    EXPECT_EQ(Value(constant.name), constant.value);
  }
}

}  // namespace
}  // namespace cordon
