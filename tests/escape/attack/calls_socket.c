// SPDX-License-Identifier: Apache-2.0
// Sockets: each family is a piece of the kernel of its own.
#include <linux/netlink.h>
#include <sys/socket.h>

#include "attack.h"

#define SOCKET(name, ...) \
  static long name(void) { return socket(__VA_ARGS__); }

SOCKET(Inet, AF_INET, SOCK_STREAM, 0)
SOCKET(Inet6, AF_INET6, SOCK_DGRAM, 0)
SOCKET(Raw, AF_INET, SOCK_RAW, 1)
SOCKET(Ping, AF_INET, SOCK_DGRAM, 1)
SOCKET(Packet, AF_PACKET, SOCK_RAW, 0)
SOCKET(Route, AF_NETLINK, SOCK_RAW, 0)
SOCKET(Netfilter, AF_NETLINK, SOCK_RAW, 12)
SOCKET(Audit, AF_NETLINK, SOCK_RAW, 9)
SOCKET(Xfrm, AF_NETLINK, SOCK_RAW, 6)
SOCKET(Vsock, 40, SOCK_STREAM, 0)
SOCKET(Alg, 38, SOCK_SEQPACKET, 0)
SOCKET(Key, 15, SOCK_RAW, 2)
SOCKET(Rxrpc, 33, SOCK_DGRAM, 2)
SOCKET(Xdp, 44, SOCK_RAW, 0)
SOCKET(Tipc, 30, SOCK_RDM, 0)
SOCKET(Bluetooth, 31, SOCK_RAW, 1)
SOCKET(Unix, AF_UNIX, SOCK_STREAM, 0)

static long PairOf(int family) {
  int ends[2];
  return socketpair(family, SOCK_STREAM, 0, ends);
}
static long PairUnix(void) { return PairOf(AF_UNIX); }
static long PairTipc(void) { return PairOf(30); }

static long OutOfBand(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
  return send(ends[0], "x", 1, MSG_OOB);
}
static long AttachFilter(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
  return setsockopt(ends[0], SOL_SOCKET, SO_DETACH_FILTER, scratch, 4);
}

const struct Probe kSocketProbes[] = {
    {"socket_inet", Inet},
    {"socket_inet6", Inet6},
    {"socket_raw", Raw},
    {"socket_ping", Ping},
    {"socket_packet", Packet},
    {"socket_route", Route},
    {"socket_netfilter", Netfilter},
    {"socket_audit", Audit},
    {"socket_xfrm", Xfrm},
    {"socket_vsock", Vsock},
    {"socket_alg", Alg},
    {"socket_key", Key},
    {"socket_rxrpc", Rxrpc},
    {"socket_xdp", Xdp},
    {"socket_tipc", Tipc},
    {"socket_bluetooth", Bluetooth},
    {"socket_unix", Unix},
    {"pair_unix", PairUnix},
    {"pair_tipc", PairTipc},
    {"out_of_band", OutOfBand},
    {"attach_filter", AttachFilter},
    {NULL, NULL},
};
