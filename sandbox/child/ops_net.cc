// SPDX-License-Identifier: Apache-2.0
// Handlers for the UTS and network namespaces.
#include <linux/if.h>
#include <linux/socket.h>
#include <linux/sockios.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr int kAfInet = 2;
constexpr int kSockDgram = 2;
constexpr int kSockCloexec = 02000000;

}  // namespace

OpResult RunSetHostname(Context& context, const Op& op) {
  const char* name = Text(context, op.data);
  const long result = Sys(__NR_sethostname, name, Length(name));
  if (result < 0) return Check(KernelCall::k_sethostname, result);
  // "(none)" is what a kernel starts with; the host's domain is nobody's business.
  return Check(KernelCall::k_setdomainname, Sys(__NR_setdomainname, "(none)", 6));
}

// Order: before the capabilities go (CAP_NET_ADMIN of the namespace's owner).
OpResult RunLoopbackUp(Context&, const Op&) {
  const long fd = Sys(__NR_socket, kAfInet, kSockDgram | kSockCloexec, 0);
  if (fd < 0) return Check(KernelCall::k_socket, fd);
  struct ifreq request = {};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const long result = Sys(__NR_ioctl, fd, SIOCSIFFLAGS, &request);
  (void)Sys(__NR_close, fd);
  return Check(KernelCall::k_ioctl, result);
}

}  // namespace cordon::child
